// The real binary in a folder of its own, to be killed, starved and started again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PASSWORD = 'a lamp in the hall';
export const KEY = 'a-client-key-of-the-fault-tests';
const SOON = 20_000;

export class Hall {
  /** A hall that is not started yet. `folder` is its data; without one it gets its own, which goes away with it. */
  static async of({ folder, settings = {}, wrap = [] } = {}) {
    const hall = new Hall();
    hall.own = folder === undefined;
    hall.folder = folder ?? (await mkdtemp(join(tmpdir(), 'vestibule-faults-')));
    hall.url = `http://127.0.0.1:${await freePort()}`;
    hall.wrap = wrap;
    hall.log = '';
    hall.env = {
      PATH: process.env.PATH,
      VESTIBULE_DATA_DIR: hall.folder,
      VESTIBULE_SERVER__LISTEN: new URL(hall.url).host,
      VESTIBULE_SERVER__PUBLIC_URL: hall.url,
      VESTIBULE_ENGINE__CLIENT_KEYS: KEY,
      VESTIBULE_LIMITS__FACTOR: '10000',
      ...settings,
    };
    return hall;
  }

  /** Starts it and waits until it answers. Says how many milliseconds that took. */
  async start() {
    const begun = Date.now();
    this.launch();
    await until(() => fetch(`${this.url}/health/live`).then((answer) => answer.ok, () => false), 'the server answers', 10);
    return Date.now() - begun;
  }

  /** Starts the process, whatever becomes of it. */
  launch() {
    const [command, ...words] = [...this.wrap, process.env.VESTIBULE_BIN];
    this.process = spawn(command, words, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'], env: this.env });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (bytes) => {
        this.log += bytes;
      });
    }
    this.exited = once(this.process, 'exit');
  }

  /** Sends a signal and waits for the end: the exit code, or the signal's name. */
  async end(signal = 'SIGTERM') {
    this.process.kill(signal);
    const [code, by] = await this.exited;
    return code ?? by;
  }

  async close() {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.end('SIGKILL');
    if (this.own) await rm(this.folder, { recursive: true, force: true });
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

  /** Whom mails in the outbox folder went to, one for each mail. */
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

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
