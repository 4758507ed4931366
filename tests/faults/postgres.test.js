// PostgreSQL restarts under load, and hangs (R04, R05).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Vestibule, sleep, until } from './support/vestibule.js';
import { SignUps } from './support/load.js';
import { Postgres } from './support/postgres.js';

let postgres;
let vestibule;

before(async () => {
  postgres = await Postgres.open();
  vestibule = await Vestibule.of({ settings: { VESTIBULE_DATABASE__URL: postgres.url } });
  await vestibule.start();
});

after(async () => {
  await vestibule?.close();
  await postgres?.close();
});

for (const mode of ['fast', 'immediate']) {
  test(`a database that is restarted (${mode}) is told while it is away, and nothing acknowledged is lost`, async () => {
    const signUps = new SignUps(vestibule, mode);
    const session = await vestibule.join(`member-${mode}@example.com`);
    const sending = signUps.untilStopped();
    await sleep(1500);
    postgres.stop(mode);
    await sleep(500);
    const page = await vestibule.submit('/sign-in', { email: 'a@example.com', password: 'whatever it is' });
    assert.equal(page.status, 503, page.text);
    assert.match(page.retryAfter, /^\d+$/);
    assert.match(page.text, /<h1/);
    assert.equal((await vestibule.page('/health/ready')).status, 503);
    assert.equal((await vestibule.page('/health/live')).status, 200);
    await sleep(500);
    postgres.start();
    const begun = Date.now();
    const before = signUps.acknowledged.length;
    await until(() => signUps.acknowledged.length > before, 'it is used again', 20, 5000);
    const recovered = Date.now() - begun;
    await sleep(500);
    const refused = signUps.statuses[503] ?? 0;
    await sleep(1000);
    assert.equal(signUps.statuses[503] ?? 0, refused, 'nobody is refused any more');
    signUps.stop();
    await sending;
    const odd = Object.keys(signUps.statuses).filter((status) => !['200', '503'].includes(status));
    assert.deepEqual(odd, [], JSON.stringify(signUps.statuses));
    assert.deepEqual(await signUps.lost(), []);
    assert.equal(await vestibule.membership(session), 200);
    console.log(
      `PostgreSQL ${mode} restart: ${signUps.acknowledged.length} acknowledged, 0 lost, ${refused} told 503, used again ${recovered} ms after it was back`,
    );
  });
}

test('a database that hangs makes nobody wait for more than some seconds, and forms are shown meanwhile', async () => {
  const session = await vestibule.join('member-hang@example.com');
  await postgres.freeze();
  const slowest = { page: 0, call: 0 };
  try {
    for (let round = 0; round < 2; round++) {
      const begun = performance.now();
      const asking = Array.from({ length: 30 }, () => vestibule.call('/auth/user', undefined, session));
      const form = await vestibule.page('/sign-in');
      assert.equal(form.status, 200);
      slowest.page = Math.max(slowest.page, form.milliseconds);
      const answers = await Promise.all(asking);
      slowest.call = Math.max(slowest.call, performance.now() - begun);
      assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [503]);
      assert.ok(answers.every((answer) => /^\d+$/.test(answer.retryAfter)));
    }
  } finally {
    postgres.thaw();
  }
  assert.ok(slowest.page < 1000, `the form took ${slowest.page} ms`);
  assert.ok(slowest.call < 4000, `the calls took ${slowest.call} ms`);
  const begun = Date.now();
  await until(async () => (await vestibule.membership(session)) === 200, 'it is used again', 50, 5000);
  const recovered = Date.now() - begun;
  console.log(
    `PostgreSQL hung: told 503 after ${Math.round(slowest.call)} ms at most, the form after ${Math.round(slowest.page)} ms, used again ${recovered} ms after`,
  );
});
