// Two hundred sign-ins at once: the memory, the pages beside it, and what each of the two hundred was told (S14).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PASSWORD, sleep } from '../support/vestibule.js';
import { form, open, send, tally, tell, timed, watch } from './support.js';

const MANY = 200;
let vestibule;
before(async () => {
  vestibule = await open({ VESTIBULE_ENGINE__CONFIRM_EMAIL: 'false' });
  for (let number = 0; number < MANY; number++) {
    const { status } = await retried(() => vestibule.signUp(`burst-${number}@example.com`));
    assert.equal(status, 200);
  }
});
after(() => vestibule.close());

/** Does as the server says: comes back when it is told to. */
async function retried(call, times = 50) {
  for (let time = 0; ; time++) {
    const answer = await call();
    if (answer.status !== 503 || time === times) return answer;
    await sleep(Number(answer.retryAfter) * 100);
  }
}

for (const [who, password, right] of [
  ['different people', () => PASSWORD, 200],
  ['wrong passwords', (number) => `not the lamp ${number}`, 401],
]) {
  test(`${MANY} sign-ins at once of ${who}: some are in, the others are told when to come back, and pages stay quick`, async () => {
    const alone = await timed(vestibule, '/sign-in', sleep(3000));
    const stop = watch(vestibule);
    const before = await vestibule.memory();
    const burst = Promise.all(Array.from({ length: MANY }, (_, number) => vestibule.signIn(`burst-${number}@example.com`, password(number))));
    const beside = await timed(vestibule, '/sign-in', burst);
    const answers = await burst;
    const peak = Math.max(...(await stop()).map(({ memory }) => memory));
    const told = tally(answers.map(({ status }) => status));
    tell(`${MANY} sign-ins, ${who}`, { ...told, 'MiB before': before, peak, 'alone p99': alone.p99, 'beside p50': beside.p50, 'beside p99': beside.p99, pages: beside.count });
    assert.deepEqual(Object.keys(told).filter((status) => ![String(right), '503', '429'].includes(status)), []);
    assert.ok(told[right] > 0);
    for (const answer of answers.filter(({ status }) => status === 503 || status === 429)) {
      assert.ok(Number(answer.retryAfter) >= 1, 'Retry-After');
      assert.ok(answer.body.errors[0].message, 'a sentence');
    }
    assert.ok(peak - before < 19 * 8 + 60, `${peak - before} MiB more: 19 for each hash at once, and little else`);
    assert.deepEqual(beside.statuses, [200]);
    assert.ok(beside.p99 < alone.p99 * 20 + 500, `${beside.p99} ms`);
    const again = await retried(() => vestibule.signIn('burst-0@example.com'));
    assert.equal(again.status, 200, 'and all is well afterwards');
  });
}

test('the pages tell a burst the same, on the page itself', async () => {
  const { cookie, csrf } = await form(vestibule, '/sign-in');
  const fields = (number) => ({ csrf, email: `burst-${number}@example.com`, password: PASSWORD });
  const answers = await Promise.all(Array.from({ length: MANY }, (_, number) => send(vestibule.url, '/sign-in', fields(number), { cookie })));
  const told = tally(answers.map(({ status }) => status));
  tell(`${MANY} sign-ins by the page`, told);
  assert.deepEqual(Object.keys(told).filter((status) => !['303', '503', '429'].includes(status)), []);
  const turned = answers.find(({ status }) => status === 503);
  if (turned) {
    assert.ok(Number(turned.retryAfter) >= 1);
    assert.match(turned.text, /One moment, please/);
    assert.match(turned.text, /try again in a little while/);
  }
});
