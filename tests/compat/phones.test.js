// The phone half of the auth manager, through the official client.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PASSWORD, openVestibule, refused, worked } from './vestibule.js';

const NEW_PASSWORD = 'another lamp in the hall';
let vestibule;
let last = 100;

before(async () => (vestibule = await openVestibule()));
after(() => vestibule.close());

/** A number that nobody else in this file has. */
const newPhone = () => `+4915112345${last++}`;

/** Somebody who signed up with a number and proved it. */
async function member(phone, client = vestibule.client()) {
  await worked(client.auth.signUpWithPhone(phone, PASSWORD, 'Ann'));
  const { user, session } = await worked(client.auth.verifyPhone(phone, await vestibule.code(phone)));
  return { client, user, session };
}

test('somebody signs up with a number, proves it and is in', async () => {
  const phone = newPhone();
  const client = vestibule.client();
  const { user, session } = await worked(client.auth.signUpWithPhone(phone, PASSWORD, { name: 'Ann', phoneVerified: true }));
  assert.deepEqual([user.phone, user.name, user.phoneVerified, 'email' in user, session], [phone, 'Ann', false, false, null]);
  assert.equal(await refused(client.auth.signInWithPhone(phone, PASSWORD)), '401 phone_not_verified');
  const code = await vestibule.code(phone);
  assert.equal(await refused(client.auth.verifyPhone(phone, other(code))), '403 invalid_access_token');
  const verified = await worked(client.auth.verifyPhone(phone, code));
  assert.deepEqual([verified.user.phoneVerified, verified.session.userAgent.device.family], [true, 'Other']);
  assert.equal(await refused(client.auth.verifyPhone(phone, code)), '403 invalid_access_token');
  assert.equal((await worked(client.auth.getUserFromDB())).user._id, verified.user._id);
  assert.equal(await refused(vestibule.client().auth.signUpWithPhone(phone, PASSWORD)), '400 phone_not_unique');
});

test('what is no number is refused, with one entry for each problem', async () => {
  const { auth } = vestibule.client();
  assert.equal(await refused(auth.signUpWithPhone('015112345678', 'x')), '400 validation_error validation_error');
  assert.match(await refused(auth.sendSignInCode('nonsense')), /^400 /);
});

test('a code that was not seen comes again, and a resent one kills the first', async () => {
  const phone = newPhone();
  const { auth } = vestibule.client();
  await worked(auth.signUpWithPhone(phone, PASSWORD));
  const first = await vestibule.code(phone);
  await worked(auth.resendVerificationCode(phone));
  const second = await vestibule.code(phone, 1);
  if (first !== second) assert.equal(await refused(auth.verifyPhone(phone, first)), '403 invalid_access_token');
  await worked(auth.verifyPhone(phone, second));
  await worked(auth.resendVerificationCode('+4915112345999'));
});

test('number and password sign in; a wrong password and an unknown number get the same answer', async () => {
  const { user } = await member(newPhone());
  const { auth } = vestibule.client();
  assert.equal((await worked(auth.signInWithPhone(user.phone, PASSWORD))).user._id, user._id);
  const wrong = await refused(vestibule.client().auth.signInWithPhone(user.phone, 'wrong wrong'));
  assert.equal(wrong, await refused(vestibule.client().auth.signInWithPhone('+4915112345998', 'wrong wrong')));
  assert.equal(wrong, '401 invalid_credentials');
});

test('a sign-in code signs in once', async () => {
  const { user } = await member(newPhone());
  const { auth } = vestibule.client();
  await worked(auth.sendSignInCode(user.phone));
  const code = await vestibule.code(user.phone, 1);
  assert.equal(await refused(auth.signInWithCode(user.phone, other(code))), '403 invalid_access_token');
  assert.equal((await worked(auth.signInWithCode(user.phone, code))).user._id, user._id);
  assert.equal(await refused(vestibule.client().auth.signInWithCode(user.phone, code)), '403 invalid_access_token');
  assert.equal(await refused(auth.signInWithCode(user.phone, '')), '400 missing_sms_code');
  assert.equal(await refused(auth.signInWithCode('', code)), '400 missing_phone_number');
  await worked(auth.sendSignInCode('+4915112345997'));
});

test('five wrong guesses kill a code', async () => {
  const { user } = await member(newPhone());
  const { auth } = vestibule.client();
  await worked(auth.sendSignInCode(user.phone));
  const code = await vestibule.code(user.phone, 1);
  for (let i = 0; i < 5; i++) await refused(auth.signInWithCode(user.phone, other(code)));
  assert.equal(await refused(auth.signInWithCode(user.phone, code)), '403 invalid_access_token');
});

