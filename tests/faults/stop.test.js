// Told to stop under load, few file descriptors, and two first starts at once (R08, R13, R19).
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Hall, sleep, until } from './support/hall.js';
import { SignUps } from './support/load.js';

const RACES = 5;

test('who is told to stop under load finishes what is in flight, takes nobody new, and loses nothing', async () => {
  const hall = await Hall.of();
  const signUps = new SignUps(hall);
  try {
    await hall.start();
    const session = await hall.join('member@example.com');
    const sending = signUps.untilGone();
    await until(() => signUps.acknowledged.length >= 20, 'a load');
    const slow = await begin(hall, 'slow@example.com');
    const begun = Date.now();
    process.kill(-hall.process.pid, 'SIGTERM');
    await until(async () => !(await isListening(hall)), 'nobody listens', 20, 5000);
    const closed = Date.now() - begun;
    const answer = await slow.finish();
    assert.match(answer, /^HTTP\/1\.1 200/, 'what was begun before is answered');
    const [code] = await hall.exited;
    const ended = Date.now() - begun;
    await sending;
    assert.equal(code, 0, hall.log);
    assert.deepEqual(Object.keys(signUps.statuses).filter((status) => !['0', '200'].includes(status)), []);
    await hall.start();
    assert.deepEqual(await signUps.lost(), []);
    assert.ok(await hall.hasAccount('slow@example.com'));
    assert.equal(await hall.membership(session), 200);
    const due = [...signUps.acknowledged, 'slow@example.com'];
    await until(async () => due.every(((mailed) => (email) => mailed.has(email))(new Set(await hall.mailed()))), 'every mail goes out');
    const mailed = (await hall.mailed()).filter((email) => due.includes(email));
    assert.equal(mailed.length, due.length, 'each once');
    console.log(
      `SIGTERM: ${due.length} acknowledged, 0 lost, ${mailed.length} mails, 0 twice; listener closed after ${closed} ms, exit 0 after ${ended} ms`,
    );
  } finally {
    await hall.close();
  }
});

test('with 128 file descriptors, 300 connections neither end the server nor make it spin, and it is well when they are gone', async () => {
  const hall = await Hall.of({ wrap: ['prlimit', '--nofile=128:128'] });
  const crowd = [];
  try {
    await hall.start();
    const session = await hall.join('member@example.com');
    const { port } = new URL(hall.url);
    for (let number = 0; number < 300; number++) {
      const connection = connect(Number(port), '127.0.0.1');
      connection.on('error', () => {});
      crowd.push(connection);
    }
    await sleep(1500);
    const before = await processorTime(hall);
    await sleep(2000);
    const spent = (await processorTime(hall)) - before;
    assert.ok(spent < 0.7, `${spent} s of processor time in 2 s of doing nothing`);
    crowd.forEach((connection) => connection.destroy());
    const begun = Date.now();
    await until(() => hall.page('/sign-in').then((page) => page.status === 200, () => false), 'it answers', 100, 5000);
    const recovered = Date.now() - begun;
    assert.equal(await hall.membership(session), 200);
    assert.equal((await hall.signUp('after@example.com')).status, 200);
    assert.ok(hall.logged(/WARN|ERROR/) < 50, `${hall.logged(/WARN|ERROR/)} lines in the log`);
    console.log(`128 descriptors, 300 connections: ${spent.toFixed(2)} s of processor in 2 s, answers ${recovered} ms after they are gone`);
  } finally {
    crowd.forEach((connection) => connection.destroy());
    await hall.close();
  }
});

test('two first starts at once make one secret key, and the one that goes on has it', async () => {
  const codes = [];
  for (let race = 0; race < RACES; race++) {
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-race-'));
    const data = join(folder, 'data');
    const halls = await Promise.all([0, 1].map(() => Hall.of({ folder })));
    for (const hall of halls) hall.env.VESTIBULE_DATA_DIR = data;
    try {
      halls.forEach((hall) => hall.launch());
      const winner = await firstLive(halls);
      const loser = halls.find((hall) => hall !== winner);
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
      for (const hall of halls) await hall.close();
      await rm(folder, { recursive: true, force: true });
    }
  }
  console.log(`two first starts at once, ${RACES} times: one key each time, the second process ended with ${[...new Set(codes)]}`);
});

/** Begins a sign-up whose body is still on its way. */
async function begin(hall, email) {
  const { hostname, port } = new URL(hall.url);
  const body = JSON.stringify({ email, password: 'a lamp in the hall' });
  const head = `POST /_api/rest/v1/auth/signup-email HTTP/1.1\r\nHost: hall\r\nX-Client-Key: ${hall.clientKey}\r\nContent-Type: application/json\r\n`;
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

function isListening(hall) {
  const { hostname, port } = new URL(hall.url);
  return new Promise((resolve) => {
    const connection = connect(Number(port), hostname);
    connection.once('connect', () => resolve(true)).once('error', () => resolve(false));
    connection.once('connect', () => connection.destroy());
  });
}

/** What the process has used of the processor, in seconds. */
async function processorTime(hall) {
  const fields = (await readFile(`/proc/${hall.process.pid}/stat`, 'utf8')).split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The one of them that answers. */
async function firstLive(halls) {
  let live;
  await until(async () => {
    for (const hall of halls) if (await hall.isLive()) live = hall;
    return live !== undefined;
  }, 'one of them answers');
  return live;
}
