// What stops a start: each says which setting it is about, and none of it is a panic (R08, R22, R24).
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CANNOT_MOUNT, CANNOT_TRACE } from './support/disk.js';
import { Vestibule, until } from './support/vestibule.js';

/** Runs a test with a server that goes away, whatever happens. */
async function withVestibule(run, options) {
  const vestibule = await Vestibule.of(options);
  try {
    await run(vestibule);
  } finally {
    await vestibule.close();
  }
}

/** Holds a start against what it should say. */
function refuses({ code, said }, ...words) {
  assert.ok(code > 0 && code < 128, `the exit code is ${code}:\n${said}`);
  assert.doesNotMatch(said, /panicked|RUST_BACKTRACE/);
  for (const word of words) assert.match(said, word);
}

test('a second server on the same database says why it does not start, and the first one does not mind', () =>
  withVestibule(async (vestibule) => {
    await vestibule.start();
    const second = await Vestibule.of({ folder: vestibule.folder });
    refuses(await second.refusal(), /data_dir/, /another Vestibule uses/);
    assert.equal((await vestibule.signUp('ann@example.com')).status, 200);
  }));

test('a data folder that cannot be stops the start', () =>
  withVestibule(async (vestibule) => {
    await writeFile(join(vestibule.folder, 'file'), 'not a folder');
    vestibule.env.VESTIBULE_DATA_DIR = join(vestibule.folder, 'file', 'data');
    refuses(await vestibule.refusal(), /data_dir/, /file\/data/);
  }));

test('a data folder of somebody else stops the start', { skip: CANNOT_MOUNT && 'becoming somebody else needs root' }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-theirs-'));
  await chmod(folder, 0o755);
  const data = join(folder, 'data');
  await mkdir(data, { mode: 0o700 });
  await withVestibule(
    async (vestibule) => {
      vestibule.cwd = '/';
      vestibule.env.VESTIBULE_DATA_DIR = data;
      refuses(await vestibule.refusal(), /data_dir/, /[Pp]ermission denied/);
      await chown(data, 65534, 65534);
      await vestibule.start();
      assert.equal((await vestibule.signUp('ann@example.com')).status, 200);
    },
    { folder, wrap: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] },
  );
  await rm(folder, { recursive: true });
});

test('a data folder on a disk that is read-only stops the start', { skip: CANNOT_MOUNT }, () =>
  withVestibule(async (vestibule) => {
    const data = join(vestibule.folder, 'data');
    await mkdir(data);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'tmpfs', data]);
    try {
      vestibule.env.VESTIBULE_DATA_DIR = data;
      refuses(await vestibule.refusal(), /data_dir/, /[Rr]ead-only/);
    } finally {
      execFileSync('umount', ['-l', data]);
    }
  }));

test('a disk that is full at the first start stops it, and once there is room it starts', { skip: CANNOT_MOUNT }, () =>
  withVestibule(async (vestibule) => {
    const data = join(vestibule.folder, 'data');
    await mkdir(data);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', data]);
    try {
      vestibule.env.VESTIBULE_DATA_DIR = data;
      refuses(await vestibule.refusal(), /data_dir|database\.url|secret_key_file/, /full|[Nn]o space|disk I\/O error/);
      execFileSync('mount', ['-o', 'remount,size=16m', data]);
      await vestibule.start();
      assert.equal((await vestibule.signUp('ann@example.com')).status, 200);
      await vestibule.end();
    } finally {
      execFileSync('umount', ['-l', data]);
    }
  }));

test('a database of a newer version stops the start, and is left as it is', () =>
  withVestibule(async (vestibule) => {
    await vestibule.start();
    await vestibule.end();
    const database = join(vestibule.folder, 'vestibule.db');
    const newer = "insert into _sqlx_migrations values (9999, 'of tomorrow', current_timestamp, true, x'00', 1)";
    execFileSync('sqlite3', [database, newer]);
    refuses(await vestibule.refusal(), /database\.url/, /newer version/);
    assert.equal(await vestibule.sqlite('select count(*) from _sqlx_migrations where version = 9999'), '1');
  }));

