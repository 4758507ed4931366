// The real binary in a folder of its own, to be killed, starved and started again.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PASSWORD = 'a lamp in the hall';
export const KEY = 'a-client-key-of-the-fault-tests';
const SOON = 20_000;

/** Where Debian's package `faketime` puts the library that moves a program's clock. */
const FAKETIME = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

export class Vestibule {
  /**
   * A server that is not started yet. `folder` is its data; without one it gets its own, which goes away with it. `wrap` are words of a
   * command to run it by, as `strace`. With `movesClock` its clock can be set by `setClock`.
   */
  static async of({ folder, settings = {}, wrap = [], movesClock = false } = {}) {
    const vestibule = new Vestibule();
    vestibule.own = folder === undefined;
    vestibule.folder = folder ?? (await mkdtemp(join(tmpdir(), 'vestibule-faults-')));
    vestibule.url = `http://127.0.0.1:${await freePort()}`;
    vestibule.wrap = wrap;
    vestibule.log = '';
    vestibule.clientKey = KEY;
    vestibule.env = {
      PATH: process.env.PATH,
      VESTIBULE_DATA_DIR: vestibule.folder,
      VESTIBULE_SERVER__LISTEN: new URL(vestibule.url).host,
      VESTIBULE_SERVER__PUBLIC_URL: vestibule.url,
      VESTIBULE_ENGINE__CLIENT_KEYS: KEY,
      VESTIBULE_LIMITS__FACTOR: '10000',
      ...settings,
    };
    if (movesClock) await vestibule.readClockFromFile();
    return vestibule;
  }

  /** Starts it and waits until it answers. Says how many milliseconds that took. */
  async start() {
    const begun = Date.now();
    this.launch();
    await until(() => this.isLive(), 'the server answers', 10);
    return Date.now() - begun;
  }

  isLive() {
    return fetch(`${this.url}/health/live`).then((answer) => answer.ok, () => false);
  }

