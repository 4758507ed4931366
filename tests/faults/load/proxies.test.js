// Proxies that cut, double, speak an old version, hang up: nothing happens twice, and what is said is clear (R25).
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PASSWORD, sleep, until } from '../support/vestibule.js';
import { proxy } from './proxy.js';
import { form, open, send, tell } from './support.js';

let vestibule;
/** One that asks for no proof of an address. */
let free;
before(async () => {
  vestibule = await open();
  free = await open({ VESTIBULE_ENGINE__CONFIRM_EMAIL: 'false' });
});
after(() => Promise.all([vestibule.close(), free.close()]));

const mailsTo = async (email, at = vestibule) => (await at.mailed()).filter((to) => to === email).length;

/** Files that texts are written to. */
const texts = async () => (await readdir(join(vestibule.folder, 'outbox')).catch(() => [])).filter((name) => !name.endsWith('.eml')).length;

async function through(fault, work, at = vestibule) {
  const between = await proxy(at, fault);
  try {
    return await work(between.url);
  } finally {
    between.close();
  }
}

/** Signs up by the form through a proxy. */
async function signUp(url, email) {
  const { cookie, csrf } = await form(vestibule, '/sign-up');
  return { ...(await send(url, '/sign-up', { csrf, name: '', email, password: PASSWORD }, { cookie })), before: { cookie, csrf } };
}

for (const fault of ['double', 'retry']) {
  test(`a sign-up that a proxy sends twice (${fault}) makes one account, one email, and one answer`, async () => {
    const email = `${fault}@example.com`;
    const answer = await through(fault, (url) => signUp(url, email));
    assert.deepEqual([answer.status, answer.location], [303, '/check-inbox']);
    const inbox = await form(vestibule, '/check-inbox', answer.cookie);
    assert.match(inbox.html, new RegExp(email), 'the second answer carries the journey of the first');
    await until(async () => (await mailsTo(email)) > 0, 'a letter');
    await sleep(1500);
    tell(fault, { letters: await mailsTo(email) });
    assert.equal(await mailsTo(email), 1);
  });

  test(`a sign-in that a proxy sends twice (${fault}) ends in a session whose cookie works`, async () => {
    const email = await member(`in-${fault}@example.com`);
    const { cookie, csrf } = await form(free, '/sign-in');
    const answer = await through(fault, (url) => send(url, '/sign-in', { csrf, email, password: PASSWORD }, { cookie }), free);
    assert.deepEqual([answer.status, answer.location], [303, '/profile']);
    const profile = await form(free, '/profile/sessions', answer.cookie);
    assert.equal(profile.status, 200);
    const others = [...profile.html.matchAll(/action="[^"]*\/profile\/sessions\/end"/g)].length;
    tell(fault, { 'other sessions': others });
    // Beside that of the sign-up. What comes again before the answer arrived gets that answer.
    assert.equal(others, 1);
  });

  test(`an email that is asked for twice by a proxy (${fault}) is one, and asking again later is another`, async () => {
    const email = await member(`reset-${fault}@example.com`);
    const had = await mailsTo(email, free);
    const { cookie, csrf } = await form(free, '/reset-password');
    const answer = await through(fault, (url) => send(url, '/reset-password', { csrf, email }, { cookie }), free);
    assert.equal(answer.status, 303);
    await sleep(1500);
    assert.equal((await mailsTo(email, free)) - had, 1);
    const again = await form(free, '/reset-password', answer.cookie);
    assert.equal((await send(free.url, '/reset-password', { csrf: again.csrf, email }, again)).status, 303);
    await until(async () => (await mailsTo(email, free)) - had === 2, 'another letter, since somebody asked again', 100, 5000);
  });

  test(`a code that is asked for twice by a proxy (${fault}) is one text`, async () => {
    const had = await texts();
    const { cookie, csrf } = await form(vestibule, '/sign-up/phone');
    const phone = fault === 'double' ? '+4915123456781' : '+4915123456782';
    const answer = await through(fault, (url) => send(url, '/sign-up/phone', { csrf, name: '', phone, password: PASSWORD }, { cookie }));
    assert.equal(answer.status, 303, answer.text?.slice(0, 2000));
    await sleep(1500);
    assert.equal((await texts()) - had, 1);
  });
}

test('an answer that was cut can be asked for again, and nothing happens twice', async () => {
  const email = 'cut@example.com';
  const first = await through('cut', (url) => signUp(url, email));
  assert.equal(first.status, 0, 'the browser saw a broken connection');
  const again = await send(vestibule.url, '/sign-up', { csrf: first.before.csrf, name: '', email, password: PASSWORD }, first.before);
  assert.deepEqual([again.status, again.location], [303, '/check-inbox']);
  await sleep(1500);
  assert.equal(await mailsTo(email), 1);
});

test('HTTP/1.0 is spoken', async () => {
  await through('old', async (url) => {
    const answer = await signUp(url, 'old@example.com');
    assert.deepEqual([answer.status, answer.location], [303, '/check-inbox']);
    const page = await fetch(`${url}/sign-in`, { headers: { accept: 'text/html' } });
    assert.match(await page.text(), /<\/html>/);
  });
});

test('a proxy that hangs up after half a second idle breaks nothing', async () => {
  await through('idle', async (url) => {
    for (let round = 0; round < 3; round++) {
      const answer = await signUp(url, `idle-${round}@example.com`);
      assert.equal(answer.status, 303);
      await sleep(700);
    }
  });
});

test('a form whose page is from before says so, and pressing again helps', async () => {
  const { cookie } = await form(vestibule, '/sign-up');
  const answer = await send(vestibule.url, '/sign-up', { csrf: 'of-somebody-else', name: '', email: 'stale@example.com', password: PASSWORD }, { cookie });
  assert.equal(answer.status, 403);
  assert.match(answer.text, /Nothing was changed/);
});

/** An account that is used at once. */
async function member(email) {
  assert.equal((await free.signUp(email)).status, 200);
  return email;
}
