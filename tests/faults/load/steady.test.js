// What the server holds does not grow: under mixed load for minutes, and for the largest request of each kind (R17, R20, S73).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { KEY, PASSWORD, percentile, sleep } from '../support/vestibule.js';
import { SECONDS, form, held, open, raw, send, tally, tell } from './support.js';

const vestibules = [];
after(() => Promise.all(vestibules.map((vestibule) => vestibule.close())));

async function opened(settings = { VESTIBULE_ENGINE__CONFIRM_EMAIL: 'false' }, wrap = []) {
  const vestibule = await open(settings, wrap);
  vestibules.push(vestibule);
  return vestibule;
}

test(`memory, open files and the write-ahead log stay flat for ${SECONDS} seconds of mixed load`, async () => {
  const vestibule = await opened();
  const warm = Math.min(SECONDS / 2, 30) * 1000;
  await mix(vestibule, warm, 'warm');
  const half = await held(vestibule);
  const seen = await mix(vestibule, SECONDS * 1000, 'long');
  const end = await held(vestibule);
  tell(`${SECONDS} s of mixed load`, { ...seen, 'MiB before': half.memory, after: end.memory, 'files before': half.files, 'files after': end.files, 'MiB of WAL before': half.log, 'WAL after': end.log });
  assert.deepEqual(Object.keys(seen.told).filter((status) => status >= 500 || status === '0'), []);
  assert.ok((seen.told['closed while idle'] ?? 0) < 5, JSON.stringify(seen.told));
  assert.ok(end.memory < half.memory * 1.1 + 10, `${half.memory} MiB, then ${end.memory}`);
  assert.ok(end.files <= half.files + 8, `${half.files} files, then ${end.files}`);
  assert.ok(end.log < 16, `${end.log} MiB`);
});

test('no single request takes much memory', async () => {
  const vestibule = await opened();
  const email = 'large@example.com';
  assert.equal((await vestibule.signUp(email)).status, 200);
  let { cookie, csrf } = await form(vestibule, '/sign-in');
  ({ cookie } = await send(vestibule.url, '/sign-in', { csrf, email, password: PASSWORD }, { cookie }));
  const visitor = await form(vestibule, '/sign-in');
  const picture = await form(vestibule, '/profile/picture', cookie);
  const before = await vestibule.memory();
  const requests = {
    'a form of ten thousand fields': () => send(vestibule.url, '/sign-in', [...Array.from({ length: 10_000 }, () => ['f', '']), ['csrf', visitor.csrf]], visitor),
    'a form above its limit': () => send(vestibule.url, '/sign-in', { csrf: visitor.csrf, email: 'x'.repeat(5_000_000) }, visitor),
    'a form of a million equal signs': () => send(vestibule.url, '/sign-in', '='.repeat(60_000), visitor),
    'a call that nests deeply': () => plain(vestibule, '/_api/rest/v1/auth/signin-email', 'application/json', '['.repeat(60_000)),
    'a call above its limit': () => plain(vestibule, '/_api/rest/v1/auth/signup-email', 'application/json', JSON.stringify({ email, password: 'x'.repeat(8_000_000) })),
    'a long address': () => plain(vestibule, `/sign-in?${'a=b&'.repeat(8000)}`),
    'a picture above its limit': () => upload(vestibule, picture, Buffer.alloc(12 * 2 ** 20, 1)),
    'a picture that says it is huge': () => upload(vestibule, picture, hugePng()),
    'a hundred kilobytes of headers': () => plain(vestibule, '/sign-in', undefined, undefined, Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`x-${n}`, 'y'.repeat(1500)]))),
  };
  for (const [what, ask] of Object.entries(requests)) {
    const status = (await ask().catch(() => ({ status: 0 }))).status;
    const memory = (await vestibule.memory()) - before;
    tell(what, { status, 'MiB more': memory });
    assert.notEqual(status, 500, what);
    assert.ok(memory < 80, `${what}: ${memory} MiB`);
    assert.equal((await vestibule.page('/sign-in')).status, 200, what);
  }
});

test('little memory is enough for each of them', async () => {
  // Threads take address space for their stacks and the allocator for its arenas: the bound is on both.
  const vestibule = await opened({ VESTIBULE_ENGINE__CONFIRM_EMAIL: 'false', VESTIBULE_SERVER__WORKERS: '2', MALLOC_ARENA_MAX: '2' }, ['prlimit', '--as=700000000']);
  assert.equal((await vestibule.signUp('small@example.com')).status, 200);
  const many = await Promise.all(Array.from({ length: 100 }, () => vestibule.signIn('small@example.com')));
  assert.deepEqual(Object.keys(tally(many.map(({ status }) => status))).filter((status) => !['200', '503'].includes(status)), []);
  const large = Array.from({ length: 20 }, () => plain(vestibule, '/_api/rest/v1/auth/signup-email', 'application/json', 'x'.repeat(1_000_000)));
  for (const { status } of await Promise.all(large)) assert.ok(status >= 400 && status < 500, `${status}`);
  assert.equal((await vestibule.page('/sign-in')).status, 200);
});

/** Some of everything for a time: what was answered, and how quickly. */
async function mix(vestibule, time, name) {
  const end = Date.now() + time;
  const times = [];
  const statuses = [];
  const note = async (call) => {
    const begun = performance.now();
    // Node may send on a connection that was idle for as long as we keep one: that is nobody's fault.
    const { status } = await call.catch(() => ({ status: 'closed while idle' }));
    times.push(performance.now() - begun);
    statuses.push(status);
  };
  const visitor = async (id) => {
    for (let number = 0; Date.now() < end; number++) {
      const email = `${name}-${id}-${number}@example.com`;
      await note(vestibule.page('/sign-in'));
      await note(vestibule.page('/sign-up'));
      await note(vestibule.page('/nothing-here'));
      if (id === 0) await note(vestibule.signUp(email));
      if (id === 1) await note(vestibule.signIn('nobody@example.com'));
      if (id === 2) {
        const { cookie, csrf } = await form(vestibule, '/reset-password');
        await note(send(vestibule.url, '/reset-password', { csrf, email: 'nobody@example.com' }, { cookie }));
      }
      await sleep(20);
    }
  };
  await Promise.all([0, 1, 2, 3].map(visitor));
  return { told: tally(statuses), p50: percentile(times, 50), p99: percentile(times, 99) };
}

async function plain(vestibule, path, type, body, more = {}) {
  const answer = await fetch(vestibule.url + path, { method: body === undefined ? 'GET' : 'POST', redirect: 'manual', headers: { accept: 'text/html', ...(path.startsWith('/_api') && { 'x-client-key': KEY }), ...(type && { 'content-type': type }), ...more }, body });
  await answer.text();
  return answer;
}

async function upload(vestibule, { cookie, csrf }, bytes) {
  const body = new FormData();
  body.set('csrf', csrf);
  body.set('picture', new Blob([bytes], { type: 'image/png' }), 'picture.png');
  const answer = await fetch(`${vestibule.url}/profile/picture`, { method: 'POST', redirect: 'manual', headers: { cookie, accept: 'text/html' }, body });
  await answer.text();
  return answer;
}

/** The head of a picture of 60000 by 60000 points. */
function hugePng() {
  const bytes = Buffer.alloc(64);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(bytes);
  bytes.writeUInt32BE(60_000, 16);
  bytes.writeUInt32BE(60_000, 20);
  bytes.set([8, 6, 0, 0, 0], 24);
  return bytes;
}
