// Rows that nobody should have written: garbage where a number, a text or a sealed value should be (R24).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { Vestibule } from './support/vestibule.js';

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
    const vestibule = await Vestibule.of();
    try {
      await vestibule.start();
      const session = await vestibule.join('ann@example.com');
      await vestibule.end();
      try {
        execFileSync('sqlite3', [join(vestibule.folder, 'vestibule.db'), sql], { stdio: ['ignore', 'ignore', 'pipe'] });
      } catch (error) {
        if (/no such column/.test(error.stderr)) continue;
        throw error;
      }
      await vestibule.start();
      const status = await vestibule.membership(session);
      assert.ok([200, 401].includes(status), `${what}: ${status}`);
      told.push(`${what} ${status}`);
      const page = await vestibule.submit('/sign-in', { email: 'ann@example.com', password: 'a lamp in the hall' });
      assert.ok([200, 303, 401, 422].includes(page.status), `${what}: ${page.status}`);
      assert.equal(await vestibule.membership(await vestibule.join('ben@example.com')), 200, `${what}: others go on`);
      assert.doesNotMatch(vestibule.log, /panic/, what);
    } finally {
      await vestibule.close();
    }
  }
  console.log(`garbage in rows: ${told.join(', ')}; no panic, others go on`);
});
