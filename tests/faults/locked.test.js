// Another program has the SQLite file open: a backup that reads for long, somebody's shell that writes (R21).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Vestibule, sleep } from './support/vestibule.js';
import { SignUps } from './support/load.js';

const MIB = 1024 * 1024;

/** A shell of SQLite that has begun a transaction; answers what ends it. */
async function begun(vestibule, ...statements) {
  const shell = spawn('sqlite3', [join(vestibule.folder, 'vestibule.db')], { stdio: ['pipe', 'pipe', 'inherit'] });
  shell.stdin.write(`.timeout 5000\n${statements.join(';\n')};\nselect 'begun';\n`);
  await once(shell.stdout, 'data');
  return async () => {
    shell.stdin.end('commit;\n');
    await once(shell, 'exit');
  };
}

test('who writes while another program holds the file waits, and is told to come back when that takes too long', async () => {
  const vestibule = await Vestibule.of();
  const signUps = new SignUps(vestibule);
  try {
    await vestibule.start();
    const session = await vestibule.join('member@example.com');
    const endSoon = await begun(vestibule, 'begin immediate');
    const sending = Promise.all(Array.from({ length: 8 }, () => signUps.one()));
    await sleep(1000);
    assert.equal(await vestibule.membership(session), 200, 'who reads does not wait');
    await endSoon();
    const answers = await sending;
    assert.ok(answers.every(({ status }) => status === 200), JSON.stringify(signUps.statuses));

    const endLate = await begun(vestibule, 'begin immediate');
    const begin = Date.now();
    const told = await Promise.all(Array.from({ length: 8 }, () => signUps.one()));
    const waited = Date.now() - begin;
    await endLate();
    assert.ok(told.every(({ status, retryAfter }) => status === 503 && /^\d+$/.test(retryAfter)), JSON.stringify(signUps.statuses));
    assert.ok(told.every(({ body }) => !/locked|SQLITE/i.test(JSON.stringify(body))), 'not in the words of the database');
    assert.ok(waited < 8000, `they waited ${waited} ms`);
    assert.equal((await signUps.one()).status, 200);
    assert.deepEqual(await signUps.lost(), []);
    console.log(`file held for 1 s: 8 waited, 8 acknowledged; held for longer: 8 told 503 after ${waited} ms at most`);
  } finally {
    await vestibule.close();
  }
});

test('a program that reads for long hinders nobody, and the write-ahead log does not grow once it is gone', async () => {
  const vestibule = await Vestibule.of();
  const signUps = new SignUps(vestibule);
  const walSize = async () => (await stat(join(vestibule.folder, 'vestibule.db-wal'))).size;
  try {
    await vestibule.start();
    const end = await begun(vestibule, 'begin', 'select count(*) from users');
    await writeFor(signUps, 2500);
    const held = await walSize();
    await end();
    await writeFor(signUps, 2500);
    const after = await walSize();
    assert.deepEqual(Object.keys(signUps.statuses), ['200']);
    // What was being written as the reader went comes on top, once.
    assert.ok(after <= Math.max(held, 8 * MIB) + MIB, `${after} bytes after, ${held} while it was read`);
    console.log(`long reader: ${signUps.acknowledged.length} acknowledged, -wal ${kilobytes(held)} meanwhile, ${kilobytes(after)} after as many more`);
  } finally {
    await vestibule.close();
  }
});

async function writeFor(signUps, milliseconds) {
  const sending = signUps.untilStopped();
  await sleep(milliseconds);
  signUps.stop();
  await sending;
}

function kilobytes(bytes) {
  return `${Math.round(bytes / 1024)} kB`;
}
