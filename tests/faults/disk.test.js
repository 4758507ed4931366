// A full disk, a disk that fails to write, one that became read-only (R06, R07).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CANNOT_MOUNT, CANNOT_TRACE, Disk, inject } from './support/disk.js';
import { Vestibule, until } from './support/vestibule.js';
import { SignUps } from './support/load.js';

/** The line about the database. */
const TOLD = /(WARN|ERROR) .*the database did not answer/;
/** Any other line of trouble; the record of what was tried is another thing. */
const TROUBLE = /(WARN|ERROR) +(?! |vestibule::security)/;

test('a full disk is told with 503 and when to come back, signed-in users go on, and writing does once there is room', { skip: CANNOT_MOUNT }, async () => {
  const disk = await Disk.of('12m');
  const vestibule = await Vestibule.of({ folder: disk.path });
  const signUps = new SignUps(vestibule);
  try {
    await vestibule.start();
    const session = await vestibule.join('member@example.com');
    for (let number = 0; number < 10; number++) await signUps.one();
    await disk.fill();
    await refusedIsTold(vestibule, signUps);
    assert.equal(await vestibule.membership(session), 200, 'a session is read');
    await toldOnce(vestibule, signUps);
    await disk.makeRoom();
    const recovered = await writesAgain(signUps);
    await wholeAfterRestart(vestibule, signUps, session);
    console.log(`full disk: ${signUps.acknowledged.length} acknowledged, 0 lost, writes ${recovered} ms after there is room`);
  } finally {
    await vestibule.close();
    await disk.remove();
  }
});

test('a disk that fails to keep what is written gives nobody an acknowledgement', { skip: CANNOT_TRACE }, () =>
  failing('EIO of fsync', 'fsync,fdatasync', 'EIO'));

// What a kernel answers that found errors and mounted the disk anew (`errors=remount-ro`): open files stay, writes do not.
test('a disk that became read-only is told, and writing goes on once it is writable again', { skip: CANNOT_TRACE }, () =>
  failing('read-only disk', 'pwrite64,fallocate,ftruncate', 'EROFS'));

/** Nothing is acknowledged while these calls of the system fail, and all is well once they do not. */
async function failing(what, calls, error) {
  const vestibule = await Vestibule.of();
  const signUps = new SignUps(vestibule);
  try {
    await vestibule.start();
    const session = await vestibule.join('member@example.com');
    for (let number = 0; number < 10; number++) await signUps.one();
    const end = await inject(vestibule.process.pid, calls, error);
    const before = signUps.acknowledged.length;
    await refusals(signUps, 10);
    assert.equal(signUps.acknowledged.length, before, 'nothing was acknowledged that is not on the disk');
    await refusedIsTold(vestibule, signUps);
    assert.equal(await vestibule.membership(session), 200, 'a session is read');
    await toldOnce(vestibule, signUps);
    await end();
    const recovered = await writesAgain(signUps);
    await wholeAfterRestart(vestibule, signUps, session);
    console.log(`${what}: ${signUps.acknowledged.length} acknowledged, 0 lost, writes ${recovered} ms after the disk does`);
  } finally {
    await vestibule.close();
  }
}

/** A write is refused with 503 at both channels, and both say when to come back; the pages go on. */
async function refusedIsTold(vestibule, signUps) {
  let refused;
  for (let number = 0; number < 400 && refused === undefined; number++) {
    const answer = await signUps.one();
    if (answer.status !== 200) refused = answer;
  }
  assert.equal(refused?.status, 503, JSON.stringify(refused));
  assert.match(refused.retryAfter, /^\d+$/);
  assert.ok(refused.body.errors[0].message, 'the envelope');
  const page = await vestibule.submit('/sign-up', { email: 'page@example.com', password: 'a lamp in the hall', name: 'Page' });
  assert.equal(page.status, 503, page.text);
  assert.match(page.retryAfter, /^\d+$/);
  assert.match(page.text, /<h1/);
  assert.equal((await vestibule.page('/sign-in')).status, 200);
}

/** Asks that often, and answers how many were refused. */
async function refusals(signUps, times) {
  let refused = 0;
  for (let number = 0; number < times; number++) refused += (await signUps.one()).status === 503 ? 1 : 0;
  return refused;
}

/** What every request fails with is a line of the log, and not one for each request. */
async function toldOnce(vestibule, signUps) {
  assert.ok(vestibule.logged(TOLD) > 0, 'it is in the log');
  const before = vestibule.logged(TROUBLE);
  const refused = await refusals(signUps, 20);
  const more = vestibule.logged(TROUBLE) - before;
  assert.ok(refused >= 18 && more <= 2, `${refused} requests were refused, ${more} lines logged`);
}

/** How many milliseconds it takes until something is written again. */
async function writesAgain(signUps) {
  const begun = Date.now();
  await until(async () => (await signUps.one()).status === 200, 'it writes again', 100, 5000);
  return Date.now() - begun;
}

async function wholeAfterRestart(vestibule, signUps, session) {
  assert.deepEqual(await signUps.lost(), []);
  await vestibule.end('SIGKILL');
  assert.equal(await vestibule.sqlite('pragma integrity_check'), 'ok');
  await vestibule.start();
  assert.deepEqual(await signUps.lost(), []);
  assert.equal(await vestibule.membership(session), 200);
}
