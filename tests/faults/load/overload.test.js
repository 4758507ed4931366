// Ten times what can be done, then what is usual: who cannot be served is told so at once, and it is over when it is over (R18).
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { KEY, PASSWORD, percentile, sleep, until } from '../support/vestibule.js';
import { SECONDS, form, held, open, raw, run, tally, tell, timed, watch } from './support.js';

const vestibules = [];
after(() => Promise.all(vestibules.map((vestibule) => vestibule.close())));

async function opened(settings) {
  const vestibule = await open(settings);
  vestibules.push(vestibule);
  return vestibule;
}

test('ten times as many sign-ups as can be written are told 503 at once, and normal times are back within five seconds', async () => {
  const vestibule = await opened();
  const usual = await flood(vestibule, 4, 5000, 'usual');
  const before = await vestibule.memory();
  const stop = watch(vestibule, 200);
  const over = await flood(vestibule, 400, Math.min(SECONDS, 60) * 1000, 'over');
  const ended = Date.now();
  const peak = Math.max(...(await stop()).map(({ memory }) => memory));
  let seconds;
  await until(async () => {
    const { status } = await vestibule.signUp(`after-${Date.now()}@example.com`);
    seconds = (Date.now() - ended) / 1000;
    return status === 200;
  }, 'it signs up again', 100);
  const later = await flood(vestibule, 4, 3000, 'later');
  tell('sign-ups, usual', { rate: usual.rate, p99: usual.done.p99, ...usual.told });
  tell('400 at once', { 'done a second': over.rate, 'done p50': over.done.p50, 'done p99': over.done.p99, 'shed p50': over.shed.p50, 'shed p99': over.shed.p99, ...over.told, 'MiB before': before, peak });
  tell('afterwards', { 'seconds until one is done': seconds, rate: later.rate, p99: later.done.p99, ...later.told });
  assert.deepEqual(Object.keys(over.told).filter((status) => !['200', '503'].includes(status)), []);
  assert.equal(over.withoutTime, 0, 'each 503 says when to come back');
  assert.ok(over.told[200] > 0 && over.told[503] > 0, JSON.stringify(over.told));
  assert.ok(over.rate > usual.rate / 4, 'what can be done still is');
  assert.ok(seconds < 5, `${seconds} s`);
  assert.deepEqual(Object.keys(later.told), ['200']);
  assert.ok(peak - before < 250, `${peak - before} MiB`);
});

test('a thousand visitors of a page all get it', async () => {
  const vestibule = await opened();
  await sleep(500);
  const before = await held(vestibule);
  const said = await run('wrk', ['-t', '1', '-c', '1000', '-d', `${Math.min(SECONDS, 20)}s`, '--timeout', '10s', '--latency', `${vestibule.url}/sign-in`]);
  const ended = Date.now();
  await until(async () => (await vestibule.page('/sign-in')).milliseconds < 500, 'pages are quick again', 50);
  const seconds = (Date.now() - ended) / 1000;
  const after = await timed(vestibule, '/sign-in', sleep(2000));
  const held_ = await held(vestibule);
  tell('1000 connections', { 'a second': said.match(/Requests\/sec:\s+([\d.]+)/)?.[1], p99: said.match(/99%\s+(\S+)/)?.[1], 'seconds until quick': seconds, 'p99 after': after.p99, 'MiB before': before.memory, after: held_.memory });
  assert.doesNotMatch(said, /Non-2xx|Socket errors/, said);
  assert.ok(seconds < 5);
  assert.deepEqual(after.statuses, [200]);
});

