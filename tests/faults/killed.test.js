// kill -9 under load: what was acknowledged is there, and its email goes out (R01, R02, R03).
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Vestibule, until } from './support/vestibule.js';
import { SignUps } from './support/load.js';

const ROUNDS = 5;

test('nothing that was acknowledged is lost when the process is killed under load, and its email goes out', async () => {
  const vestibule = await Vestibule.of();
  const signUps = new SignUps(vestibule);
  const restarts = [];
  try {
    await vestibule.start();
    const session = await vestibule.join('member@example.com');
    for (let round = 0; round < ROUNDS; round++) {
      const enough = signUps.acknowledged.length + 10 + 3 * round;
      const sending = signUps.untilGone();
      await until(() => signUps.acknowledged.length >= enough, 'a load', 1);
      await vestibule.end('SIGKILL');
      await sending;
      assert.equal(await vestibule.sqlite('pragma integrity_check'), 'ok');
      restarts.push(await vestibule.start());
      assert.equal(await vestibule.membership(session), 200, 'who was signed in is');
    }
    assert.ok(Math.max(...restarts) < 2000, `back after ${restarts} ms`);
    assert.deepEqual(await signUps.lost(), []);
    await until(async () => missing(signUps.acknowledged, await vestibule.mailed()).length === 0, 'every mail goes out');
    const twice = repeated(await vestibule.mailed());
    assert.ok(twice.length <= ROUNDS, `${twice.length} mails went out twice in ${ROUNDS} kills`);
    console.log(
      `kill -9: ${signUps.acknowledged.length} acknowledged, 0 lost, ${twice.length} mails twice, in ${ROUNDS} kills; ` +
        `back after ${Math.max(...restarts)} ms at most`,
    );
  } finally {
    await vestibule.close();
  }
});

test('what was written is on the disk before it is acknowledged', async () => {
  const trace = join(await mkdtemp(join(tmpdir(), 'vestibule-trace-')), 'trace');
  const calls = 'trace=fdatasync,fsync,write,writev,sendto,sendmsg';
  const vestibule = await Vestibule.of({ wrap: ['strace', '-f', '-y', '-qq', '-s', '24', '-o', trace, '-e', calls], settings: { RUST_LOG: 'off' } });
  try {
    await vestibule.start();
    await vestibule.signUp('warm-up@example.com');
    const before = (await readFile(trace, 'utf8')).length;
    assert.equal((await vestibule.signUp('one@example.com')).status, 200);
    await vestibule.end();
    const done = (await readFile(trace, 'utf8')).slice(before).split('\n');
    const answered = done.findIndex((line) => line.includes('HTTP/1.1 200'));
    const synced = done.findIndex((line) => /f(data)?sync\(\d+<.*vestibule\.db-wal>/.test(line));
    assert.ok(synced !== -1 && synced < answered, done.slice(0, 40).join('\n'));
  } finally {
    await vestibule.close();
    await rm(dirname(trace), { recursive: true, force: true });
  }
});

function missing(wanted, there) {
  const found = new Set(there);
  return wanted.filter((email) => !found.has(email));
}

function repeated(values) {
  return values.filter((value, index) => values.indexOf(value) !== index);
}
