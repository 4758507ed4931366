// A hall of one's own: the real binary on a free port, with a data folder that goes away with it.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Inbox } from "./inbox.js";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const binary = process.env.VESTIBULE_BIN ?? join(root, "target/release/vestibule");

export class Hall {
  #process;
  #folder;
  #log = "";

  /** Starts a hall and waits until it is ready. `settings` are named as in the environment. */
  static async open(settings = {}) {
    const hall = new Hall();
    const port = await freePort();
    hall.url = `http://localhost:${port}`;
    hall.#folder = await mkdtemp(join(tmpdir(), "vestibule-hall-"));
    hall.inbox = new Inbox(join(hall.#folder, "data", "outbox"));
    hall.#process = spawn(binary, [], {
      cwd: hall.#folder,
      env: {
        PATH: process.env.PATH,
        RUST_LOG: "warn",
        VESTIBULE_DATA_DIR: join(hall.#folder, "data"),
        VESTIBULE_SERVER__LISTEN: `127.0.0.1:${port}`,
        VESTIBULE_SERVER__PUBLIC_URL: hall.url,
        // Everybody in these journeys comes from one address.
        VESTIBULE_LIMITS__FACTOR: "1000",
        ...settings,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [hall.#process.stdout, hall.#process.stderr]) {
      stream.on("data", (text) => (hall.#log += text));
    }
    hall.#process.on("error", (error) => (hall.#log += error));
    await hall.#ready(port);
    return hall;
  }

  /** Asks it to stop, as a service manager would, and complains about everything it logged as failed. */
  async close() {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await ended;
    await rm(this.#folder, { recursive: true, force: true });
    if (/\bERROR\b|panicked/.test(this.#log)) throw new Error(`the hall logged a failure:\n${this.#log}`);
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

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
