// Slow clients are cut, and do not slow the others (S72, R26). `slowhttptest` is a Debian package.
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { KEY, sleep, until } from '../support/vestibule.js';
import { form, held, open, raw, run, tell, timed } from './support.js';

const CONNECTIONS = 300;
let vestibule;
before(async () => {
  vestibule = await open();
});
after(() => vestibule.close());

/** Bytes that come one by one, for ever. */
async function* drip(begin) {
  yield begin;
  for (;;) yield 'x';
}

test('a head that drips is cut after five seconds, with a word', async () => {
  const { answer, seconds, isClosed } = await raw(vestibule, drip('GET /sign-in HTTP/1.1\r\nHost: a\r\nX-Slow: '), { pause: 200, patience: 20_000 });
  tell('a first head that drips', { seconds });
  assert.ok(isClosed && seconds < 10, `${seconds} s`);
  assert.match(answer, /^HTTP\/1\.1 408/);
});

test('a second head that drips on the same connection is cut too', async () => {
  const first = 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n';
  const { answer, seconds, isClosed } = await raw(vestibule, drip(`${first}GET /sign-in HTTP/1.1\r\nX-Slow: `), { pause: 200, patience: 40_000 });
  tell('a second head that drips', { seconds });
  assert.match(answer, /^HTTP\/1\.1 200/);
  assert.ok(isClosed && seconds < 30, `${seconds} s`);
});

test('a form that drips is told after half a minute that it took too long', async () => {
  const { cookie } = await form(vestibule, '/sign-in');
  const head = `POST /sign-in HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n`;
  const { answer, seconds, isClosed } = await raw(vestibule, drip(head), { pause: 200, patience: 60_000 });
  tell('a form that drips', { seconds });
  assert.ok(isClosed && seconds < 50, `${seconds} s`);
  assert.match(answer, /^HTTP\/1\.1 408/);
  assert.match(answer, /did not arrive in time/);
});

test('a body that nobody wants is not read for ever', async () => {
  const head = 'POST /no-such-page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  async function* chunks() {
    yield head;
    for (;;) yield '1\r\nx\r\n';
  }
  const { seconds, isClosed } = await raw(vestibule, chunks(), { pause: 200, patience: 60_000 });
  tell('a body that nobody wants', { seconds });
  assert.ok(isClosed && seconds < 40, `${seconds} s`);
});

test('readers that take nothing are cut, and four hundred requests of each take little memory', async () => {
  const before = await held(vestibule);
  const asked = 'GET /sign-in HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(400);
  const readers = Array.from({ length: 100 }, () => silent(vestibule, asked));
  await sleep(5000);
  const during = await held(vestibule);
  const begun = Date.now();
  await until(async () => (await held(vestibule)).files <= before.files + 5, 'they are cut', 500, 60_000);
  tell('100 readers that take nothing of 400 pages', { 'MiB before': before.memory, during: during.memory, 'connections during': during.files - before.files, 'seconds until cut': 5 + (Date.now() - begun) / 1000 });
  for (const reader of readers) reader.destroy();
  assert.ok(during.files - before.files > 50, 'they were there');
  assert.ok(during.memory - before.memory < 40, 'memory');
});

test('a client that sends thousands of requests ahead gets no memory for them', async () => {
  const before = await vestibule.memory();
  const readers = Array.from({ length: 20 }, () => silent(vestibule, 'GET / HTTP/1.1\r\n\r\n'.repeat(7000)));
  await sleep(5000);
  const during = await vestibule.memory();
  tell('20 connections with 7000 requests each', { 'MiB before': before, during });
  for (const reader of readers) reader.destroy();
  assert.ok(during - before < 60, `${during - before} MiB`);
});

test('requests that are sent ahead are answered all the same, one after the other', async () => {
  const get = 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n';
  const call = `POST /_api/rest/v1/auth/signin-email HTTP/1.1\r\nHost: a\r\nX-Client-Key: ${KEY}\r\nContent-Type: application/json\r\n`;
  const post = `${call}Content-Length: 8\r\n\r\n{}\r\n\r\n\r\n`;
  const chunked = `${call}Transfer-Encoding: chunked\r\n\r\n8\r\n{}\r\n\r\n\r\n\r\n0\r\n\r\n`;
  const { answer } = await raw(vestibule, [get + get + post + get + chunked + get + get], { patience: 3000 });
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
  assert.deepEqual(statuses, ['200', '200', '400', '200', '400', '200', '200'], answer);
});

for (const [mode, words] of [
  ['slow heads', ['-H', '-i', '2']],
  ['slow bodies', ['-B', '-i', '2', '-s', '8192', '-t', 'POST', '-f', 'application/x-www-form-urlencoded']],
  ['slow readers', ['-X', '-w', '1', '-y', '2', '-n', '2', '-z', '1', '-k', '3']],
]) {
  test(`ordinary pages stay quick beside ${CONNECTIONS} ${mode}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-slow-'));
    const alone = await timed(vestibule, '/sign-in', sleep(5000));
    const attack = run('slowhttptest', [...words, '-c', String(CONNECTIONS), '-r', '100', '-l', '15', '-p', '3', '-u', `${vestibule.url}/sign-in`, '-o', join(folder, 'figures')]);
    const beside = await timed(vestibule, '/sign-in', attack);
    const said = (await attack).replaceAll(/\x1b\[[\d;]*[A-Za-z]/g, '');
    tell(mode, { 'alone p50': alone.p50, 'alone p99': alone.p99, 'beside p50': beside.p50, 'beside p99': beside.p99, pages: beside.count, 'connected at most': most(said, 'connected'), 'cut at last': most(said, 'closed') });
    assert.deepEqual(beside.statuses, [200]);
    assert.ok(most(said, 'connected') > CONNECTIONS / 2, 'the attack was one');
    assert.doesNotMatch(said, /service available:\s*NO/);
    assert.ok(beside.p99 < alone.p99 * 10 + 200, `${beside.p99} ms beside, ${alone.p99} alone`);
  });
}

/** The largest number that slowhttptest said of something. */
function most(said, word) {
  return Math.max(0, ...[...said.matchAll(new RegExp(`${word}:\\s+(\\d+)`, 'g'))].map((match) => Number(match[1])));
}

/** Sends something and takes nothing. */
function silent(vestibule, bytes) {
  const { hostname, port } = new URL(vestibule.url);
  const socket = connect({ host: hostname, port: Number(port), onread: { buffer: Buffer.alloc(1), callback: () => false } });
  socket.on('error', () => {});
  socket.write(bytes);
  return socket;
}
