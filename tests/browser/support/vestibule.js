// A server of one's own: the real binary on a free port, with a data folder that goes away with it.

import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Inbox } from "./inbox.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const binary = process.env.VESTIBULE_BIN ?? join(root, "target/release/vestibule");

/** Where Debian's package `faketime` puts the library that moves a program's clock. */
const FAKETIME = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

export class Vestibule {
  #process;
  #folder;
  #environment;
  #passed;
  #log = "";

  /** Starts a server and waits until it is ready. `settings` are named as in the environment; with `movesClock` the server's clock
   *  can be put forward by `pass`. */
  static async open({ settings = {}, movesClock = false } = {}) {
    const vestibule = new Vestibule();
    const port = await freePort();
    vestibule.url = `http://localhost:${port}`;
    vestibule.#folder = await mkdtemp(join(tmpdir(), "vestibule-hall-"));
    vestibule.inbox = new Inbox(join(vestibule.#folder, "data", "outbox"));
    const clock = movesClock ? await vestibule.#clock() : {};
    vestibule.#environment = {
      PATH: process.env.PATH,
      RUST_LOG: "warn",
      VESTIBULE_DATA_DIR: join(vestibule.#folder, "data"),
      VESTIBULE_SERVER__LISTEN: `127.0.0.1:${port}`,
      VESTIBULE_SERVER__PUBLIC_URL: vestibule.url,
      // Everybody in these journeys comes from one address.
      VESTIBULE_LIMITS__FACTOR: "1000",
      ...clock,
      ...settings,
    };
    const options = { cwd: vestibule.#folder, env: vestibule.#environment, stdio: ["ignore", "pipe", "pipe"] };
    vestibule.#process = spawn(binary, [], options);
    for (const stream of [vestibule.#process.stdout, vestibule.#process.stderr]) {
      stream.on("data", (text) => (vestibule.#log += text));
    }
    vestibule.#process.on("error", (error) => (vestibule.#log += error));
    await vestibule.#ready(port);
    return vestibule;
  }

  /** Asks it to stop, as a service manager would, and complains about everything it logged as failed. */
  async close() {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await ended;
    await rm(this.#folder, { recursive: true, force: true });
    if (/\bERROR\b|panicked/.test(this.#log)) throw new Error(`the hall logged a failure:\n${this.#log}`);
  }

  /** Another command of the binary with the server's settings: its status and all that it said. */
  run(words, environment = {}) {
    const options = { cwd: this.#folder, env: { ...this.#environment, ...environment } };
    return new Promise((resolve) => {
      execFile(binary, words, options, (error, out, trouble) => resolve({ status: error?.code ?? 0, said: out + trouble }));
    });
  }

  /** What it wrote so far. */
  get log() {
    return this.#log;
  }

  /** Lets time go by for the server, and for nobody else. */
  async pass({ minutes = 0, seconds = 0 }) {
    this.#passed += minutes * 60 + seconds;
    await writeFile(this.#clockFile, `+${this.#passed}\n`);
  }

  /** The time of the server, in milliseconds since 1970. */
  now() {
    return Date.now() + (this.#passed ?? 0) * 1000;
  }

  get #clockFile() {
    return join(this.#folder, "clock");
  }

  /** What makes the server read its clock from a file. Only the time of day moves: timers go by the steady clock. */
  async #clock() {
    if (!FAKETIME) throw new Error("libfaketime is missing: scripts/tools installs it");
    this.#passed = 0;
    await this.pass({});
    return {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: this.#clockFile,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
  }

  async #ready(port) {
    for (let tries = 0; tries < 200; tries++) {
      if (this.#process.exitCode !== null) break;
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.#process.kill("SIGKILL");
    throw new Error(`${binary} does not get ready:\n${this.#log}`);
  }
}

/** What is set for a provider, named as in the environment. */
export function providerSettings(name, settings) {
  const prefix = `VESTIBULE_PROVIDERS__${name.toUpperCase()}__`;
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [prefix + key.toUpperCase(), value]));
}

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
