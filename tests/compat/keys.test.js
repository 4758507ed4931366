// Keys that are made and removed with `vestibule key` while the server runs, through the official client.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PASSWORD, follow, openVestibule, refused, settled, worked } from './vestibule.js';

let vestibule;

before(async () => (vestibule = await openVestibule({ VESTIBULE_ENGINE__USER_FIELDS__PLAN__WRITE: 'operator' })));
after(() => vestibule.close());

const nobody = 'nobody@example.com';

test('a client key works within seconds after it was added, and stops within seconds after it was removed', async () => {
  const key = await vestibule.key('add', '--client', '--label', 'shop');
  const { auth } = vestibule.client('', key);
  await soon(async () => (await said(auth.signInWithEmail(nobody, PASSWORD))) === '401 invalid_sign_in_credentials');
  assert.match(await vestibule.key('list'), new RegExp(`^client +${key} .*: shop$`, 'm'));
  await vestibule.key('remove', key);
  await soon(async () => (await said(auth.signInWithEmail(nobody, PASSWORD))) === '401 invalid_client_key');
});

test('an API key writes what a person may not, until it is removed', async () => {
  const apiKey = await vestibule.key('add', '--api', '--label', 'the billing robot', '--expires-in-days', '1');
  const listed = await vestibule.key('list');
  assert.ok(listed.includes('the billing robot') && !listed.includes(apiKey));
  const [, id] = listed.match(/^api +id ([0-9a-f]{24}) .*: the billing robot$/m);
  const robot = vestibule.client('', undefined, { apiKey });
  const data = { name: 'Ann', emailVerified: true, plan: 'gold' };
  const { user, session } = await worked(robot.auth.signUpWithEmail('ann@example.com', PASSWORD, data));
  assert.deepEqual([user.emailVerified, user.plan, typeof session.token], [true, 'gold', 'string']);
  const plan = async (client) => said(client.db.model('users').object(user._id).update({ plan: 'silver' }));
  const unsigned = vestibule.client('', undefined, { apiKey });
  assert.equal(await plan(unsigned), 'worked');
  const own = vestibule.client();
  await worked(own.auth.signInWithEmail('ann@example.com', PASSWORD));
  assert.equal(await plan(own), '403 permission_denied');
  await vestibule.key('remove', id);
  await soon(async () => (await plan(unsigned)) === '401 missing_session_token');
});

test('an API key of the service that is gone does no harm', async () => {
  const { auth } = vestibule.client('', undefined, { apiKey: 'eyJhbGciOiJIUzI1NiJ9.eyJlbnZJZCI6IjYyYTEifQ.c2lnbmF0dXJl' });
  assert.equal(await refused(auth.signInWithEmail(nobody, PASSWORD)), '401 invalid_sign_in_credentials');
});

test('a link goes to the redirect URL of the key that caused it', async () => {
  const key = await vestibule.key('add', '--client', '--label', 'app', '--redirect-url', 'https://app.example/auth-redirect');
  const { auth } = vestibule.client('', key);
  await soon(async () => (await said(auth.signUpWithEmail('ben@example.com', PASSWORD))) === 'worked');
  const link = await vestibule.link('ben@example.com');
  const { headers } = await fetch(link, { redirect: 'manual' });
  assert.ok(headers.get('location').startsWith('https://app.example/auth-redirect?'), headers.get('location'));
  const { user } = await worked(auth.getAuthGrant((await follow(link)).access_token));
  assert.equal(user.email, 'ben@example.com');
});

test('a key that enforces a session refuses storage to visitors and signs people in', async () => {
  const key = await vestibule.key('add', '--client', '--label', 'strict', '--enforce-session');
  const client = vestibule.client('', key);
  await soon(async () => (await said(client.storage.listBuckets())) === '401 missing_session_token');
  await worked(client.auth.signUpWithEmail('eve@example.com', PASSWORD, 'Eve'));
  await worked(client.auth.getAuthGrant((await follow(await vestibule.link('eve@example.com'))).access_token));
  await worked(client.storage.listBuckets());
});

test('a browser may ask from a key\'s origins as soon as the key is known', async () => {
  const preflight = async (origin) => {
    const headers = { origin, 'access-control-request-method': 'POST' };
    const answer = await fetch(`${vestibule.url}/_api/rest/v1/auth/signin-email`, { method: 'OPTIONS', headers });
    return answer.headers.get('access-control-allow-origin');
  };
  await vestibule.key('add', '--client', '--label', 'pages', '--origin', 'https://*.pages.example', '--origin', 'http://localhost:*');
  await soon(async () => (await preflight('https://a.pages.example')) === 'https://a.pages.example');
  assert.equal(await preflight('http://localhost:5173'), 'http://localhost:5173');
  assert.equal(await preflight('https://pages.example'), null);
});

test('a mistake is a sentence', async () => {
  await assert.rejects(vestibule.key('remove', 'nothing-of-that-name'), /There is no such key/);
  await assert.rejects(vestibule.key('add', '--client', '--label', 'x', '--origin', '*'), /is no origin/);
  await assert.rejects(vestibule.key('add', '--client', '--label', ' '), /--label/);
});

/** "worked", or "401 missing_session_token" and the like. */
async function said(promise) {
  const { errors } = await settled(promise);
  return errors ? `${errors.status} ${errors.items.map((item) => item.code).join(' ')}` : 'worked';
}

/** What the channel promises to notice within three seconds; more than that is for a busy machine. */
async function soon(holds) {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    assert.ok(Date.now() < end, 'not noticed in time');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
