// Told to stop under load, few file descriptors, and two first starts at once (R08, R13, R19).
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Vestibule, sleep, until } from './support/vestibule.js';
import { SignUps } from './support/load.js';

const RACES = 5;

test('who is told to stop under load finishes what is in flight, takes nobody new, and loses nothing', async () => {
  const vestibule = await Vestibule.of();
  const signUps = new SignUps(vestibule);
  try {
    await vestibule.start();
    const session = await vestibule.join('member@example.com');
    const sending = signUps.untilGone();
    await until(() => signUps.acknowledged.length >= 20, 'a load');
    const slow = await begin(vestibule, 'slow@example.com');
    const begun = Date.now();
    process.kill(-vestibule.process.pid, 'SIGTERM');
    await until(async () => !(await isListening(vestibule)), 'nobody listens', 20, 5000);
    const closed = Date.now() - begun;
    const answer = await slow.finish();
    assert.match(answer, /^HTTP\/1\.1 200/, 'what was begun before is answered');
    const [code] = await vestibule.exited;
    const ended = Date.now() - begun;
    await sending;
    assert.equal(code, 0, vestibule.log);
    assert.deepEqual(Object.keys(signUps.statuses).filter((status) => !['0', '200'].includes(status)), []);
    await vestibule.start();
    assert.deepEqual(await signUps.lost(), []);
    assert.ok(await vestibule.hasAccount('slow@example.com'));
    assert.equal(await vestibule.membership(session), 200);
    const due = [...signUps.acknowledged, 'slow@example.com'];
    await until(async () => due.every(((mailed) => (email) => mailed.has(email))(new Set(await vestibule.mailed()))), 'every mail goes out');
    const mailed = (await vestibule.mailed()).filter((email) => due.includes(email));
    assert.equal(mailed.length, due.length, 'each once');
    console.log(
      `SIGTERM: ${due.length} acknowledged, 0 lost, ${mailed.length} mails, 0 twice; listener closed after ${closed} ms, exit 0 after ${ended} ms`,
    );
  } finally {
    await vestibule.close();
  }
});

test('with 128 file descriptors, 300 connections neither end the server nor make it spin, and it is well when they are gone', async () => {
  const vestibule = await Vestibule.of({ wrap: ['prlimit', '--nofile=128:128'] });
  const crowd = [];
  try {
    await vestibule.start();
    const session = await vestibule.join('member@example.com');
    const { port } = new URL(vestibule.url);
    for (let number = 0; number < 300; number++) {
      const connection = connect(Number(port), '127.0.0.1');
      connection.on('error', () => {});
      crowd.push(connection);
    }
    await sleep(1500);
    const before = await processorTime(vestibule);
    await sleep(2000);
    const spent = (await processorTime(vestibule)) - before;
    assert.ok(spent < 0.7, `${spent} s of processor time in 2 s of doing nothing`);
    crowd.forEach((connection) => connection.destroy());
    const begun = Date.now();
    await until(() => vestibule.page('/sign-in').then((page) => page.status === 200, () => false), 'it answers', 100, 5000);
    const recovered = Date.now() - begun;
    assert.equal(await vestibule.membership(session), 200);
    assert.equal((await vestibule.signUp('after@example.com')).status, 200);
    assert.ok(vestibule.logged(/WARN|ERROR/) < 50, `${vestibule.logged(/WARN|ERROR/)} lines in the log`);
    console.log(`128 descriptors, 300 connections: ${spent.toFixed(2)} s of processor in 2 s, answers ${recovered} ms after they are gone`);
  } finally {
    crowd.forEach((connection) => connection.destroy());
    await vestibule.close();
  }
});

test('two first starts at once make one secret key, and the one that goes on has it', async () => {
  const codes = [];
  for (let race = 0; race < RACES; race++) {
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-race-'));
    const data = join(folder, 'data');
    const vestibules = await Promise.all([0, 1].map(() => Vestibule.of({ folder })));
    for (const vestibule of vestibules) vestibule.env.VESTIBULE_DATA_DIR = data;
    try {
      vestibules.forEach((vestibule) => vestibule.launch());
      const winner = await firstLive(vestibules);
      const loser = vestibules.find((vestibule) => vestibule !== winner);
      const [code] = await loser.exited;
      codes.push(code);
      assert.ok(code > 0, 'the other one ends');
      assert.match(loser.log, /data_dir: another Vestibule uses/);
      winner.folder = data;
      const key = await readFile(join(data, 'secret_key'), 'utf8');
      assert.match(key, /^[0-9a-f]{64}\n$/);
      const session = await winner.join('first@example.com');
      await winner.end();
      await winner.start();
      assert.equal(await winner.membership(session), 200, 'it has the key that is kept');
    } finally {
      for (const vestibule of vestibules) await vestibule.close();
      await rm(folder, { recursive: true, force: true });
    }
  }
  console.log(`two first starts at once, ${RACES} times: one key each time, the second process ended with ${[...new Set(codes)]}`);
});

/** Begins a sign-up whose body is still on its way. */
async function begin(vestibule, email) {
  const { hostname, port } = new URL(vestibule.url);
  const body = JSON.stringify({ email, password: 'a lamp in the hall' });
  const head = `POST /_api/rest/v1/auth/signup-email HTTP/1.1\r\nHost: hall\r\nX-Client-Key: ${vestibule.clientKey}\r\nContent-Type: application/json\r\n`;
  const connection = connect(Number(port), hostname);
  let answer = '';
  connection.on('data', (bytes) => (answer += bytes));
  connection.on('error', () => {});
  connection.write(`${head}Expect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`);
  await until(() => answer.startsWith('HTTP/1.1 100'), 'the server has read who comes', 10);
  connection.write(body.slice(0, 10));
  answer = '';
  return {
    async finish() {
      connection.write(body.slice(10));
      await until(() => answer.includes('\r\n\r\n') || connection.destroyed, 'an answer', 20, 10_000).catch(() => {});
      connection.destroy();
      return answer;
    },
  };
}

function isListening(vestibule) {
  const { hostname, port } = new URL(vestibule.url);
  return new Promise((resolve) => {
    const connection = connect(Number(port), hostname);
    connection.once('connect', () => resolve(true)).once('error', () => resolve(false));
    connection.once('connect', () => connection.destroy());
  });
}

/** What the process has used of the processor, in seconds. */
async function processorTime(vestibule) {
  const fields = (await readFile(`/proc/${vestibule.process.pid}/stat`, 'utf8')).split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The one of them that answers. */
async function firstLive(vestibules) {
  let live;
  await until(async () => {
    for (const vestibule of vestibules) if (await vestibule.isLive()) live = vestibule;
    return live !== undefined;
  }, 'one of them answers');
  return live;
}
