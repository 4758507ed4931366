// The official client (altogic 2.3.9) against the real binary: every journey with its bad ends, and no call ever hangs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { KEY, PASSWORD, follow, openVestibule, refused, settled, worked } from './vestibule.js';

const NEW_PASSWORD = 'another lamp in the hall';
let vestibule;

before(async () => (vestibule = await openVestibule()));
after(() => vestibule.close());

/** Somebody who signed up and proved their address. */
async function member(email, client = vestibule.client()) {
  await worked(client.auth.signUpWithEmail(email, PASSWORD, 'Ann'));
  const { access_token: token } = await follow(await vestibule.link(email));
  const { user, session } = await worked(client.auth.getAuthGrant(token));
  return { client, user, session };
}

test('somebody signs up, proves the address and is in', async () => {
  const client = vestibule.client();
  const email = 'ann+news@example.com';
  const { user, session } = await worked(client.auth.signUpWithEmail(email, PASSWORD, { name: 'Ann', emailVerified: true }));
  assert.deepEqual([user.email, user.name, user.emailVerified, session], [email, 'Ann', false, null]);
  const { errors } = await settled(client.auth.signInWithEmail(email, PASSWORD));
  assert.equal(errors.items[0].message, 'The email address has not been verified yet.');
  const link = await vestibule.link(email);
  await follow(link);
  const landing = await follow(link);
  assert.deepEqual([landing.status, landing.action], ['200', 'email-confirm']);
  const granted = await worked(client.auth.getAuthGrant(landing.access_token));
  assert.equal(granted.user.emailVerified, true);
  assert.equal(granted.session.userAgent.os.family, 'Other');
  assert.equal(await refused(client.auth.getAuthGrant(landing.access_token)), '403 invalid_access_token');
  assert.equal((await follow(link)).error, 'Invalid or expired access token');
  assert.equal((await worked(client.auth.getUserFromDB())).user._id, granted.user._id);
  assert.equal(await refused(vestibule.client().auth.signUpWithEmail(email, PASSWORD)), '400 email_not_unique');
});

test('what is wrong with a sign-up is told, one entry for each problem', async () => {
  assert.equal(await refused(vestibule.client().auth.signUpWithEmail('nobody', 'x')), '400 validation_error validation_error');
});

test('a wrong password and an unknown address get the same answer', async () => {
  await member('same@example.com');
  const client = vestibule.client();
  assert.equal(await refused(client.auth.signInWithEmail('same@example.com', 'wrong wrong')), '401 invalid_sign_in_credentials');
  assert.equal(await refused(client.auth.signInWithEmail('nobody@example.com', 'wrong wrong')), '401 invalid_sign_in_credentials');
});

test('two people at once do not get in each other\'s way, under an environment too', async () => {
  const [one, two] = await Promise.all([member('one@example.com'), member('two@example.com', vestibule.client('/e:abc/'))]);
  assert.notEqual(one.user._id, two.user._id);
  const stolen = one.client.db.model('users').object(two.user._id).update({ name: 'x' });
  assert.equal(await refused(stolen), '404 object_not_found');
  assert.equal(await refused(one.client.auth.signOut(two.session.token)), '404 session_not_found');
  assert.equal((await worked(two.client.auth.getUserFromDB())).user.name, 'Ann');
});

test('sessions are listed and end one by one and all at once', async () => {
  const { client: first } = await member('sessions@example.com');
  const others = [vestibule.client(), vestibule.client(), vestibule.client()];
  for (const other of others) await worked(other.auth.signInWithEmail('sessions@example.com', PASSWORD));
  const { sessions } = await worked(first.auth.getAllSessions());
  assert.equal(sessions.length, 4);
  const own = first.auth.getSession().token;
  const otherVisitor = sessions.find((session) => session.token !== own);
  await worked(first.auth.signOut(otherVisitor.token));
  assert.equal((await worked(first.auth.getAllSessions())).sessions.length, 3);
  await worked(first.auth.signOutAllExceptCurrent());
  for (const other of others) assert.equal(await refused(other.auth.getUserFromDB()), '401 invalid_session_token');
  assert.equal(others[0].auth.getSession(), null, 'the client dropped its dead session');
  await worked(first.auth.signOut());
  assert.equal(await refused(first.auth.getUserFromDB()), '401 missing_session_token');
  await worked(first.auth.signInWithEmail('sessions@example.com', PASSWORD));
  await worked(first.auth.signOutAll());
});

test('a user changes their own object', async () => {
  const { client, user } = await member('object@example.com');
  const object = client.db.model('users').object(user._id);
  assert.equal((await worked(object.update({ name: 'Ann B.' }))).data.name, 'Ann B.');
  assert.equal((await worked(object.get())).data.name, 'Ann B.');
  const unset = await worked(object.updateFields([{ field: 'profilePicture', updateType: 'unset' }]));
  assert.equal('profilePicture' in unset.data, false);
  assert.equal(await refused(object.update({ emailVerified: false })), '403 permission_denied');
  assert.equal(await refused(vestibule.client().db.model('users').object(user._id).get()), '401 missing_session_token');
});

