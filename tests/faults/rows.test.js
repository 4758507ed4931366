// Rows that nobody should have written: garbage where a number, a text or a sealed value should be (R24).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { Hall } from './support/hall.js';

const GARBAGE = {
  'a text that is not UTF-8': "update users set name = cast(x'fffe80' as text)",
  'an address that is none': "update users set email = 'no address'",
  'a time that is a text': "update sessions set started_at = 'yesterday'",
  'a time beyond all time': 'update sessions set started_at = 9223372036854775807, last_seen_at = 9223372036854775807',
  'an address of a machine that is none': "update sessions set address = x'ff'",
  'fields that are no JSON': "update users set fields = '{'",
};

test('a row with garbage in it costs its owner one sign-in at most, and is never a failure or a panic', async () => {
  const told = [];
  for (const [what, sql] of Object.entries(GARBAGE)) {
    const hall = await Hall.of();
    try {
      await hall.start();
      const session = await hall.join('ann@example.com');
      await hall.end();
      try {
        execFileSync('sqlite3', [join(hall.folder, 'vestibule.db'), sql], { stdio: ['ignore', 'ignore', 'pipe'] });
      } catch (error) {
        if (/no such column/.test(error.stderr)) continue;
        throw error;
      }
      await hall.start();
      const status = await hall.membership(session);
      assert.ok([200, 401].includes(status), `${what}: ${status}`);
      told.push(`${what} ${status}`);
      const page = await hall.submit('/sign-in', { email: 'ann@example.com', password: 'a lamp in the hall' });
      assert.ok([200, 303, 401, 422].includes(page.status), `${what}: ${page.status}`);
      assert.equal(await hall.membership(await hall.join('ben@example.com')), 200, `${what}: others go on`);
      assert.doesNotMatch(hall.log, /panic/, what);
    } finally {
      await hall.close();
    }
  }
  console.log(`garbage in rows: ${told.join(', ')}; no panic, others go on`);
});