test('a first start that is killed while it makes the database is finished by the next one', { skip: CANNOT_TRACE }, async () => {
  const killedAt = [];
  for (const write of [1, 3, 9, 20, 40, 70, 110]) {
    await withVestibule(async (vestibule) => {
      const calls = 'pwrite64,fdatasync,fsync,rename';
      vestibule.wrap = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', `inject=${calls}:signal=KILL:when=${write}`];
      vestibule.launch();
      await Promise.race([vestibule.exited, until(() => vestibule.isLive(), 'it is live', 20)]);
      if (await vestibule.isLive()) return;
      killedAt.push(write);
      vestibule.wrap = [];
      await vestibule.start();
      assert.equal((await vestibule.signUp('ann@example.com')).status, 200, `killed at write ${write}`);
      await vestibule.end();
      assert.equal(await vestibule.sqlite('pragma integrity_check'), 'ok');
    });
  }
  assert.ok(killedAt.length >= 3, `${killedAt}`);
  console.log(`killed in the first start: at write ${killedAt.join(', ')}; each completed by the next start`);
});

test('a database that was cut off stops the start', () =>
  withVestibule(async (vestibule) => {
    await vestibule.start();
    for (let number = 0; number < 5; number++) await vestibule.signUp(`guest-${number}@example.com`);
    await vestibule.end();
    const database = join(vestibule.folder, 'vestibule.db');
    await truncate(database, Math.floor((await stat(database)).size / 2));
    refuses(await vestibule.refusal(), /database\.url/, /malformed|damaged/);
  }));

test('a file that is no database stops the start', () =>
  withVestibule(async (vestibule) => {
    await writeFile(join(vestibule.folder, 'vestibule.db'), 'this is a shopping list, and a long one, for what it is worth\n'.repeat(200));
    refuses(await vestibule.refusal(), /database\.url/, /not a database/);
  }));

test('who is told to stop leaves the whole database in one file', () =>
  withVestibule(async (vestibule) => {
    await vestibule.start();
    await vestibule.signUp('ann@example.com');
    assert.equal(await vestibule.end(), 0);
    assert.deepEqual(await vestibule.databaseFiles(), ['vestibule.db']);
    assert.equal(await vestibule.sqlite('select count(*) from users'), '1');
  }));

test('a write-ahead log with garbage in it costs nothing that was on the disk before it', () =>
  withVestibule(async (vestibule) => {
    await vestibule.start();
    await vestibule.signUp('before@example.com');
    await vestibule.end();
    await vestibule.start();
    await vestibule.signUp('after@example.com');
    await vestibule.end('SIGKILL');
    const wal = join(vestibule.folder, 'vestibule.db-wal');
    const { size } = await stat(wal);
    const file = await open(wal, 'r+');
    // In the midst of the first page that was written: its checksum is wrong then, and what follows is not read (sqlite.org/walformat).
    await file.write(Buffer.alloc(512, 0xa5), 0, 512, 100);
    await file.close();
    await vestibule.start();
    assert.ok(await vestibule.hasAccount('before@example.com'), `a -wal of ${size} bytes`);
    assert.equal((await vestibule.signUp('again@example.com')).status, 200);
    await vestibule.end();
    assert.equal(await vestibule.sqlite('pragma integrity_check'), 'ok');
  }));

test('settings that cannot be read stop the start with the file and the line', () =>
  withVestibule(async (vestibule) => {
    for (const [text, ...words] of [
      ['[server]\nlistem = "x"\n', /vestibule\.toml:2/, /listem/],
      ['[server\n', /vestibule\.toml:1/],
      [Buffer.from([0xff, 0xfe, 0x00, 0x41, 0x80]), /vestibule\.toml/],
      ['[limits]\nfactor = -1\n', /limits\.factor/],
    ]) {
      await writeFile(join(vestibule.folder, 'vestibule.toml'), text);
      vestibule.log = '';
      delete vestibule.env.VESTIBULE_LIMITS__FACTOR;
      refuses(await vestibule.refusal(), ...words);
    }
  }));

test('a secret key that others can read, or that is too short, stops the start', () =>
  withVestibule(async (vestibule) => {
    const key = join(vestibule.folder, 'secret_key');
    await writeFile(key, 'a'.repeat(64), { mode: 0o644 });
    refuses(await vestibule.refusal(), /secret_key/, /chmod 600/);
    await writeFile(key, 'short');
    await chmod(key, 0o600);
    refuses(await vestibule.refusal(), /secret_key_file/, /32 to 1024/);
  }));