test('who comes when all places are taken is told so in the words of the server, and gets in when somebody leaves', async () => {
  const vestibule = await opened({ VESTIBULE_SERVER__MAX_CONNECTIONS: '50' });
  const { hostname, port } = new URL(vestibule.url);
  const idle = Array.from({ length: 60 }, () => connect(Number(port), hostname).on('error', () => {}));
  await sleep(500);
  // On connections of their own: one that was there before is served as ever.
  const page = await raw(vestibule, ['GET /sign-in HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n']);
  assert.match(page.answer, /^HTTP\/1\.1 503/);
  assert.match(page.answer, /^retry-after: 5\r$/im);
  assert.match(page.answer, /^connection: close\r$/im);
  assert.match(page.answer, /More people are here than can be served at once/);
  assert.ok(page.isClosed && page.seconds < 3, `${page.seconds} s`);
  const call = await raw(vestibule, ['POST /_api/rest/v1/auth/signin-email HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}']);
  assert.match(call.answer, /^HTTP\/1\.1 503/);
  assert.match(call.answer, /^retry-after: 5\r$/im);
  assert.match(call.answer, /"message":"The service is busy/);
  for (const socket of idle) socket.destroy();
  await until(async () => (await vestibule.page('/sign-in')).status === 200, 'there is room again', 50, 3000);
});

test('no descriptors left is no end: it goes on once there are some', async () => {
  const vestibule = await open({}, ['prlimit', '--nofile=128:128']);
  vestibules.push(vestibule);
  const { hostname, port } = new URL(vestibule.url);
  const idle = Array.from({ length: 300 }, () => connect(Number(port), hostname).on('error', () => {}));
  await sleep(1500);
  const ticks = await cpu(vestibule);
  await sleep(1000);
  const spun = ((await cpu(vestibule)) - ticks) / 100;
  tell('without descriptors', { 'of a core': spun });
  assert.ok(spun < 0.7, `it spins: ${spun} of a core`);
  for (const socket of idle) socket.destroy();
  await until(async () => (await vestibule.page('/sign-in').catch(() => ({}))).status === 200, 'it serves again', 100, 5000);
  assert.equal((await form(vestibule, '/sign-in')).status, 200);
});

/** So many at once sign people up, each one after the other, for a time. Every request on a connection of its own, as from visitors. */
async function flood(vestibule, visitors, time, name) {
  const begun = Date.now();
  const answers = [];
  const one = async (visitor) => {
    for (let number = 0; Date.now() - begun < time; number++) {
      const sent = Date.now();
      const { status, retryAfter } = await post(vestibule, { email: `${name}-${visitor}-${number}@example.com`, password: PASSWORD });
      answers.push({ status, retryAfter, milliseconds: Date.now() - sent });
      // Impatient, but not a busy loop: this process has one thread for all of them.
      if (status !== 200) await sleep(200);
    }
  };
  await Promise.all(Array.from({ length: visitors }, (_, visitor) => one(visitor)));
  const times = (holds) => answers.filter(holds).map(({ milliseconds }) => milliseconds);
  const done = times(({ status }) => status === 200);
  const shed = times(({ status }) => status === 503);
  return {
    told: tally(answers.map(({ status }) => status)),
    rate: done.length / ((Date.now() - begun) / 1000),
    done: { p50: percentile(done, 50), p99: percentile(done, 99) },
    shed: { p50: percentile(shed, 50), p99: percentile(shed, 99) },
    withoutTime: answers.filter(({ status, retryAfter }) => status === 503 && !(Number(retryAfter) >= 1)).length,
  };
}

function post(vestibule, fields) {
  return new Promise((resolve) => {
    const body = JSON.stringify(fields);
    const headers = { 'content-type': 'application/json', 'x-client-key': KEY, 'content-length': Buffer.byteLength(body), connection: 'close' };
    const asked = request(`${vestibule.url}/_api/rest/v1/auth/signup-email`, { method: 'POST', headers, agent: false }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve({ status: answer.statusCode, retryAfter: answer.headers['retry-after'] }));
    });
    asked.on('error', (error) => resolve({ status: error.code }));
    asked.end(body);
  });
}

/** Hundredths of a second that the process computed. */
async function cpu(vestibule) {
  const { readFile } = await import('node:fs/promises');
  const fields = (await readFile(`/proc/${vestibule.process.pid}/stat`, 'utf8')).split(') ')[1].split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
