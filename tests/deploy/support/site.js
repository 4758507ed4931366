// The second site: a trivial one, that says hello to whom the proxy names and keeps what it was asked with.

import { createServer } from "node:http";

export class Site {
  /** Every request that got through: its path and its headers as they came, names in their own spelling. */
  seen = [];

  static async open() {
    const site = new Site();
    site.server = createServer((request, response) => {
      site.seen.push({ path: request.url, raw: request.rawHeaders, headers: request.headers, request });
      request.resume();
      const name = decodeURIComponent(request.headers["remote-name"] ?? "");
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(`<!doctype html><title>Site</title><h1>Hello ${name || "stranger"}</h1><p id="path">${request.url}</p>`);
    });
    await new Promise((resolve) => site.server.listen(0, "127.0.0.1", resolve));
    site.port = site.server.address().port;
    return site;
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
