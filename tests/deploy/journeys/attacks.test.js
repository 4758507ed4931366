// What people write to get past a proxy: requests that two readers end in different places, paths that they read differently,
// methods and headers that nobody thought of (S49, S50, S76).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PASSWORD } from "../../browser/support/visitor.js";
import { Client } from "../support/client.js";
import { Place } from "../support/place.js";
import { disagreements, sendRaw } from "../support/wire.js";

const email = "ann@example.com";

for (const name of (process.env.PROXIES ?? "nginx haproxy caddy apache").split(" ")) {
  for (const variant of ["root", "sub-path"]) describe(`${name}, ${variant}, attacked`, () => attacks(name, variant));
}

function attacks(name, variant) {
  let place, vestibule, site;

  before(async () => {
    const settings = { RUST_LOG: "warn,actix_http=off,vestibule=info,vestibule::http::request_log=debug", VESTIBULE_LOG__FORMAT: "json" };
    place = await Place.open(name, variant, { settings });
    [vestibule, site] = [new URL(place.url).host, new URL(place.siteUrl).host];
    const ann = new Client(place);
    assert.equal((await ann.send("/sign-up", { name: "Ann", email, password: PASSWORD })).status, 303);
    await ann.ask(await place.vestibule.inbox.nextLink(email));
  });
  after(() => place?.close());

  /** What the server wrote about requests, one object each. */
  const logged = () => place.vestibule.log.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  const seenAtSite = (word) => place.site.seen.filter((request) => request.path.includes(word)).map(({ path }) => path);

  test("no request hides in the body of another one (S76)", async () => {
    const start = `Host: ${site}\r\nAccept: */*`;
    const hidden = `GET /smuggled HTTP/1.1\r\n${start}\r\nRemote-User: root\r\n\r\n`;
    const probe = (lines, body) => `POST /public/probe HTTP/1.1\r\n${start}\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
    const bare = `GET /public/bare HTTP/1.1\nHost: ${site}\nRemote-User: root\n\n${hidden}`;
    const probes = [...disagreements(hidden).map(([lines, body]) => probe(lines, body)), bare];
    await Promise.all(probes.map((bytes) => sendRaw(place, site.split(":")[0], bytes)));
    assert.ok(seenAtSite("/public/probe").length > 0, "some of them are requests");
    assert.deepEqual(seenAtSite("smuggled"), []);
    for (let number = 0; number < 12; number++) {
      const answer = await place.ask(`${place.siteUrl}/public/honest-${number}`);
      assert.match(answer.text, new RegExp(`/public/honest-${number}<`), "everybody gets the answer to their own question");
    }
    for (const { headers } of place.site.seen) assert.notEqual(headers["remote-user"], "root");
  });

  test("nor one that only the proxy may send to the server", async () => {
    const asked = () => logged().filter(({ path }) => path === `${place.prefix}/forward-auth`).length;
    const before = asked();
    const start = `Host: ${vestibule}\r\nAccept: */*`;
    const hidden = `GET ${place.prefix}/forward-auth?mode=nginx HTTP/1.1\r\n${start}\r\nX-Original-URL: ${place.siteUrl}/\r\n\r\n`;
    const probes = disagreements(hidden).map(([lines, body]) => {
      return `POST ${place.prefix}/sign-in HTTP/1.1\r\n${start}\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
    });
    await Promise.all(probes.map((bytes) => sendRaw(place, vestibule.split(":")[0], bytes)));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(asked(), before);
    assert.ok(logged().some(({ path, method }) => method === "POST" && path === `${place.prefix}/sign-in`), "some are requests");
    for (let number = 0; number < 12; number++) {
      const page = number % 2 === 0 ? "sign-in" : "sign-up";
      const answer = await place.ask(`${place.url}/${page}`);
      assert.equal(answer.status, 200);
      assert.match(answer.text, new RegExp(`action="${place.prefix}/${page}"`));
    }
  });

  test("what comes behind a body says nothing about who sends it", async () => {
    const trailer = "Remote-User: root\r\nRemote_User: root\r\nX-Forwarded-For: 203.0.113.66\r\n";
    const head = `POST /public/trailer HTTP/1.1\r\nHost: ${site}\r\nTransfer-Encoding: chunked\r\nTrailer: Remote-User\r\n`;
    await sendRaw(place, site.split(":")[0], `${head}\r\n2\r\nab\r\n0\r\n${trailer}\r\n`);
    for (const { request } of place.site.seen.filter(({ path }) => path === "/public/trailer")) {
      // haproxy 2.6 passes trailers on, as what they are: deploy/haproxy/README.md.
      const passed = name === "haproxy" ? [] : request.rawTrailers;
      assert.doesNotMatch(JSON.stringify([request.rawHeaders, passed]), /root|203\.0\.113/);
    }
  });

  test("no spelling of a path leads past a rule", async () => {
    const climbs = ["..", "%2e%2e", ".%2e", "%2e.", "..;", "..;x=1", "%252e%252e", "..%00", "..%0d", "..\\", "..%5c", "%c0%ae%c0%ae"];
    const paths = [
      ...climbs.flatMap((climb) => [`/public/${climb}/secret`, `/public/x/${climb}/${climb}/secret`]),
      ...["%2f", "%5c", "\\", ";/", "%252f", "%00/", "/./", "//"].map((slash) => `/public${slash}..${slash}secret`),
      "//secret", "///secret", "/./secret", "/%2e/secret", "/secret;x", "/secret/", "/%73ecret", "/SECRET", "/secret%20", "/secret.",
      "/%2573ecret", "/%252573ecret", "/secret%2520", "/%EF%BD%93ecret", "/secret;jsessionid=1", "/secret%3Fx", "/secret%3A%3A$DATA",
      "/secret%00", "/secret#/public", "/;/secret", "/;/public/../secret", "\\secret", "/\\secret", "/public/..//secret",
      "//public/../secret", "/.//secret", "secret", "*", "/public/..?x=/public", "/secret?/public/", `//${site}/secret`,
      `https://${site}/secret`, `http://${site}/secret`, "https://evil.example/secret", "http:/secret", `https://${site}@x/secret`,
    ];
    const ask = (path) => `GET ${path} HTTP/1.1\r\nHost: ${site}\r\nAccept: */*\r\nConnection: close\r\n\r\n`;
    const answers = await Promise.all(paths.map((path) => sendRaw(place, site.split(":")[0], ask(path), 3000)));
    answers.forEach((answer, at) => assert.doesNotMatch(answer, /Hello/, paths[at]));
    assert.deepEqual(seenAtSite("secret"), []);
    assert.deepEqual(seenAtSite("SECRET"), []);
    assert.deepEqual(seenAtSite("/.."), []);
  });

  test("every method, a websocket and a long address are asked about", async () => {
    const start = `Host: ${site}\r\nConnection: close\r\nContent-Length: 0`;
    const methods = ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "get", "X-ANY"];
    const socket = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
    const probes = [
      ...methods.map((method) => `${method} /guarded HTTP/1.1\r\n${start}\r\n\r\n`),
      `CONNECT ${site} HTTP/1.1\r\nHost: ${site}\r\n\r\nGET /guarded HTTP/1.1\r\nHost: ${site}\r\n\r\n`,
      `GET /guarded HTTP/1.1\r\nHost: ${site}\r\n${socket}\r\n\r\n`,
      `GET /guarded HTTP/1.1\r\nHost: ${site}\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
      `GET /guarded?${"a".repeat(7000)} HTTP/1.1\r\n${start}\r\n\r\n`,
      `GET /guarded?${"a".repeat(70000)} HTTP/1.1\r\n${start}\r\n\r\n`,
      `GET /guarded HTTP/1.0\r\n\r\n`,
      `GET /guarded HTTP/1.1\r\nHost: ${site}\r\nHost: ${vestibule}\r\nConnection: close\r\n\r\n`,
      `GET /guarded HTTP/1.1\r\nHost: [::1]:443\r\nConnection: close\r\n\r\n`,
    ];
    const answers = await Promise.all(probes.map((bytes) => sendRaw(place, site.split(":")[0], bytes, 3000)));
    answers.forEach((answer, at) => assert.doesNotMatch(answer, /Hello|^HTTP\/1\.1 101/, probes[at].slice(0, 80)));
    assert.deepEqual(seenAtSite("guarded"), []);
  });

  test("the log has the true address and the proxy's own name of a request, which error pages show", async () => {
    const headers = [["X-Request-Id", "named-by-me"], ["X-Forwarded-For", "203.0.113.66"], ["Forwarded", "for=203.0.113.66"]];
    const missing = await place.ask(`${place.url}/no/such/page`, { headers });
    const id = missing.headers["x-request-id"];
    assert.ok(missing.status === 404 && id?.length > 10 && id !== "named-by-me", id);
    assert.ok(missing.text.includes(`<code>${id}</code>`), missing.text);
    const thief = new Client(place, { from: "127.0.0.9", headers: Object.fromEntries(headers) });
    const refused = await thief.send("/sign-in", { email, password: "not the one she has" });
    assert.equal(refused.status, 401);
    const line = logged().find(({ operation }) => operation === "sign_in_with_email");
    assert.deepEqual([line.address, line.request_id], ["127.0.0.9", refused.headers["x-request-id"]]);
    assert.doesNotMatch(place.vestibule.log, /named-by-me|203\.0\.113/);
  });
}
