// A proxy between a browser and the server that keeps answers back until the test lets them go. The server has done what was asked by
// then: what is late is only what the browser hears of it.

import { createServer, request as ask } from "node:http";
import { listen } from "./loopback.js";

export class DelayingProxy {
  #server;
  #holds = [];

  static async open() {
    const proxy = new DelayingProxy();
    proxy.#server = createServer((request, response) => proxy.#pass(request, response));
    proxy.url = await listen(proxy.#server);
    return proxy;
  }

  /** What a browser context is opened with, so that it asks through this proxy, for `localhost` too. */
  get options() {
    return { proxy: { server: this.url, bypass: "<-loopback>" } };
  }

  /** Keeps back the answer to the next such request. `answered` is when the server has answered it, `release` lets it go. */
  hold(method, path) {
    const hold = { method, path };
    hold.answered = new Promise((resolve) => (hold.isAnswered = resolve));
    hold.released = new Promise((resolve) => (hold.release = resolve));
    this.#holds.push(hold);
    return hold;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(request, response) {
    const { hostname, port, pathname, search } = new URL(request.url);
    const isWanted = ({ method, path }) => method === request.method && path === pathname;
    const index = this.#holds.findIndex(isWanted);
    const [hold] = index < 0 ? [] : this.#holds.splice(index, 1);
    const options = { host: hostname === "localhost" ? "127.0.0.1" : hostname, port, path: pathname + search };
    const onward = ask({ ...options, method: request.method, headers: request.headers, agent: false }, async (answer) => {
      const chunks = [];
      for await (const chunk of answer) chunks.push(chunk);
      hold?.isAnswered();
      await hold?.released;
      response.writeHead(answer.statusCode, answer.rawHeaders);
      response.end(Buffer.concat(chunks));
    });
    onward.on("error", () => response.destroy());
    response.on("error", () => {});
    request.pipe(onward);
  }
}
