// Refusals that need settings or patience of their own, through the official client.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { KEY, PASSWORD, openVestibule, refused, settled, worked } from './vestibule.js';

const ANN = '+4915112340001';
const BEN = '+4915112340002';
let vestibule;

before(async () => {
  vestibule = await openVestibule({
    VESTIBULE_ENGINE__CONFIRM_EMAIL: 'false',
    VESTIBULE_LIMITS__FACTOR: '1',
    VESTIBULE_SMS__COUNTRIES: 'DE',
    VESTIBULE_SMS__DAILY_BUDGET: '2',
  });
});
after(() => vestibule.close());

test('texts go to the countries that are served, until the budget of the day is spent', async () => {
  const client = vestibule.client();
  const { user } = await worked(client.auth.signUpWithEmail('budget@example.com', PASSWORD));
  assert.equal(await refused(client.auth.signUpWithPhone('+905302223344', PASSWORD)), '400 cannot_send_sms_code');
  const setPhone = (phone) => client.endpoint.post('/users/set-phone', undefined, { phoneNumber: phone });
  await worked(setPhone(ANN));
  await worked(client.endpoint.post('/users/verify-phone', { code: await vestibule.code(ANN), phoneNumber: ANN }));
  await worked(client.db.model('users').object(user._id).update({ twoFactorAuth: true }));
  assert.equal(await refused(setPhone(BEN)), '400 second_factor_is_on');
  await worked(vestibule.client().auth.signUpWithPhone(BEN, PASSWORD));
  assert.equal(await refused(vestibule.client().auth.signUpWithPhone('+4915112340003', PASSWORD)), '429 cannot_send_sms_code');
});

test('guesses at a password are limited, and the answer says when to come back', async () => {
  const { auth } = vestibule.client();
  for (let i = 0; i < 10; i++) await refused(auth.signInWithEmail('guessed@example.com', 'wrong wrong'));
  assert.equal(await refused(auth.signInWithEmail('guessed@example.com', 'wrong wrong')), '429 rate_limit_exceeded');
  const answer = await fetch(`${vestibule.url}/_api/rest/v1/auth/signin-email`, {
    method: 'POST',
    headers: { 'X-Client-Key': KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: 'guessed@example.com', password: 'wrong wrong' }),
  });
  assert.ok(Number(answer.headers.get('retry-after')) > 0);
});

test('where addresses are not confirmed there is nothing to send', async () => {
  assert.equal(await refused(vestibule.client().auth.resendVerificationEmail('x@example.com')), '401 email_verification_disabled');
});

test('a file that is too large is refused while it comes in', async () => {
  const { session } = await worked(vestibule.client().auth.signUpWithEmail('large@example.com', PASSWORD));
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array(9 * 1024 * 1024)], { type: 'image/png' }), 'large.png');
  const answer = await fetch(`${vestibule.url}/_api/rest/v1/storage/bucket/upload-formdata?bucket=root&fileName=large.png`, {
    method: 'POST',
    headers: { 'X-Client-Key': KEY, Session: session.token },
    body: form,
  });
  assert.deepEqual([answer.status, (await answer.json()).errors[0].code], [413, 'file_upload_error']);
});

test('a body that does not come is answered in the end', async () => {
  const { hostname, port } = new URL(vestibule.url);
  const answer = await new Promise((resolve, reject) => {
    const socket = connect(port, hostname, () => {
      socket.write(
        `POST /_api/rest/v1/auth/signin-email HTTP/1.1\r\nHost: ${hostname}\r\nX-Client-Key: ${KEY}\r\n` +
          'Content-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{',
      );
    });
    let received = '';
    socket.on('data', (piece) => {
      received += piece;
      if (received.includes('request_timeout')) socket.destroy();
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
  assert.match(answer, /^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/);
});

test('an endpoint that is not there, whatever the method, is answered and never hangs', async () => {
  const { endpoint } = vestibule.client();
  for (const call of [endpoint.get('/orders'), endpoint.post('/orders', {}), endpoint.put('/orders', {}), endpoint.delete('/orders')]) {
    const { errors } = await settled(call);
    assert.deepEqual([errors.status, errors.items[0].code], [404, 'resource_not_found']);
  }
});
