// What the servers that a test starts beside the server have in common. They listen on 127.0.0.1 while the server is `localhost`: for
// a browser these are two sites, as a provider and a server are.

import { once } from "node:events";

/** Listens on a free port; answers the origin. */
export async function listen(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

/** A form or JSON that was sent, as `URLSearchParams`. */
export async function read(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
}

export function page(response, body) {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
  response.end(`<!doctype html><html lang="en"><head><title>Elsewhere</title></head><body>${body}</body></html>`);
}

export function json(response, status, answer) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
}

export function redirect(response, url, answer) {
  const target = new URL(url);
  for (const [name, value] of Object.entries(answer)) if (value !== undefined) target.searchParams.set(name, value);
  response.writeHead(303, { location: target.href }).end();
}