  /** Starts the process, whatever becomes of it. */
  launch() {
    const [command, ...words] = [...this.wrap, process.env.VESTIBULE_BIN];
    // A group of its own, so that what it is wrapped in goes with it.
    this.process = spawn(command, words, { cwd: this.cwd ?? this.folder, stdio: ['ignore', 'pipe', 'pipe'], env: this.env, detached: true });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (bytes) => {
        this.log += bytes;
      });
    }
    this.exited = once(this.process, 'exit');
  }

  /** Sends a signal to it and what it is wrapped in, and waits for the end: the exit code, or the signal's name. */
  async end(signal = 'SIGTERM') {
    process.kill(-this.process.pid, signal);
    const [code, by] = await this.exited;
    return code ?? by;
  }

  /** Starts it where it must not start: its exit code and what it said. */
  async refusal() {
    this.log = '';
    this.launch();
    const late = setTimeout(() => process.kill(-this.process.pid, 'SIGKILL'), SOON);
    const [code] = await this.exited;
    clearTimeout(late);
    return { code, said: this.log };
  }

  async close() {
    const isUp = this.process && this.process.exitCode === null && this.process.signalCode === null;
    if (isUp) await this.end('SIGKILL');
    if (this.own) await rm(this.folder, { recursive: true, force: true });
  }

  /** Asks SQLite itself about a copy of the database, as it lies there: the next start has to do its own repairs. */
  async sqlite(sql) {
    const copy = await mkdtemp(join(tmpdir(), 'vestibule-copy-'));
    try {
      for (const name of await this.databaseFiles()) await copyFile(join(this.folder, name), join(copy, name));
      return execFileSync('sqlite3', [join(copy, 'vestibule.db'), sql], { encoding: 'utf8' }).trim();
    } finally {
      await rm(copy, { recursive: true });
    }
  }

  /** The database and its `-wal`. */
  async databaseFiles() {
    return (await readdir(this.folder)).filter((name) => /^vestibule\.db(-wal)?$/.test(name));
  }

  /** Sets the clock so many seconds apart from the true one. Timers go by the steady clock, as on a machine whose time was set. */
  async setClock(seconds) {
    this.apart = seconds;
    await writeFile(join(this.folder, 'clock'), `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }

  /** The time of the server, in milliseconds since 1970. */
  now() {
    return Date.now() + (this.apart ?? 0) * 1000;
  }

  async readClockFromFile() {
    if (!FAKETIME) throw new Error('libfaketime is missing: scripts/tools installs it');
    await this.setClock(0);
    Object.assign(this.env, {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: join(this.folder, 'clock'),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    });
  }

  /** How often a line like that was logged. */
  logged(pattern) {
    return this.log.split('\n').filter((line) => pattern.test(line)).length;
  }

  /** A call of the wire: `{ status, retryAfter, body }`; status 0 when there was no answer. */
  async call(path, body, session) {
    const headers = { 'content-type': 'application/json', 'x-client-key': KEY, ...(session && { session }) };
    try {
      const answer = await fetch(`${this.url}/_api/rest/v1${path}`, { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body) });
      return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: await answer.json().catch(() => undefined) };
    } catch {
      return { status: 0 };
    }
  }

  signUp(email) {
    return this.call('/auth/signup-email', { email, password: PASSWORD });
  }

  signIn(email, password = PASSWORD) {
    return this.call('/auth/signin-email', { email, password });
  }

  /** Signs in and answers the session's token; `undefined` when it was refused. */
  async session(email) {
    const { body } = await this.signIn(email);
    return body?.session?.token;
  }

  /** The status of a call that only a signed-in user may make. */
  async membership(token) {
    return (await this.call('/auth/user', undefined, token)).status;
  }

  /** Whether an account was made: only the right password is told that the address waits. */
  async hasAccount(email) {
    const { status, body } = await this.signIn(email);
    return status === 401 && body.errors[0].code === 'email_not_verified';
  }

  /** A page as a browser gets it: `{ status, retryAfter, text, milliseconds }`. */
  async page(path, headers = {}) {
    const begun = performance.now();
    const answer = await fetch(this.url + path, { redirect: 'manual', headers: { accept: 'text/html', ...headers } });
    const text = await answer.text();
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), text, milliseconds: performance.now() - begun };
  }

  /** Opens a page with a form in a new browser and sends the form: `{ status, retryAfter, text, milliseconds }`. */
  async submit(path, fields) {
    const page = await fetch(this.url + path, { headers: { accept: 'text/html' } });
    const csrf = (await page.text()).match(/name="csrf" value="([^"]+)"/)[1];
    const cookie = page.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
    const begun = performance.now();
    const answer = await fetch(this.url + path, {
      method: 'POST',
      redirect: 'manual',
      headers: { accept: 'text/html', origin: this.url, cookie },
      body: new URLSearchParams({ csrf, ...fields }),
    });
    const text = await answer.text();
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), text, milliseconds: performance.now() - begun };
  }

  /** Signs up, follows the emailed link and answers the session's token. */
  async join(email) {
    await this.signUp(email);
    let mail;
    await until(async () => (mail = await this.mailTo(email)), `the mail to ${email}`);
    return this.follow(mail);
  }

  /** Follows the link in an email to a session, and answers its token. */
  async follow(mail) {
    const text = mail.replace(/=\r?\n/g, '').replace(/=3D/g, '=');
    const link = text.match(/https?:\/\/[^\s"<>]*[?&]key=[^\s"<>]+/)[0];
    const answer = await fetch(link, { redirect: 'manual' });
    const token = new URL(answer.headers.get('location'), this.url).searchParams.get('access_token');
    const { body } = await this.call(`/auth/grant?key=${token}`);
    return body?.session?.token;
  }

  /** The last email to somebody in the outbox folder. */
  async mailTo(email) {
    const outbox = join(this.folder, 'outbox');
    const names = (await readdir(outbox).catch(() => [])).filter((name) => name.endsWith('.eml')).sort().reverse();
    for (const name of names) {
      const mail = await readFile(join(outbox, name), 'utf8');
      if (mail.includes(email)) return mail;
    }
    return undefined;
  }

  /** Whom emails in the outbox folder went to, one for each email. */
  async mailed() {
    const outbox = join(this.folder, 'outbox');
    const names = (await readdir(outbox).catch(() => [])).filter((name) => name.endsWith('.eml'));
    const mails = await Promise.all(names.map((name) => readFile(join(outbox, name), 'utf8')));
    return mails.map((mail) => mail.match(/^To:.*?([\w.+-]+@[\w.-]+)/im)[1]);
  }

  /** What the process holds of memory now, in MiB. */
  async memory() {
    const status = await readFile(`/proc/${this.process.pid}/status`, 'utf8');
    return Number(status.match(/VmRSS:\s+(\d+)/)[1]) / 1024;
  }
}

/** Waits until something holds; asks every `pause` milliseconds. */
export async function until(holds, what, pause = 50, time = SOON) {
  const end = Date.now() + time;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await sleep(pause);
  }
}

export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** The value that so many of a hundred are below. */
export function percentile(values, percent) {
  return [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor((values.length * percent) / 100))];
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
