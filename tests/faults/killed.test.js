// kill -9 under load: what was acknowledged is there, and its mail goes out (R01, R02, R03).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hall, sleep, until } from './support/hall.js';

const ROUNDS = 5;

test('nothing that was acknowledged is lost when the process is killed under load, and each mail goes out once', async () => {
  const hall = await Hall.of();
  const acknowledged = [];
  try {
    await hall.start();
    for (let round = 0; round < ROUNDS; round++) {
      const sending = load(hall, round, acknowledged);
      await sleep(300 + 150 * round);
      await hall.end('SIGKILL');
      await sending;
      const milliseconds = await hall.start();
      assert.ok(milliseconds < 2000, `it took ${milliseconds} ms to be back`);
    }
    assert.ok(acknowledged.length > 20, `only ${acknowledged.length} sign-ups were acknowledged`);
    const lost = [];
    for (const email of acknowledged) if (!(await hall.hasAccount(email))) lost.push(email);
    assert.deepEqual(lost, []);
    await until(async () => missing(acknowledged, await hall.mailed()).length === 0, 'every mail goes out');
    const twice = repeated(await hall.mailed());
    assert.ok(twice.length <= ROUNDS, `mails that went out twice: ${twice.length} in ${ROUNDS} kills`);
    console.log(`${acknowledged.length} acknowledged, 0 lost, ${twice.length} mails twice, in ${ROUNDS} kills`);
  } finally {
    await hall.close();
  }
});

/** Signs people up, eight at a time, until nobody answers. */
async function load(hall, round, acknowledged) {
  let number = 0;
  let gone = false;
  const one = async () => {
    while (!gone) {
      const email = `round-${round}-${number++}@example.com`;
      const { status } = await hall.signUp(email);
      if (status === 200) acknowledged.push(email);
      gone ||= status === 0;
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
}

function missing(wanted, there) {
  const found = new Set(there);
  return wanted.filter((email) => !found.has(email));
}

function repeated(values) {
  return values.filter((value, index) => values.indexOf(value) !== index);
}
