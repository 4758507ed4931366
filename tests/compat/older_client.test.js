// Client 1.4.0, the last one before 2.0: what the older example applications are locked to (altogic-protocol.md §15).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createClient } from 'altogic-1-4';
import { KEY, PASSWORD, follow, openVestibule, refused, worked } from './vestibule.js';

const NEW_PASSWORD = 'another lamp in the hall';
let vestibule;

before(async () => (vestibule = await openVestibule()));
after(() => vestibule.close());

/** The older library, with a storage of its own, below an environment as the shared clusters had it. */
function older() {
  const kept = new Map();
  return createClient(`${vestibule.url}/e:62a7210b72592107523c6cab/`, KEY, {
    localStorage: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key),
    },
  });
}

/** Somebody with a confirmed address. */
async function member(email) {
  const client = older();
  await worked(client.auth.signUpWithEmail(email, PASSWORD, 'Ann'));
  const { access_token: token } = await follow(await vestibule.link(email));
  const { user, session } = await worked(client.auth.getAuthGrant(token));
  return { client, user, session };
}

test('an address: sign up with a name, sign in, look around, sign out', async () => {
  const { client, user } = await member('older@example.com');
  assert.deepEqual([user.name, user.emailVerified], ['Ann', true]);
  assert.equal((await worked(client.auth.getUserFromDB())).user._id, user._id);
  const other = older();
  await worked(other.auth.signInWithEmail('older@example.com', PASSWORD));
  assert.equal(await refused(older().auth.signInWithEmail('older@example.com', 'wrong wrong')), '401 invalid_sign_in_credentials');
  assert.equal(await refused(older().auth.signUpWithEmail('older@example.com', PASSWORD, 'Ben')), '400 email_not_unique');
  const { sessions } = await worked(client.auth.getAllSessions());
  assert.equal(sessions.length, 2);
  await worked(client.auth.signOutAllExceptCurrent());
  assert.equal(await refused(other.auth.getUserFromDB()), '401 invalid_session_token');
  await worked(client.auth.signOut());
  assert.equal(await refused(client.auth.getUserFromDB()), '401 missing_session_token');
});

test('links: magic, reset, resend, another address', async () => {
  const { client } = await member('links@example.com');
  await worked(client.auth.sendMagicLinkEmail('links@example.com'));
  const magic = await follow(await vestibule.link('links@example.com', 1));
  await worked(older().auth.getAuthGrant(magic.access_token));
  assert.equal(await refused(older().auth.getAuthGrant(magic.access_token)), '403 invalid_access_token');
  await worked(client.auth.changeEmail(PASSWORD, 'links2@example.com'));
  assert.equal(await refused(client.auth.changeEmail('wrong wrong', 'links3@example.com')), '401 invalid_credentials');
  await worked(client.auth.sendResetPwdEmail('links@example.com'));
  const reset = await follow(await vestibule.link('links@example.com', 2));
  await worked(client.auth.resetPwdWithToken(reset.access_token, NEW_PASSWORD));
  assert.equal(await refused(client.auth.resetPwdWithToken(reset.access_token, NEW_PASSWORD)), '403 invalid_access_token');
  await worked(older().auth.resendVerificationEmail('nobody@example.com'));
  const again = older();
  await worked(again.auth.signInWithEmail('links@example.com', NEW_PASSWORD));
  await worked(again.auth.changePassword(PASSWORD, NEW_PASSWORD));
  assert.equal(await refused(again.auth.changePassword('a third lamp here', 'wrong wrong')), '401 invalid_credentials');
  await worked(again.auth.signOutAll());
});

test('a number: sign up with a name, codes, another number', async () => {
  const [phone, next] = ['+4915133345001', '+4915133345002'];
  const client = older();
  const waiting = await worked(client.auth.signUpWithPhone(phone, PASSWORD, 'Ann'));
  assert.deepEqual([waiting.user.name, waiting.session], ['Ann', null]);
  assert.equal(await refused(client.auth.signInWithPhone(phone, PASSWORD)), '401 phone_not_verified');
  await worked(client.auth.resendVerificationCode(phone));
  await worked(client.auth.verifyPhone(phone, await vestibule.code(phone, 1)));
  await worked(older().auth.signInWithPhone(phone, PASSWORD));
  await worked(client.auth.sendSignInCode(phone));
  await worked(older().auth.signInWithCode(phone, await vestibule.code(phone, 2)));
  await worked(client.auth.changePhone(PASSWORD, next));
  const changed = await worked(client.auth.verifyPhone(next, await vestibule.code(next)));
  assert.deepEqual([changed.user.phone, changed.session], [next, null]);
  await worked(client.auth.sendResetPwdCode(next));
  await worked(client.auth.resetPwdWithCode(next, await vestibule.code(next, 1), NEW_PASSWORD));
  assert.equal(await refused(client.auth.getUserFromDB()), '401 invalid_session_token');
});

test('the user object and the storage', async () => {
  const { client, user } = await member('object@example.com');
  const object = client.db.model('users').object(user._id);
  assert.equal((await worked(object.update({ name: 'Ann B.' }))).data.name, 'Ann B.');
  const unset = await worked(object.updateFields([{ field: 'profilePicture', updateType: 'unset' }]));
  assert.equal('profilePicture' in unset.data, false);
  assert.equal(await refused(object.update({ password: 'x' })), '403 permission_denied');
  await worked(client.storage.getStats());
  await worked(client.storage.createBucket('older', false));
  assert.equal((await worked(client.storage.bucket('older').exists())).data, true);
  await worked(client.storage.deleteFile(`${vestibule.url}/_storage/x/y/z`));
});