test('a forgotten password is reset by code, every session ends, and the code is good for nothing else', async () => {
  const { client, user } = await member(newPhone());
  const { auth } = vestibule.client();
  await worked(auth.sendResetPwdCode(user.phone));
  const code = await vestibule.code(user.phone, 1);
  assert.equal(await refused(auth.signInWithCode(user.phone, code)), '403 invalid_access_token');
  assert.equal(await refused(auth.resetPwdWithCode(user.phone, code, 'x')), '400 validation_error');
  await worked(auth.resetPwdWithCode(user.phone, code, NEW_PASSWORD));
  assert.equal(await refused(auth.resetPwdWithCode(user.phone, code, NEW_PASSWORD)), '403 invalid_access_token');
  assert.equal(await refused(client.auth.getUserFromDB()), '401 invalid_session_token');
  await worked(auth.signInWithPhone(user.phone, NEW_PASSWORD));
  await worked(auth.sendResetPwdCode('+4915112345996'));
});

test('a new number proves itself before it is the account\'s, and the session goes on', async () => {
  const { client, user } = await member(newPhone());
  const taken = await member(newPhone());
  const phone = newPhone();
  assert.equal(await refused(client.auth.changePhone('wrong wrong', phone)), '401 invalid_credentials');
  assert.equal(await refused(client.auth.changePhone(PASSWORD, taken.user.phone)), '400 phone_not_unique');
  assert.equal((await worked(client.auth.changePhone(PASSWORD, phone))).user.phone, user.phone);
  const verified = await worked(client.auth.verifyPhone(phone, await vestibule.code(phone)));
  assert.deepEqual([verified.user.phone, verified.session], [phone, null]);
  assert.equal((await worked(client.auth.getUserFromDB())).user.phone, phone);
  await worked(vestibule.client().auth.signInWithPhone(phone, PASSWORD));
  assert.equal(await refused(vestibule.client().auth.signInWithPhone(user.phone, PASSWORD)), '401 invalid_credentials');
});

test('a change of number is finished without a session where it was begun', async () => {
  const { client } = await member(newPhone());
  const phone = newPhone();
  await worked(client.auth.changePhone(PASSWORD, phone));
  const { user, session } = await worked(vestibule.client().auth.verifyPhone(phone, await vestibule.code(phone)));
  assert.deepEqual([user.phone, session], [phone, null]);
});

test('a change of number that a visitor began is not finished by the owner of the number, whose sign-up goes on', async () => {
  const { client, user } = await member(newPhone());
  const phone = newPhone();
  await worked(client.auth.changePhone(PASSWORD, phone));
  const visitors = await vestibule.code(phone);
  const { auth } = vestibule.client();
  await worked(auth.signUpWithPhone(phone, PASSWORD, 'Ann'));
  assert.equal(await refused(auth.verifyPhone(phone, visitors)), '403 invalid_access_token');
  assert.equal((await worked(client.auth.getUserFromDB())).user.phone, user.phone);
  assert.equal((await worked(auth.verifyPhone(phone, await vestibule.code(phone, 1)))).user.phone, phone);
});

test('an account with an address adds a number', async () => {
  const client = vestibule.client();
  const phone = newPhone();
  await worked(client.auth.signUpWithEmail('adds@example.com', PASSWORD));
  const link = new URL(await vestibule.link('adds@example.com'));
  const landing = await fetch(link, { redirect: 'manual' });
  await worked(client.auth.getAuthGrant(new URL(landing.headers.get('location')).searchParams.get('access_token')));
  await worked(client.auth.changePhone(PASSWORD, phone));
  const { user } = await worked(client.auth.verifyPhone(phone, await vestibule.code(phone)));
  assert.deepEqual([user.email, user.phone, user.phoneVerified], ['adds@example.com', phone, true]);
});

test('without confirmation a number is in at once', async () => {
  const other = await openVestibule({ VESTIBULE_ENGINE__CONFIRM_PHONE: 'false' });
  try {
    const client = other.client();
    const phone = newPhone();
    const { session } = await worked(client.auth.signUpWithPhone(phone, PASSWORD, 'Ann'));
    assert.ok(session.token);
    assert.equal((await worked(client.auth.getUserFromDB())).user.phone, phone);
    assert.equal(await refused(client.auth.resendVerificationCode(phone)), '401 phone_verification_disabled');
    const next = newPhone();
    assert.equal((await worked(client.auth.changePhone(PASSWORD, next))).user.phone, next);
  } finally {
    await other.close();
  }
});

test('phones and sign-in codes can be switched off', async () => {
  const other = await openVestibule({ VESTIBULE_ENGINE__PHONE_SIGN_UP: 'false', VESTIBULE_ENGINE__SIGN_IN_CODES: 'false' });
  try {
    const { auth } = other.client();
    assert.equal(await refused(auth.signUpWithPhone(newPhone(), PASSWORD)), '401 not_allowed');
    assert.equal(await refused(auth.sendSignInCode(newPhone())), '401 sms_auth_codes_disabled');
    assert.equal(await refused(auth.signInWithCode(newPhone(), '123456')), '401 sms_auth_codes_disabled');
  } finally {
    await other.close();
  }
});

/** A code that is not this one. */
function other(code) {
  return code === '123456' ? '654321' : '123456';
}
