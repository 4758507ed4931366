// The email and the SMS that people got, read from the outbox folder as their email programs and phones would read it.

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

export class Inbox {
  #folder;
  #opened = new Set();

  constructor(folder) {
    this.#folder = folder;
  }

  /** The oldest message to an address or a number that was not opened yet; waits until there is one. `isWanted` says which
   *  ones to stop at; those before it are opened on the way. */
  async next(to, isWanted = () => true) {
    for (let tries = 0; tries < 100; tries++) {
      for (const [file, message] of await this.#messages()) {
        if (message.to !== to || this.#opened.has(file)) continue;
        this.#opened.add(file);
        if (isWanted(message)) return message;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${to} got no further message`);
  }

  /** The newest message to an address or a number, opened or not, that has `found`; answers what it found there. */
  async #newest(to, found) {
    const messages = (await this.#messages()).map(([, message]) => message).filter((message) => message.to === to);
    const last = messages.findLast(found);
    if (!last) throw new Error(`${to} got no such message`);
    return found(last);
  }

  /** The six digits in the newest email or SMS that has some. Does not wait for one. */
  newestCode(to) {
    return this.#newest(to, codeIn);
  }

  /** The link "that was not me" in the newest email that has one. Does not wait for one. */
  newestNotMeLink(address) {
    return this.#newest(address, notMeIn);
  }

  /** The link in the next email to `address` that has one; one that says "that was not me" is none. */
  async nextLink(address) {
    return linkIn(await this.next(address, linkIn));
  }

  /** The six digits in the next email or SMS that has some. */
  async nextCode(to) {
    return codeIn(await this.next(to, codeIn));
  }

  /** The link "that was not me" in the next email to `address` that has one. */
  async nextNotMeLink(address) {
    return notMeIn(await this.next(address, notMeIn));
  }

  async #messages() {
    const files = await readdir(this.#folder).catch(() => []);
    const messages = files.filter((file) => reader(file)).sort();
    return Promise.all(messages.map(async (file) => [file, reader(file)(await readFile(join(this.#folder, file), "latin1"))]));
  }
}

/** How a file is read; `undefined` for what is no message yet. */
function reader(file) {
  if (file.endsWith(".eml")) return read;
  return file.endsWith(".sms.json") ? (text) => JSON.parse(utf8(text)) : undefined;
}

function linkIn({ text }) {
  return linksIn(text).find((link) => !isNotMe(link));
}

function notMeIn({ text }) {
  return linksIn(text).find(isNotMe);
}

function linksIn(text) {
  return text.match(/https?:\/\/\S+/g) ?? [];
}

function codeIn({ text }) {
  return text.match(/^\s*(\d{6})\b/m)?.[1];
}

/** Whether a link is the one that every email about a change carries. */
function isNotMe(link) {
  return ["/not-me", "/profile/email/undo"].some((path) => new URL(link).pathname.endsWith(path));
}

function read(message) {
  const { headers, body } = split(message);
  return {
    to: headers.get("to").match(/[^\s<>]+@[^\s<>]+/)[0],
    subject: words(headers.get("subject")),
    text: part(headers, body, "text/plain"),
    html: part(headers, body, "text/html"),
  };
}

function split(message) {
  const [head, ...rest] = message.replaceAll("\r\n", "\n").split("\n\n");
  const lines = head.replace(/\n[ \t]+/g, " ").split("\n");
  const headers = new Map(lines.map((line) => [line.split(":", 1)[0].toLowerCase(), line.replace(/^[^:]*:\s*/, "")]));
  return { headers, body: rest.join("\n\n") };
}

/** The first part of `type`, looked for in the whole tree of parts. */
function part(headers, body, type) {
  const contentType = headers.get("content-type") ?? "text/plain";
  const boundary = contentType.match(/boundary="?([^";]+)/)?.[1];
  if (boundary) {
    const parts = body.split(`--${boundary}`).slice(1, -1).map((text) => split(text.replace(/^\n/, "")));
    return parts.map((inner) => part(inner.headers, inner.body, type)).find((text) => text !== undefined);
  }
  if (!contentType.startsWith(type)) return undefined;
  const encoding = headers.get("content-transfer-encoding")?.toLowerCase();
  if (encoding === "quoted-printable") return utf8(quotedPrintable(body.replace(/=\n/g, "")));
  if (encoding === "base64") return Buffer.from(body, "base64").toString("utf8");
  return utf8(body);
}

function quotedPrintable(text) {
  return text.replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

/** A header with encoded words (RFC 2047). */
function words(header) {
  return header.replace(/\?=\s+=\?/g, "?==?").replace(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, kind, text) =>
    kind.toLowerCase() === "b" ? Buffer.from(text, "base64").toString("utf8") : utf8(quotedPrintable(text.replaceAll("_", " "))),
  );
}

function utf8(bytes) {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
