// Proxies that cut, double, speak an old version, hang up: nothing happens twice, and what is said is clear (R25).
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PASSWORD, sleep, until } from '../support/hall.js';
import { proxy } from './proxy.js';
import { form, open, send, tell } from './support.js';

let hall;
before(async () => {
  hall = await open();
});
after(() => hall.close());

const mailsTo = async (email) => (await hall.mailed()).filter((to) => to === email).length;

/** Files that texts are written to. */
const texts = async () => (await readdir(join(hall.folder, 'outbox')).catch(() => [])).filter((name) => !name.endsWith('.eml')).length;

async function through(fault, work) {
  const between = await proxy(hall, fault);
  try {
    return await work(between.url);
  } finally {
    between.close();
  }
}

/** Signs up by the form through a proxy. */
async function signUp(url, email) {
  const { cookie, csrf } = await form(hall, '/sign-up');
  return { ...(await send(url, '/sign-up', { csrf, name: '', email, password: PASSWORD }, { cookie })), before: { cookie, csrf } };
}

for (const fault of ['double', 'retry']) {
  test(`a sign-up that a proxy sends twice (${fault}) makes one account, one letter, and one answer`, async () => {
    const email = `${fault}@example.com`;
    const answer = await through(fault, (url) => signUp(url, email));
    assert.deepEqual([answer.status, answer.location], [303, '/check-inbox']);
    const inbox = await form(hall, '/check-inbox', answer.cookie);
    assert.match(inbox.html, new RegExp(email), 'the second answer carries the journey of the first');
    await until(async () => (await mailsTo(email)) > 0, 'a letter');
    await sleep(1500);
    tell(fault, { letters: await mailsTo(email) });
    assert.equal(await mailsTo(email), 1);
  });

  test(`a sign-in that a proxy sends twice (${fault}) is one session, and its cookie works`, async () => {
    const member = await openDoor(`in-${fault}@example.com`);
    const { cookie, csrf } = await form(hall, '/sign-in');
    const answer = await through(fault, (url) => send(url, '/sign-in', { csrf, email: member, password: PASSWORD }, { cookie }));
    assert.deepEqual([answer.status, answer.location], [303, '/profile']);
    const profile = await form(hall, '/profile/sessions', answer.cookie);
    assert.equal(profile.status, 200);
    assert.equal([...profile.html.matchAll(/action="[^"]*\/profile\/sessions\/end"/g)].length, 0, 'no other session to end');
  });

  test(`a letter that is asked for twice by a proxy (${fault}) is one, and asking again later is another`, async () => {
    const email = await openDoor(`reset-${fault}@example.com`);
    const had = await mailsTo(email);
    const { cookie, csrf } = await form(hall, '/reset-password');
    const answer = await through(fault, (url) => send(url, '/reset-password', { csrf, email }, { cookie }));
    assert.equal(answer.status, 303);
    await sleep(1500);
    assert.equal((await mailsTo(email)) - had, 1);
    const again = await form(hall, '/reset-password', answer.cookie);
    assert.equal((await send(hall.url, '/reset-password', { csrf: again.csrf, email }, again)).status, 303);
    await until(async () => (await mailsTo(email)) - had === 2, 'another letter, since somebody asked again', 100, 5000);
  });

  test(`a code that is asked for twice by a proxy (${fault}) is one text`, async () => {
    const had = await texts();
    const { cookie, csrf } = await form(hall, '/sign-up/phone');
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
  const again = await send(hall.url, '/sign-up', { csrf: first.before.csrf, name: '', email, password: PASSWORD }, first.before);
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
  const { cookie } = await form(hall, '/sign-up');
  const answer = await send(hall.url, '/sign-up', { csrf: 'of-somebody-else', name: '', email: 'stale@example.com', password: PASSWORD }, { cookie });
  assert.equal(answer.status, 403);
  assert.match(answer.text, /Nothing was changed/);
});

/** An account whose address is proved, by the link in its letter. */
async function openDoor(email) {
  assert.equal((await hall.signUp(email)).status, 200);
  const { readFile } = await import('node:fs/promises');
  const folder = join(hall.folder, 'outbox');
  let link;
  await until(async () => {
    for (const name of await readdir(folder).catch(() => [])) {
      const mail = (await readFile(join(folder, name), 'utf8')).replaceAll('=\r\n', '').replaceAll('=\n', '').replaceAll('=3D', '=');
      if (mail.includes(email)) link = mail.match(/http:\/\/[^\s"<>]*verify[^\s"<>]*/)?.[0].replaceAll('&amp;', '&');
    }
    return link !== undefined;
  }, 'the letter');
  const opened = await fetch(link, { redirect: 'manual' });
  assert.ok(opened.status < 400, `${opened.status} ${link}`);
  return email;
}
