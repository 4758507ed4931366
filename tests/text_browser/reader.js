// Somebody at a terminal: w3m in a tmux window of its own, driven by keys and read from the screen.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Reader {
  #folder = mkdtempSync(join(tmpdir(), "vestibule-reader-"));

  /** Opens the browser at a page. It is big enough that no page of a journey has to be scrolled. */
  constructor(url) {
    const environment = ["-e", `HOME=${this.#folder}`, "-e", "LC_ALL=C.UTF-8"];
    this.#tmux("new-session", "-d", "-x", "100", "-y", "120", ...environment, "w3m", "-cookie", "-o", "confirm_qq=0", url);
  }

  /** Waits until the words stand on the screen. */
  async sees(words) {
    await this.#until(() => this.screen().includes(words), () => `"${words}" does not appear:\n${this.screen()}`);
  }

  /** Types into the field that follows a label: w3m asks for the text of a field in its last line. */
  async fill(label, text) {
    this.#keys("g");
    await this.#find(label, "^");
    this.#keys("Tab", "Enter");
    await this.#until(() => /^(TEXT|Password):/m.test(this.#lastLine()), () => `no prompt for ${label}:\n${this.screen()}`);
    this.#type(text);
    this.#keys("Enter");
    await this.#until(() => !/^(TEXT|Password):/m.test(this.#lastLine()), () => `${label} is not taken:\n${this.screen()}`);
  }

  /** Presses a button: the first one below the field that was filled last, or below the top of a new page. */
  async press(button) {
    await this.#find(button);
    this.#keys("Enter");
  }

  /** Goes to an address. */
  async open(url) {
    this.#keys("U");
    await this.#until(() => /Goto URL/.test(this.#lastLine()), () => `no prompt for the address:\n${this.screen()}`);
    this.#keys("C-e", "C-u");
    this.#type(url);
    this.#keys("Enter");
  }

  screen() {
    return this.#tmux("capture-pane", "-p");
  }

  close() {
    this.#tmux("kill-server");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Moves to the next place where the words stand; labels stand at the beginning of a line. */
  async #find(words, where = "") {
    await this.sees(words);
    this.#keys("/");
    await this.#until(() => /Forward:/.test(this.#lastLine()), () => `no prompt to search:\n${this.screen()}`);
    this.#type(where + words.replace(/[[\].*+?^$\\]/g, "\\$&"));
    this.#keys("Enter");
    // What is found may be told for ten seconds, or until the next key: so what follows is typed at once.
  }

  #lastLine() {
    return this.screen().trimEnd().split("\n").at(-1);
  }

  #keys(...keys) {
    this.#tmux("send-keys", ...keys);
  }

  #type(text) {
    this.#tmux("send-keys", "-l", text);
  }

  #tmux(...command) {
    return execFileSync("tmux", ["-S", join(this.#folder, "tmux"), "-f", "/dev/null", ...command], { encoding: "utf8" });
  }

  async #until(holds, complaint) {
    for (let tries = 0; tries < 100; tries++) {
      if (holds()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail(complaint());
  }
}
