// An email server that is away, refuses, dawdles and hangs up: nobody waits for it, and no email is lost (R09, R10, R29).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Vestibule, freePort, sleep, until } from './support/vestibule.js';
import { MailServer } from './support/mailbox.js';

const GUESTS = 8;

/** A server with an email server of its own, which is not there yet. */
async function withMailServer(run, options = {}) {
  const mailbox = new MailServer(await freePort());
  const settings = { VESTIBULE_MAIL__SMTP_URL: mailbox.url, VESTIBULE_MAIL__FROM: 'hall@example.com', ...options.settings };
  const vestibule = await Vestibule.of({ ...options, settings });
  try {
    await vestibule.start();
    await run(vestibule, mailbox);
  } finally {
    await vestibule.close();
    await mailbox.close();
  }
}

/** Signs people up; nobody may wait for the email server. Answers their addresses and the longest wait. */
async function signUp(vestibule, name, guests = GUESTS) {
  const emails = Array.from({ length: guests }, (_, number) => `${name}-${number}@example.com`);
  let longest = 0;
  for (const email of emails) {
    const begun = performance.now();
    assert.equal((await vestibule.signUp(email)).status, 200, email);
    longest = Math.max(longest, performance.now() - begun);
  }
  return { emails, longest: Math.round(longest) };
}

async function outbox(vestibule) {
  return (await fetch(`${vestibule.url}/health/ready`).then((answer) => answer.json())).outbox;
}

function allTaken(mailbox, emails) {
  return emails.every((email) => mailbox.taken.includes(email));
}

test('nobody waits for an email server that is away, and all email goes out when it is back, also after a restart', () =>
  withMailServer(async (vestibule, mailbox) => {
    const { emails, longest } = await signUp(vestibule, 'away');
    assert.ok(longest < 1500, `a sign-up took ${longest} ms`);
    await sleep(1500);
    const waiting = await outbox(vestibule);
    assert.equal(waiting.waiting, GUESTS);
    assert.ok(waiting.oldestSeconds >= 1, JSON.stringify(waiting));
    await vestibule.end('SIGKILL');
    await vestibule.start();
    await mailbox.open();
    const begun = performance.now();
    await until(() => allTaken(mailbox, emails), 'all mail goes out', 50, 30_000);
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    await until(async () => (await outbox(vestibule)).waiting === 0, 'the outbox is empty');
    assert.equal(mailbox.taken.length, GUESTS, 'each once');
    console.log(`SMTP away: ${GUESTS} acknowledged within ${longest} ms each, ${mailbox.taken.length} delivered ${seconds} s after it was back`);
  }));

test('an email server that says "later" is asked again with growing waits, and gets each email once', () =>
  withMailServer(async (vestibule, mailbox) => {
    mailbox.manner = 'busy';
    await mailbox.open();
    const { emails, longest } = await signUp(vestibule, 'busy', 4);
    await until(() => mailbox.tries >= 4, 'each was tried');
    await sleep(4000);
    assert.equal(mailbox.tries, 4, 'none is tried again within four seconds');
    mailbox.manner = 'take';
    await until(() => allTaken(mailbox, emails), 'all mail goes out', 50, 30_000);
    assert.equal(mailbox.taken.length, 4);
    console.log(`SMTP 451: 4 acknowledged within ${longest} ms each, 4 delivered, ${mailbox.tries} tries`);
  }));

test('a mailbox that does not exist is given up at once, and keeps nobody else waiting', () =>
  withMailServer(async (vestibule, mailbox) => {
    mailbox.manner = 'unknown';
    await mailbox.open();
    await signUp(vestibule, 'unknown', 2);
    await until(async () => (await outbox(vestibule)).waiting === 0, 'they are given up');
    mailbox.manner = 'take';
    const { emails } = await signUp(vestibule, 'known', 2);
    await until(() => allTaken(mailbox, emails), 'the others go out');
    await sleep(1000);
    assert.equal(mailbox.tries, 4, 'nothing was tried twice');
    assert.equal(vestibule.logged(/given up/), 2);
    assert.doesNotMatch(vestibule.log, /unknown-\d@example\.com/, 'no address is in the log');
    console.log('SMTP 550: 2 given up after one try each, 2 others delivered');
  }));

test('an email server that hangs up within an email gets it again, and has it once', () =>
  withMailServer(async (vestibule, mailbox) => {
    mailbox.manner = 'cut';
    await mailbox.open();
    const { emails } = await signUp(vestibule, 'cut', 3);
    await until(() => mailbox.tries >= 3, 'each was tried');
    mailbox.manner = 'take';
    await until(() => allTaken(mailbox, emails), 'all mail goes out', 50, 30_000);
    assert.equal(mailbox.taken.length, 3);
    console.log(`SMTP cut off: 3 acknowledged, 3 delivered, ${mailbox.tries} tries`);
  }));

test('an email server that says nothing holds up neither a page nor the end of the process', () =>
  withMailServer(async (vestibule, mailbox) => {
    mailbox.manner = 'slow';
    await mailbox.open();
    const { emails, longest } = await signUp(vestibule, 'slow', 3);
    assert.ok(longest < 1500, `a sign-up took ${longest} ms`);
    await until(() => mailbox.tries >= 1, 'the first is tried');
    const page = await vestibule.page('/sign-in');
    assert.ok(page.status === 200 && page.milliseconds < 1000, `${page.milliseconds} ms`);
    const begun = Date.now();
    assert.equal(await vestibule.end(), 0);
    const stopping = Date.now() - begun;
    assert.ok(stopping < 10_000, `it took ${stopping} ms to stop`);
    mailbox.manner = 'take';
    await vestibule.start();
    await until(() => allTaken(mailbox, emails), 'all mail goes out', 50, 30_000);
    console.log(`SMTP silent: 3 acknowledged within ${longest} ms each, stopped in ${stopping} ms, 3 delivered after the restart`);
  }));

test('an email whose link has died is not sent any more', () =>
  withMailServer(
    async (vestibule, mailbox) => {
      await signUp(vestibule, 'dead', 2);
      await until(() => vestibule.logged(/tried again/) >= 2, 'both were tried');
      await vestibule.setClock(25 * 3600);
      await mailbox.open();
      await until(async () => (await outbox(vestibule)).waiting === 0, 'they are dropped');
      const { emails } = await signUp(vestibule, 'alive', 1);
      await until(() => allTaken(mailbox, emails), 'a new one goes out');
      assert.deepEqual(mailbox.taken, emails);
      console.log('SMTP away for a day: 2 mails with dead links not sent, 1 new one delivered');
    },
    { movesClock: true },
  ));
