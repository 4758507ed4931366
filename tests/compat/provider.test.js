// `signInWithProvider` of both clients, in a browser: from the application to the provider and back (altogic-protocol.md §11).
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { createClient } from 'altogic-1-4';
import { providerSettings } from '../browser/support/vestibule.js';
import { listen, page } from '../browser/support/loopback.js';
import { CLIENT_ID, CLIENT_SECRET, UntrueServer } from '../browser/support/untrue_server.js';
import { Visitor, openChromium } from '../browser/support/visitor.js';
import { KEY, openVestibule, refused, worked } from './vestibule.js';

const application = createServer((_, response) => page(response, '<h1>The application</h1>'));
let vestibule;
let provider;
let chromium;
let home;

before(async () => {
  provider = await UntrueServer.open();
  home = `${await listen(application)}/auth-redirect?from=hall`;
  vestibule = await openVestibule({
    ...providerSettings('google', { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, issuer: provider.url }),
    VESTIBULE_ENGINE__REDIRECT_URL: home,
  });
  chromium = await openChromium();
});

after(async () => {
  await chromium?.close();
  await vestibule?.close();
  await provider?.close();
  application.close();
});

/** Both clients, the older one below an environment as the shared clusters had it. */
const CLIENTS = {
  '2.3.9': () => vestibule.client(),
  '1.4.0': () => createClient(`${vestibule.url}/e:62a7210b72592107523c6cab/`, KEY, { localStorage: { getItem: () => null, setItem() {}, removeItem() {} } }),
};

/** Where the client sends the window. */
function addressOf(client, name) {
  const window = { location: { href: '' } };
  globalThis.window = window;
  try {
    client.auth.signInWithProvider(name);
  } finally {
    delete globalThis.window;
  }
  return window.location.href;
}

/** Opens an address in a browser, answers at the provider, and gives what the application's page gets in its own. */
async function land(address, button = 'Allow') {
  const visitor = await Visitor.enter(chromium, vestibule);
  await visitor.open(address);
  await visitor.press(button);
  const landed = visitor.page.url();
  await visitor.sees('The application');
  await visitor.leave();
  assert.ok(landed.startsWith(home), landed);
  return Object.fromEntries(new URL(landed).searchParams);
}

for (const [version, open] of Object.entries(CLIENTS)) {
  test(`${version}: somebody signs in with a provider and comes back with a token for a user and a session`, async () => {
    provider.person = { sub: `ann of ${version}`, email: `ann@${version}.example`, email_verified: true, name: 'Ann Lee' };
    const client = open();
    const landing = await land(addressOf(client, 'google'));
    assert.deepEqual([landing.status, landing.action, landing.error], ['200', 'oauth-signin', undefined]);
    const { user, session } = await worked(client.auth.getAuthGrant(landing.access_token));
    assert.deepEqual([user.provider, user.providerUserId, user.name], ['google', `ann of ${version}`, 'Ann Lee']);
    assert.deepEqual([user.email, user.emailVerified], [`ann@${version}.example`, true]);
    assert.match(session.token, /^.{20,}$/);
    assert.equal((await worked(client.auth.getUserFromDB())).user._id, user._id);
    assert.equal(await refused(open().auth.getAuthGrant(landing.access_token)), '403 invalid_access_token', 'it is good once');
    const again = await land(addressOf(client, 'google'));
    assert.equal((await worked(open().auth.getAuthGrant(again.access_token))).user._id, user._id);
  });

  test(`${version}: who cancels, and whose address has an account, comes back with a sentence and no token`, async () => {
    const cancelled = await land(addressOf(open(), 'google'), 'Cancel');
    assert.deepEqual([cancelled.status, cancelled.action, cancelled.access_token], ['401', 'oauth-signin', undefined]);
    assert.match(cancelled.error, /cancelled/);
    provider.person = { sub: `eve of ${version}`, email: `ann@${version}.example`, email_verified: true, name: 'Eve' };
    const taken = await land(addressOf(open(), 'google'));
    assert.deepEqual([taken.status, taken.action, taken.access_token], ['401', 'oauth-signin', undefined]);
    assert.equal(taken.error, 'A user with the provided email already exists.');
  });
}

test('what the provider says and cannot be believed comes back as a failure, too', async () => {
  provider.lie = 'nonce';
  const landing = await land(addressOf(vestibule.client(), 'google'));
  provider.lie = undefined;
  assert.deepEqual([landing.status, landing.access_token], ['401', undefined]);
});
