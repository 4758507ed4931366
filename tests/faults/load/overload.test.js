// Ten times what can be done, then what is usual: who cannot be served is told so at once, and it is over when it is over (R18).
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { percentile, sleep, until } from '../support/hall.js';
import { SECONDS, form, held, open, run, tally, tell, timed, watch } from './support.js';

const halls = [];
after(() => Promise.all(halls.map((hall) => hall.close())));

async function opened(settings) {
  const hall = await open(settings);
  halls.push(hall);
  return hall;
}

test('ten times as many sign-ups as can be written are told 503 at once, and normal times are back within five seconds', async () => {
  const hall = await opened();
  const usual = await flood(hall, 4, 5000, 'usual');
  const before = await hall.memory();
  const stop = watch(hall, 200);
  const over = await flood(hall, 400, Math.min(SECONDS, 60) * 1000, 'over');
  const ended = Date.now();
  const peak = Math.max(...(await stop()).map(({ memory }) => memory));
  let seconds;
  await until(async () => {
    const { status } = await hall.signUp(`after-${Date.now()}@example.com`);
    seconds = (Date.now() - ended) / 1000;
    return status === 200;
  }, 'it signs up again', 100);
  const later = await flood(hall, 4, 3000, 'later');
  tell('sign-ups, usual', { rate: usual.rate, p99: usual.p99, ...usual.told });
  tell('400 at once', { 'done a second': over.rate, p50: over.p50, p99: over.p99, ...over.told, 'MiB before': before, peak });
  tell('afterwards', { 'seconds until one is done': seconds, rate: later.rate, p99: later.p99, ...later.told });
  assert.deepEqual(Object.keys(over.told).filter((status) => !['200', '503'].includes(status)), []);
  assert.ok(over.told[200] > 0 && over.told[503] > 0, JSON.stringify(over.told));
  assert.ok(over.rate > usual.rate / 4, 'what can be done still is');
  assert.ok(seconds < 5, `${seconds} s`);
  assert.deepEqual(Object.keys(later.told), ['200']);
  assert.ok(peak - before < 250, `${peak - before} MiB`);
});

test('a thousand visitors of a page all get it', async () => {
  const hall = await opened();
  await sleep(500);
  const before = await held(hall);
  const said = await run('wrk', ['-t', '1', '-c', '1000', '-d', `${Math.min(SECONDS, 20)}s`, '--timeout', '10s', '--latency', `${hall.url}/sign-in`]);
  const ended = Date.now();
  await until(async () => (await hall.page('/sign-in')).milliseconds < 500, 'pages are quick again', 50);
  const seconds = (Date.now() - ended) / 1000;
  const after = await timed(hall, '/sign-in', sleep(2000));
  const held_ = await held(hall);
  tell('1000 connections', { 'a second': said.match(/Requests\/sec:\s+([\d.]+)/)?.[1], p99: said.match(/99%\s+(\S+)/)?.[1], 'seconds until quick': seconds, 'p99 after': after.p99, 'MiB before': before.memory, after: held_.memory });
  assert.doesNotMatch(said, /Non-2xx|Socket errors/, said);
  assert.ok(seconds < 5);
  assert.deepEqual(after.statuses, [200]);
});

test('who comes when all places are taken is told so in the words of the door, and gets in when somebody leaves', async () => {
  const hall = await opened({ VESTIBULE_SERVER__MAX_CONNECTIONS: '50' });
  const { hostname, port } = new URL(hall.url);
  const idle = Array.from({ length: 60 }, () => connect(Number(port), hostname).on('error', () => {}));
  await sleep(500);
  const page = await fetch(`${hall.url}/sign-in`, { headers: { accept: 'text/html', connection: 'close' } });
  const text = await page.text();
  assert.equal(page.status, 503);
  assert.equal(page.headers.get('retry-after'), '5');
  assert.equal(page.headers.get('connection'), 'close');
  assert.match(text, /More people are here than can be served at once/);
  const call = await hall.signIn('nobody@example.com');
  assert.deepEqual([call.status, call.retryAfter], [503, '5']);
  assert.ok(call.body.errors[0].message);
  for (const socket of idle) socket.destroy();
  await until(async () => (await hall.page('/sign-in')).status === 200, 'there is room again', 50, 3000);
});

test('no descriptors left is no end: it goes on once there are some', async () => {
  const hall = await open({}, ['prlimit', '--nofile=128:128']);
  halls.push(hall);
  const { hostname, port } = new URL(hall.url);
  const idle = Array.from({ length: 300 }, () => connect(Number(port), hostname).on('error', () => {}));
  await sleep(1500);
  const ticks = await cpu(hall);
  await sleep(1000);
  const spun = ((await cpu(hall)) - ticks) / 100;
  tell('without descriptors', { 'of a core': spun });
  assert.ok(spun < 0.7, `it spins: ${spun} of a core`);
  for (const socket of idle) socket.destroy();
  await until(async () => (await hall.page('/sign-in').catch(() => ({}))).status === 200, 'it serves again', 100, 5000);
  assert.equal((await form(hall, '/sign-in')).status, 200);
});

/** So many at once sign people up, each one after the other, for a time. */
async function flood(hall, visitors, time, name) {
  const begun = Date.now();
  const answers = [];
  const one = async (visitor) => {
    for (let number = 0; Date.now() - begun < time; number++) {
      const sent = Date.now();
      const { status } = await hall.signUp(`${name}-${visitor}-${number}@example.com`);
      answers.push({ status, milliseconds: Date.now() - sent });
      // Impatient, but not a busy loop: this process has one thread for all of them.
      if (status !== 200) await sleep(50);
    }
  };
  await Promise.all(Array.from({ length: visitors }, (_, visitor) => one(visitor)));
  const times = answers.map(({ milliseconds }) => milliseconds);
  const told = tally(answers.map(({ status }) => status));
  return { told, rate: (told[200] ?? 0) / ((Date.now() - begun) / 1000), p50: percentile(times, 50), p99: percentile(times, 99) };
}

/** Hundredths of a second that the process computed. */
async function cpu(hall) {
  const { readFile } = await import('node:fs/promises');
  const fields = (await readFile(`/proc/${hall.process.pid}/stat`, 'utf8')).split(') ')[1].split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
