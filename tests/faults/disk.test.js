// A full disk, a disk that fails to write, a folder that cannot be written (R06, R07, R08). Needs root, as in CI: it mounts.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Hall, until } from './support/hall.js';

test('a full disk is told with 503 and when to come back, reading goes on, and writing does once there is room', async () => {
  const disk = await mkdtemp(join(tmpdir(), 'vestibule-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk]);
  const hall = await Hall.of({ folder: disk });
  try {
    await hall.start();
    assert.equal((await hall.signUp('before@example.com')).status, 200);
    await fill(join(disk, 'filler'));
    const acknowledged = [];
    let refused;
    for (let number = 0; number < 400 && refused === undefined; number++) {
      const answer = await hall.signUp(`full-${number}@example.com`);
      if (answer.status === 200) acknowledged.push(`full-${number}@example.com`);
      else refused = answer;
    }
    assert.equal(refused?.status, 503, JSON.stringify(refused));
    assert.ok(refused.retryAfter, 'Retry-After');
    assert.ok(refused.body.errors[0].message, 'the envelope');
    assert.equal((await hall.page('/sign-in')).status, 200);
    assert.ok(await hall.hasAccount('before@example.com'), 'reading goes on');

    await rm(join(disk, 'filler'));
    await until(async () => (await hall.signUp(`after-${Date.now()}@example.com`)).status === 200, 'it writes again', 200, 5000);
    for (const email of acknowledged) assert.ok(await hall.hasAccount(email), `${email} was acknowledged`);
    await hall.end();
    await hall.start();
    assert.ok(await hall.hasAccount('before@example.com'), 'the database is whole');
  } finally {
    await hall.close();
    execFileSync('umount', ['-l', disk]);
    await rm(disk, { recursive: true, force: true });
  }
});

test('a disk that fails to keep what is written gives nobody an acknowledgement', async () => {
  const hall = await Hall.of({ wrap: ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync,fsync', '-e', 'inject=fdatasync,fsync:error=EIO:when=200+'] });
  try {
    await hall.start();
    const acknowledged = [];
    const answers = [];
    for (let number = 0; number < 300; number++) {
      const { status } = await hall.signUp(`io-${number}@example.com`);
      if (status === 200) acknowledged.push(`io-${number}@example.com`);
      answers.push(status);
      if (answers.filter((answer) => answer !== 200).length > 5) break;
    }
    assert.ok(answers.includes(503), `${[...new Set(answers)]}`);
    assert.equal((await hall.page('/sign-in')).status, 200);
    await hall.end('SIGKILL');
    hall.wrap = [];
    await hall.start();
    for (const email of acknowledged) assert.ok(await hall.hasAccount(email), `${email} was acknowledged`);
  } finally {
    await hall.close();
  }
});

test('a second server on the same database says why it does not start', async () => {
  const hall = await Hall.of();
  const second = await Hall.of({ folder: hall.folder });
  try {
    await hall.start();
    second.launch();
    const [code] = await second.exited;
    assert.notEqual(code, 0);
    assert.match(second.log, /data_dir|database\.url/);
    assert.match(second.log, /another/i);
    assert.equal((await hall.page('/sign-in')).status, 200);
  } finally {
    await hall.close();
  }
});

test('a data folder that is no folder stops the start with a sentence that names the setting', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-nowhere-'));
  await writeFile(join(folder, 'file'), 'not a folder');
  const hall = await Hall.of({ folder, settings: { VESTIBULE_DATA_DIR: join(folder, 'file', 'data') } });
  try {
    hall.launch();
    const [code] = await hall.exited;
    assert.notEqual(code, 0);
    assert.match(hall.log, /data_dir/);
  } finally {
    await hall.close();
    await rm(folder, { recursive: true, force: true });
  }
});

/** Fills what is left of a disk. */
async function fill(path) {
  const file = await open(path, 'w');
  const block = Buffer.alloc(64 * 1024, 'x');
  try {
    for (;;) await file.write(block);
  } catch (error) {
    assert.equal(error.code, 'ENOSPC');
  } finally {
    await file.close();
  }
}
