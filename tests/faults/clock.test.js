// The clock of a live process is set forward and back (R15). What only many days show is tested in `src/engine/tests/clock.rs`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Vestibule, PASSWORD, freePort, until } from './support/vestibule.js';
import { MailServer } from './support/mailbox.js';
import { Visitor, codeOf } from './support/visitor.js';

const [HOUR, DAY] = [3600, 24 * 3600];

async function withMovingClock(run, settings = {}) {
  const vestibule = await Vestibule.of({ movesClock: true, settings });
  try {
    await vestibule.start();
    await run(vestibule);
    assert.doesNotMatch(vestibule.log, /panicked/);
    assert.equal((await vestibule.page('/sign-in')).status, 200);
  } finally {
    await vestibule.close();
  }
}

/** Somebody new signs up, gets the email and is let in, whatever the clock says. */
async function aNewcomerGetsIn(vestibule, when) {
  const begun = Date.now();
  const session = await vestibule.join(`newcomer-${when}@example.com`);
  assert.equal(await vestibule.membership(session), 200, when);
  return Date.now() - begun;
}

test('an hour forward, an hour back, a day back: nobody is signed out, people sign up and in, and email goes out', () =>
  withMovingClock(async (vestibule) => {
    const session = await vestibule.join('member@example.com');
    const took = [];
    for (const [when, seconds] of Object.entries({ forward: HOUR, right: 0, back: -HOUR, yesterday: -DAY, again: 0 })) {
      await vestibule.setClock(seconds);
      assert.equal(await vestibule.membership(session), 200, `${when}: who was signed in is`);
      assert.ok(await vestibule.session('member@example.com'), `${when}: who signs in may`);
      took.push(await aNewcomerGetsIn(vestibule, when));
    }
    console.log(`clock +1 h, -1 h, -1 d: 0 signed out, newcomers let in after ${Math.max(...took)} ms at most, their mail included`);
  }));

test('a year and more forward ends every session and every link, and people sign in anew', () =>
  withMovingClock(async (vestibule) => {
    const session = await vestibule.join('member@example.com');
    await vestibule.signUp('late@example.com');
    let mail;
    await until(async () => (mail = await vestibule.mailTo('late@example.com')), 'the mail');
    await vestibule.setClock(400 * DAY);
    assert.equal(await vestibule.membership(session), 401, 'a session of a year ago');
    assert.equal(await vestibule.follow(mail), undefined, 'a link of a year ago');
    const ahead = await vestibule.session('member@example.com');
    assert.equal(await vestibule.membership(ahead), 200);
    await aNewcomerGetsIn(vestibule, 'ahead');
    await vestibule.setClock(0);
    assert.equal(await vestibule.membership(session), 200, 'the clock was wrong, not the session');
    assert.ok(await vestibule.session('member@example.com'));
    await aNewcomerGetsIn(vestibule, 'right');
    console.log('clock +400 d and back: sessions and links of before are over, people get in before and after');
  }));

test('an app signs in with the code of the time that is, a year ahead and back again, and no code does twice', () =>
  withMovingClock(async (vestibule) => {
    await vestibule.join('member@example.com');
    const owner = new Visitor(vestibule);
    await owner.signIn('member@example.com', PASSWORD);
    await owner.send('/profile/two-factor', {}, '/profile/two-factor/authenticator');
    const key = (await owner.open('/profile/two-factor/authenticator')).text.match(/class="key">([^<]+)</)[1].replace(/\s/g, '');
    const path = '/profile/two-factor/authenticator';
    const confirmed = await owner.send(path, { code: codeOf(key, vestibule) }, `${path}/confirm`);
    assert.ok([200, 303].includes(confirmed.status), confirmed.text);
    for (const seconds of [HOUR, 400 * DAY, 0, -HOUR]) {
      await vestibule.setClock(seconds);
      const code = codeOf(key, vestibule);
      const enter = async () => {
        const visitor = new Visitor(vestibule);
        await visitor.signIn('member@example.com', PASSWORD);
        await visitor.send('/sign-in/two-factor', { code });
        return visitor.isSignedIn();
      };
      assert.equal(await enter(), true, `a code of ${seconds} s`);
      assert.equal(await enter(), false, `the same code again, of ${seconds} s`);
    }
    console.log('clock +1 h, +400 d, right, -1 h: the code of an app gets in once each time');
  }));

test('limits of a wrong time lock nobody out once the clock is right', () =>
  withMovingClock(
    async (vestibule) => {
      await vestibule.join('member@example.com');
      await vestibule.setClock(400 * DAY);
      for (let number = 0; number < 8; number++) await vestibule.signIn('member@example.com', 'a wrong password');
      const { status, retryAfter } = await vestibule.signIn('member@example.com');
      assert.equal(status, 429);
      assert.ok(Number(retryAfter) <= HOUR, retryAfter);
      await vestibule.setClock(0);
      const told = await vestibule.signIn('member@example.com');
      assert.ok(told.status === 200 || Number(told.retryAfter) <= HOUR, JSON.stringify(told));
      await vestibule.setClock(HOUR);
      assert.ok(await vestibule.session('member@example.com'), 'an hour later at the latest');
    },
    { VESTIBULE_LIMITS__FACTOR: '1' },
  ));

test('email that waits for its next try does not wait for the former time when the clock was set back', async () => {
  const mailbox = new MailServer(await freePort());
  try {
    await withMovingClock(
      async (vestibule) => {
        await vestibule.setClock(DAY);
        await vestibule.signUp('patient@example.com');
        await until(() => vestibule.logged(/tried again/) >= 1, 'it was tried');
        await vestibule.setClock(0);
        await mailbox.open();
        const begun = Date.now();
        await until(() => mailbox.taken.length === 1, 'it goes out', 50, 20_000);
        console.log(`clock -1 d with a mail that waits for a retry: sent ${((Date.now() - begun) / 1000).toFixed(1)} s later`);
      },
      { VESTIBULE_MAIL__SMTP_URL: mailbox.url, VESTIBULE_MAIL__FROM: 'hall@example.com' },
    );
  } finally {
    await mailbox.close();
  }
});
