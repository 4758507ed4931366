// The custom endpoints of Altogic's two-factor example (altogic-protocol.md §8), through the official client as the example calls them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PASSWORD, follow, openVestibule, refused, settled, worked } from './vestibule.js';

let vestibule;
let last = 100;

before(async () => (vestibule = await openVestibule()));
after(() => vestibule.close());

const newPhone = () => `+4915122345${last++}`;

/** Somebody with a confirmed address. */
async function member(email) {
  const client = vestibule.client();
  await worked(client.auth.signUpWithEmail(email, PASSWORD, 'Ann'));
  const { access_token: token } = await follow(await vestibule.link(email));
  const { user } = await worked(client.auth.getAuthGrant(token));
  return { client, user, email };
}

/** Somebody whose account asks for a second factor. */
async function guarded(email) {
  const { client, user } = await member(email);
  const phone = newPhone();
  await worked(client.endpoint.post('/users/set-phone', undefined, { phoneNumber: phone }));
  await worked(client.endpoint.post('/users/verify-phone', { code: await vestibule.code(phone), phoneNumber: phone }));
  await worked(client.db.model('users').object(user._id).update({ twoFactorAuth: true }));
  return { client, user, email, phone };
}

test('a number is set, proved, and asked for at the next sign-in', async () => {
  const { client, user } = await member('ann@example.com');
  const phone = newPhone();
  const object = client.db.model('users').object(user._id);
  assert.equal(await refused(object.update({ twoFactorAuth: true })), '400 second_factor_needs_phone');
  await worked(client.endpoint.post('/users/set-phone', undefined, { phoneNumber: phone }));
  const code = await vestibule.code(phone);
  const wrong = client.endpoint.post('/users/verify-phone', { code: other(code), phoneNumber: phone });
  assert.equal(await refused(wrong), '403 invalid_access_token');
  const { data } = await worked(client.endpoint.post('/users/verify-phone', { code, phoneNumber: phone }));
  assert.deepEqual([data._id, data.phone, data.phoneVerified, data.twoFactorAuth], [user._id, phone, true, false]);
  assert.equal((await worked(object.update({ twoFactorAuth: true }))).data.twoFactorAuth, true);

  const visitor = vestibule.client();
  const first = await worked(visitor.endpoint.post('/users/sign-in', { email: 'ann@example.com', password: PASSWORD }));
  assert.deepEqual([first.data.phone, first.data.user, first.data.session], [phone, undefined, undefined]);
  const second = await vestibule.code(phone, 1);
  const guess = visitor.endpoint.post('/user/verify-sign-in', { code: other(second), phoneNumber: phone });
  assert.equal(await refused(guess), '403 invalid_access_token');
  const entered = await worked(visitor.endpoint.post('/user/verify-sign-in', { code: second, phoneNumber: phone }));
  assert.deepEqual([entered.data.found._id, entered.data.session.userId], [user._id, user._id]);
  visitor.auth.setSession(entered.data.session);
  assert.equal((await worked(visitor.auth.getUserFromDB())).user._id, user._id);
  const again = vestibule.client().endpoint.post('/user/verify-sign-in', { code: second, phoneNumber: phone });
  assert.equal(await refused(again), '403 invalid_access_token');
});

test('without a second factor the endpoint signs in like the other one', async () => {
  const { user, email } = await member('ben@example.com');
  const { endpoint } = vestibule.client();
  const { data } = await worked(endpoint.post('/users/sign-in', { email, password: PASSWORD }));
  assert.deepEqual([data.user._id, data.session.userId], [user._id, user._id]);
  assert.equal(await refused(endpoint.post('/users/sign-in', { email, password: 'wrong wrong' })), '401 invalid_sign_in_credentials');
  await worked(vestibule.client().auth.signUpWithEmail('waits@example.com', PASSWORD));
  const { errors } = await settled(endpoint.post('/users/sign-in', { email: 'waits@example.com', password: PASSWORD }));
  assert.equal(errors.items[0].message, 'The email address has not been verified yet.');
});

test('the second factor binds every other way in', async () => {
  const { email, phone, user } = await guarded('carl@example.com');
  const { auth } = vestibule.client();
  const { errors } = await settled(auth.signInWithEmail(email, PASSWORD));
  assert.deepEqual([errors.status, errors.items[0].code, errors.items[0].details], [401, 'second_factor_required', { phone }]);
  assert.equal(await refused(auth.signInWithPhone(phone, PASSWORD)), '401 second_factor_required');
  await worked(auth.sendMagicLinkEmail(email));
  const { access_token: token } = await follow(await vestibule.link(email, 1));
  assert.equal(await refused(auth.getAuthGrant(token)), '401 second_factor_required');
  await worked(auth.sendSignInCode(phone));
  // Before them the one that set the number: three for the three ways in, then the sign-in code.
  const [first, second, third, signInCode] = await Promise.all([1, 2, 3, 4].map((after) => vestibule.code(phone, after)));
  assert.equal(await refused(auth.signInWithCode(phone, signInCode)), '401 second_factor_required');
  await worked(auth.sendResetPwdCode(phone));
  const reset = auth.resetPwdWithCode(phone, await vestibule.code(phone, 5), 'another lamp in the hall');
  assert.equal(await refused(reset), '401 second_factor_required');
  assert.equal(auth.getSession(), null);
  const enter = (code) => vestibule.client().endpoint.post('/user/verify-sign-in', { code, phoneNumber: phone });
  for (const dead of [first, second].filter((code) => code !== third)) {
    assert.equal(await refused(enter(dead)), '403 invalid_access_token');
  }
  assert.equal((await worked(enter(third))).data.found._id, user._id);
});

test('a number belongs to one account', async () => {
  const { phone } = await guarded('dora@example.com');
  const { client } = await member('erik@example.com');
  const taken = client.endpoint.post('/users/set-phone', undefined, { phoneNumber: phone });
  assert.equal(await refused(taken), '400 phone_not_unique');
  assert.match(await refused(client.endpoint.post('/users/set-phone', undefined, { phoneNumber: 'x' })), /^400 /);
  const { endpoint } = vestibule.client();
  assert.equal(await refused(endpoint.post('/users/set-phone', undefined, { phoneNumber: newPhone() })), '401 missing_session_token');
});

test('the second factor is switched off again', async () => {
  const { client, user, email } = await guarded('finn@example.com');
  await worked(client.db.model('users').object(user._id).update({ twoFactorAuth: false }));
  await worked(vestibule.client().auth.signInWithEmail(email, PASSWORD));
});

/** A code that is not this one. */
function other(code) {
  return code === '123456' ? '654321' : '123456';
}
