// An application that renders on its own Node server: the session travels in a cookie of the application, and the client
// library reads and writes it there.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { PASSWORD, openVestibule, worked } from './vestibule.js';

let vestibule;
let application;

before(async () => {
  vestibule = await openVestibule({ VESTIBULE_ENGINE__CONFIRM_EMAIL: 'false' });
  application = await serve();
});
after(async () => {
  application.server.close();
  await vestibule.close();
});

test('a session travels in the cookie of an application, and two visitors do not get each other\'s', async () => {
  const ann = await member('ann@example.com');
  const ben = await member('ben@example.com');
  const visits = await Promise.all(Array.from({ length: 10 }, (_, i) => who(i % 2 ? ann.cookie : ben.cookie)));
  assert.deepEqual(
    visits.map((visit) => visit.user?.email),
    Array.from({ length: 10 }, (_, i) => (i % 2 ? 'ann@example.com' : 'ben@example.com')),
  );
});

test('a visitor without a cookie is told so without a request', async () => {
  const { user, errors } = await who('');
  assert.deepEqual([user, errors.items[0].code], [null, 'session_token_not_found']);
});

test('a session that has ended takes its cookie away', async () => {
  const { client, cookie } = await member('carl@example.com');
  await worked(client.auth.signOutAll());
  const { user, errors, setCookie } = await who(cookie);
  assert.deepEqual([user, errors.items[0].code], [null, 'invalid_session_token']);
  assert.match(setCookie, /^session_token=;.*Max-Age=-1/);
});

test('signing out removes the cookie', async () => {
  const answer = await fetch(`${application.url}/sign-out`);
  assert.match(answer.headers.get('set-cookie'), /^session_token=;.*Max-Age=-1/);
});

/** Somebody who signed up, and the cookie that the application set for them. */
async function member(email) {
  const client = vestibule.client();
  const { session } = await worked(client.auth.signUpWithEmail(email, PASSWORD));
  const answer = await fetch(`${application.url}/sign-in?token=${encodeURIComponent(session.token)}`);
  const header = answer.headers.get('set-cookie');
  assert.match(header, /HttpOnly/);
  return { client, cookie: header.split(';')[0] };
}

/** Whom the application takes a visitor for. */
async function who(cookie) {
  const answer = await fetch(`${application.url}/`, { headers: { cookie } });
  return { ...(await answer.json()), setCookie: answer.headers.get('set-cookie') };
}

/** The application: a client of its own for each visit, as the library's documentation has it for servers. */
async function serve() {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://application.example');
    const { auth } = vestibule.client();
    let body = {};
    if (url.pathname === '/sign-in') auth.setSessionCookie(url.searchParams.get('token'), request, response);
    else if (url.pathname === '/sign-out') auth.removeSessionCookie(request, response);
    else body = await auth.getUserFromDBbyCookie(request, response);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${server.address().port}` };
}