test('a picture is stored, shown to anybody and deleted', async () => {
  const { client, user, session } = await member('picture@example.com');
  const query = new URLSearchParams({ bucket: 'profilePictures', fileName: 'me.png', options: '{"createBucket":true}' });
  const form = new FormData();
  form.set('file', new Blob([picture()], { type: 'image/png' }), 'me.png');
  const upload = await fetch(`${vestibule.url}/_api/rest/v1/storage/bucket/upload-formdata?${query}`, {
    method: 'POST',
    headers: { 'X-Client-Key': KEY, Session: session.token },
    body: form,
  });
  const file = await upload.json();
  assert.deepEqual([upload.status, file.userId], [200, user._id]);
  const shown = await fetch(file.publicPath);
  assert.deepEqual([shown.status, shown.headers.get('x-content-type-options')], [200, 'nosniff']);
  assert.match(shown.headers.get('content-type'), /^image\//);
  await worked(client.storage.deleteFile(file.publicPath));
  assert.equal((await fetch(file.publicPath)).status, 404);
});

test('a file that is no picture is refused, and so is what the client sends of a Blob from Node', async () => {
  const { client } = await member('text@example.com');
  const bucket = client.storage.bucket('root');
  assert.equal(await refused(bucket.upload('a.txt', 'text')), '400 file_upload_error');
  assert.match(await refused(bucket.upload('a.png', new Blob([picture()]))), /^4\d\d /);
});

test('a changed password ends the other sessions and keeps this one', async () => {
  const { client } = await member('password@example.com');
  const other = vestibule.client();
  await worked(other.auth.signInWithEmail('password@example.com', PASSWORD));
  assert.equal(await refused(client.auth.changePassword(NEW_PASSWORD, 'wrong wrong')), '401 invalid_credentials');
  await worked(client.auth.changePassword(NEW_PASSWORD, PASSWORD));
  await worked(client.auth.getUserFromDB());
  assert.equal(await refused(other.auth.getUserFromDB()), '401 invalid_session_token');
  await worked(other.auth.signInWithEmail('password@example.com', NEW_PASSWORD));
});

test('a new address is asked for and the user stays as they are', async () => {
  const { client } = await member('before@example.com');
  assert.equal(await refused(client.auth.changeEmail('wrong wrong', 'after@example.com')), '401 invalid_credentials');
  const { user } = await worked(client.auth.changeEmail(PASSWORD, 'after@example.com'));
  assert.equal(user.email, 'before@example.com');
  await vestibule.link('after@example.com');
});

test('a forgotten password is reset by email, and the token is good for nothing else', async () => {
  const { client } = await member('forgot@example.com');
  await worked(client.auth.sendResetPwdEmail('nobody@example.com'));
  await worked(client.auth.sendResetPwdEmail('forgot@example.com'));
  const landing = await follow(await vestibule.link('forgot@example.com', 1));
  assert.deepEqual([landing.status, landing.action], ['200', 'reset-pwd']);
  assert.equal(await refused(client.auth.getAuthGrant(landing.access_token)), '401 invalid_token_type');
  await worked(client.auth.resetPwdWithToken(landing.access_token, NEW_PASSWORD));
  assert.equal(await refused(client.auth.resetPwdWithToken(landing.access_token, NEW_PASSWORD)), '403 invalid_access_token');
  await worked(vestibule.client().auth.signInWithEmail('forgot@example.com', NEW_PASSWORD));
});

test('a magic link signs in', async () => {
  await member('magic@example.com');
  const client = vestibule.client();
  await worked(client.auth.sendMagicLinkEmail('magic@example.com'));
  const landing = await follow(await vestibule.link('magic@example.com', 1));
  assert.deepEqual([landing.status, landing.action], ['200', 'magic-link']);
  assert.equal((await worked(client.auth.getAuthGrant(landing.access_token))).user.email, 'magic@example.com');
  await worked(client.auth.resendVerificationEmail('nobody@example.com'));
});

test('a bad token, no token and a path that is not there never hang', async () => {
  const client = vestibule.client();
  assert.equal(await refused(client.auth.getAuthGrant('nonsense')), '403 invalid_access_token');
  assert.equal(await refused(client.auth.getAuthGrant('')), '400 missing_access_token');
  assert.equal((await follow(`${vestibule.url}/_api/rest/v1/auth/verify?key=x&action=email-confirm`)).status, '400');
  assert.equal(await refused(client.cache.get('anything')), '404 resource_not_found');
});

/** A PNG of 8 × 8 red pixels. */
function picture() {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc(body));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, body, sum]);
  };
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(24).map((_, i) => (i % 3 ? 0 : 255))]);
  const pixels = deflateSync(Buffer.concat(Array(8).fill(row)));
  const header = Buffer.from([0, 0, 0, 8, 0, 0, 0, 8, 8, 2, 0, 0, 0]);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]);
}

/** CRC-32 as PNG has it; `zlib.crc32` came after Node 20. */
function crc(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}
