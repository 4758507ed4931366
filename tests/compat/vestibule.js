// A server of one's own: the given binary with a folder that goes away, and somebody who reads its outbox.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createClient } from 'altogic';

export const KEY = 'a-client-key-of-the-compatibility-tests';
export const PASSWORD = 'a lamp in the hall';

const SOON = 15_000;
const command = promisify(execFile);

/** Starts the binary that VESTIBULE_BIN names, on a free port. */
export async function openVestibule(settings = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-compat-'));
  const url = `http://127.0.0.1:${await freePort()}`;
  const env = {
    PATH: process.env.PATH,
    VESTIBULE_DATA_DIR: folder,
    VESTIBULE_SERVER__LISTEN: new URL(url).host,
    VESTIBULE_SERVER__PUBLIC_URL: url,
    VESTIBULE_ENGINE__CLIENT_KEYS: KEY,
    VESTIBULE_LIMITS__FACTOR: '1000',
    ...settings,
  };
  const server = spawn(process.env.VESTIBULE_BIN, [], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], env });
  await until(() => fetch(`${url}/health/live`).then((answer) => answer.ok, () => false), 'the server answers');
  return {
    url,
    client: (prefix = '', key = KEY, options = {}) => client(url + prefix, key, options),
    /** `vestibule key …` beside the running server: what it prints. */
    key: (...words) => command(process.env.VESTIBULE_BIN, ['key', ...words], { cwd: folder, env }).then(({ stdout }) => stdout.trim()),
    link: (to, after = 0) => link(join(folder, 'outbox'), to, after),
    code: (to, after = 0) => code(join(folder, 'outbox'), to, after),
    async close() {
      const ended = once(server, 'exit');
      server.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Follows an emailed link as a browser does, up to the redirect, and gives what the application gets to see. */
export async function follow(link) {
  const answer = await fetch(link, { redirect: 'manual' });
  return Object.fromEntries(new URL(answer.headers.get('location')).searchParams);
}

/** The answer of a call, or an error when it hangs: the client never settles on an answer it cannot read. */
export async function settled(promise) {
  let timer;
  const hangs = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('the call hangs')), SOON);
  });
  return Promise.race([promise, hangs]).finally(() => clearTimeout(timer));
}

/** The data of a call that must work. */
export async function worked(promise) {
  const answer = await settled(promise);
  if (answer.errors) throw new Error(JSON.stringify(answer.errors));
  return answer;
}

/** "401 invalid_credentials" of a call that must be refused. */
export async function refused(promise) {
  const { errors } = await settled(promise);
  if (!errors) throw new Error('it was not refused');
  if (!errors.items[0].message) throw new Error('it has no sentence');
  return `${errors.status} ${errors.items.map((item) => item.code).join(' ')}`;
}

/** The official client, with a storage of its own. */
function client(envUrl, key, options) {
  const kept = new Map();
  return createClient(envUrl, key, {
    ...options,
    localStorage: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key),
    },
  });
}

/** The link in the email number `after` (from 0, oldest first) to somebody, with quoted-printable undone. */
async function link(outbox, to, after) {
  let found;
  await until(async () => {
    const names = (await readdir(outbox).catch(() => [])).filter((name) => name.endsWith('.eml')).sort();
    const mails = await Promise.all(names.map((name) => readFile(join(outbox, name), 'utf8')));
    const links = mails
      .filter((mail) => new RegExp(`^To:.*${to.replace(/[.+]/g, '\\$&')}`, 'mi').test(mail))
      .map((mail) => mail.replace(/=\r?\n/g, '').replace(/=3D/gi, '='))
      .map((mail) => (mail.match(/https?:\/\/[^\s"<>]+key=[^\s"<>]+/g) ?? []).find((link) => !isNotMe(link)))
      .map((link) => link?.replace(/&amp;/g, '&'))
      .filter(Boolean);
    found = links[after];
    return found;
  }, `mail ${after} to ${to}`);
  return found;
}

/** Whether a link is the one by which owners say that a change was not theirs. */
function isNotMe(link) {
  return /\/not-me\?|\/profile\/email\/undo\?/.test(link);
}

/** The code in the SMS number `after` (from 0, oldest first) to a number. */
async function code(outbox, to, after) {
  let found;
  await until(async () => {
    found = (await texts(outbox, to)).map((text) => text.match(/\b\d{6}\b/)?.[0]).filter(Boolean)[after];
    return found;
  }, `SMS ${after} to ${to}`);
  return found;
}

/** The texts that were sent to a number, oldest first. */
async function texts(outbox, to) {
  const names = (await readdir(outbox).catch(() => [])).filter((name) => name.endsWith('.sms.json')).sort();
  const messages = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(outbox, name), 'utf8'))));
  return messages.filter((message) => message.to === to).map((message) => message.text);
}

async function until(holds, what) {
  const end = Date.now() + SOON;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
