// Load on the server, and what is seen of it meanwhile.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Vestibule, percentile, sleep } from '../support/vestibule.js';

/** Seconds of the long runs: 180 in earnest (`LOAD_SECONDS=180`), 20 in CI. */
export const SECONDS = Number(process.env.LOAD_SECONDS ?? 20);

/** A server that is open. */
export async function open(settings = {}, wrap = []) {
  const vestibule = await Vestibule.of({ settings, wrap });
  await vestibule.start();
  return vestibule;
}

/** Times a page, one visitor after another, while something runs: `{ p50, p99, statuses, count }`, in milliseconds. */
export async function timed(vestibule, path, during) {
  const times = [];
  const statuses = new Set();
  let over = false;
  const ended = Promise.resolve(during).finally(() => {
    over = true;
  });
  while (!over) {
    const { status, milliseconds } = await vestibule.page(path).catch(() => ({ status: 0, milliseconds: Infinity }));
    statuses.add(status);
    times.push(milliseconds);
    await sleep(5);
  }
  await ended;
  return { p50: percentile(times, 50), p99: percentile(times, 99), statuses: [...statuses], count: times.length };
}

/** Runs a program to its end: what it said. */
export async function run(command, words) {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      said += bytes;
    });
  }
  await once(child, 'close');
  return said;
}

/** One request, as it is written, to a socket that nobody else uses. What came back until it was closed, and when. */
export async function raw(vestibule, pieces, { pause = 0, patience = 60_000, slowly } = {}) {
  const { hostname, port } = new URL(vestibule.url);
  const begun = Date.now();
  const socket = connect(Number(port), hostname);
  let answer = '';
  let open = true;
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
    if (slowly) {
      socket.pause();
      setTimeout(() => socket.resume(), slowly);
    }
  });
  const closed = new Promise((resolve) => {
    socket.on('error', () => {});
    socket.on('close', () => {
      open = false;
      resolve();
    });
  });
  const write = async () => {
    for await (const piece of pieces) {
      if (!open) return;
      socket.write(piece);
      if (pause) await sleep(pause);
    }
  };
  const writing = write();
  const isClosed = await Promise.race([closed.then(() => true), sleep(patience).then(() => false)]);
  socket.destroy();
  await writing;
  return { answer, seconds: (Date.now() - begun) / 1000, isClosed };
}

/** The cookies of a browser after an answer, as it sends them. */
function kept(cookie, set) {
  const pairs = [...(cookie?.split('; ') ?? []), ...set].map((pair) => [pair.slice(0, pair.indexOf('=')), pair]);
  const jar = [...new Map(pairs).values()].filter((pair) => !pair.endsWith('='));
  return jar.length > 0 ? jar.join('; ') : undefined;
}

/** The form of a page as a browser got it: its cookie, its token, its hidden fields. */
export async function form(vestibule, path, cookie) {
  const answer = await fetch(vestibule.url + path, { redirect: 'manual', headers: { accept: 'text/html', ...(cookie && { cookie }) } });
  const html = await answer.text();
  const set = answer.headers.getSetCookie().map((line) => line.split(';')[0]);
  return { html, status: answer.status, cookie: kept(cookie, set), csrf: html.match(/name="csrf" value="([^"]+)"/)?.[1] };
}

/** Sends a form: `{ status, location, retryAfter, cookie, text }`; status 0 when there was no answer. */
export async function send(base, path, fields, { cookie, agent } = {}) {
  const body = new URLSearchParams(fields).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body), accept: 'text/html', ...(cookie && { cookie }) };
  return new Promise((resolve) => {
    const asked = request(base + path, { method: 'POST', headers, agent: agent ?? new Agent() }, (answer) => {
      let text = '';
      answer.on('data', (bytes) => {
        text += bytes;
      });
      answer.on('error', () => resolve({ status: 0 }));
      answer.on('end', () => {
        const set = (answer.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]);
        resolve({ status: answer.statusCode, location: answer.headers.location, retryAfter: answer.headers['retry-after'], cookie: kept(cookie, set), text });
      });
    });
    asked.on('error', () => resolve({ status: 0 }));
    asked.end(body);
  });
}

/** What the process holds now: memory and the write-ahead log in MiB, and open files. */
export async function held(vestibule) {
  const files = (await readdir(`/proc/${vestibule.process.pid}/fd`)).length;
  const names = await readdir(vestibule.folder);
  const sizes = await Promise.all(names.filter((name) => name.endsWith('-wal')).map((name) => stat(join(vestibule.folder, name)).then(({ size }) => size, () => 0)));
  return { memory: await vestibule.memory(), files, log: sizes.reduce((sum, size) => sum + size, 0) / 2 ** 20 };
}

/** Looks every `pause` milliseconds at what the process holds, until stopped: what it held each time. */
export function watch(vestibule, pause = 50) {
  const seen = [];
  let over = false;
  const watching = (async () => {
    while (!over) {
      seen.push(await held(vestibule));
      await sleep(pause);
    }
  })();
  return async () => {
    over = true;
    await watching;
    return seen;
  };
}

/** How many of each. */
export function tally(values) {
  const counts = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

export function round(value) {
  return Math.round(value * 10) / 10;
}

/** Prints a figure that the run found. */
export function tell(what, figures) {
  console.log(`# ${what}: ${Object.entries(figures).map(([name, value]) => `${name} ${typeof value === 'number' ? round(value) : typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ')}`);
}
