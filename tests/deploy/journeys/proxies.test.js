// Each of the four proxies with the configuration that deploy/ ships, at the root and under a path: people get in, and what a
// client writes about itself is worth nothing (S48 to S51, S87, S88).

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { PASSWORD, Visitor, openChromium } from "../../browser/support/visitor.js";
import { Client } from "../support/client.js";
import { Place } from "../support/place.js";

const email = "ann@example.com";

/** What a client may write to be somebody, to come from somewhere or to ask for something else; and how sites may read it. */
const FORGED = [
  ["Remote-User", "root"],
  ["remote-user", "root"],
  ["Remote_User", "root"],
  ["REMOTE-EMAIL", "root@example.com"],
  ["Remote-Name", "Root"],
  ["Remote-Groups", "admins"],
  ["Remote_Groups", "admins"],
  ["X-Forwarded-For", "203.0.113.66"],
  ["X-Forwarded-For", "203.0.113.67"],
  ["X-Forwarded-Host", "evil.example"],
  ["X-Forwarded-Proto", "http"],
  ["X-Forwarded-Uri", "/public"],
  ["X-Forwarded-Method", "OPTIONS"],
  ["X-Forwarded-User", "root"],
  ["X-Real-IP", "203.0.113.66"],
  ["Forwarded", "for=203.0.113.66;host=evil.example;proto=http"],
  ["X-Original-Method", "OPTIONS"],
];

for (const name of (process.env.PROXIES ?? "nginx haproxy caddy apache").split(" ")) {
  for (const variant of ["root", "sub-path"]) describe(`${name}, ${variant}`, () => journeys(name, variant));
}

function journeys(name, variant) {
  let place, browser;

  before(async () => {
    place = await Place.open(name, variant);
    const names = "MAP *.example.com 127.0.0.1, MAP example.com 127.0.0.1";
    const known = `--ignore-certificate-errors-spki-list=${place.tls.fingerprint}`;
    browser = await openChromium([`--host-resolver-rules=${names}`, known]);
    const ann = await visitor();
    await ann.signUp({ name: "Ann", email });
    await ann.open(await place.vestibule.inbox.nextLink(email));
    ann.isAt(`${place.prefix}/profile`);
    await ann.leave();
  });
  after(async () => {
    await browser?.close();
    await place?.close();
  });

  /** Somebody whose paths are those of the server. */
  async function visitor() {
    const visitor = await Visitor.enter(browser, { url: place.url });
    const open = visitor.open.bind(visitor);
    visitor.open = (url) => open(url.startsWith("/") ? place.url + url : url);
    return visitor;
  }

  async function client(options) {
    const client = new Client(place, options);
    await client.signIn(email);
    assert.equal((await client.ask(`${place.url}/profile`)).status, 200);
    return client;
  }

  /** What the second site got of the newest request to a path. */
  const got = (path) => place.site.seen.findLast((request) => request.path === path);

  test("a journey from the first page to signing out", async () => {
    const ben = await visitor();
    const failed = [];
    ben.page.on("response", (answer) => answer.status() >= 400 && failed.push(answer.url()));
    await ben.signUp({ name: "Ben", email: "ben@example.com" });
    await ben.open(await place.vestibule.inbox.nextLink("ben@example.com"));
    ben.isAt(`${place.prefix}/profile`);
    await ben.open("/profile/name");
    await ben.fill({ Name: "Benjamin" });
    await ben.press("Save");
    await ben.sees("Benjamin");
    const links = await ben.page.locator("a[href], link[href], form[action]").evaluateAll((all) =>
      all.map((element) => element.getAttribute("href") ?? element.getAttribute("action")),
    );
    for (const link of links.filter((link) => link.startsWith("/"))) assert.ok(link.startsWith(`${place.prefix}/`), link);
    assert.deepEqual(failed, [], "stylesheet and pictures are there");
    await ben.press("Sign out");
    await ben.open("/profile");
    ben.isAt(`${place.prefix}/sign-in`);
    await ben.leave();
  });

  test("forward authentication: sign in on the way, come back, sign out", async () => {
    const ann = await visitor();
    const wanted = `${place.siteUrl}/reports?year=2026&of=a%20b`;
    await ann.open(wanted);
    ann.isAt(`${place.prefix}/sign-in`);
    await ann.fill({ "E-mail": email, Password: PASSWORD });
    await ann.press("Sign in");
    assert.equal(ann.page.url(), wanted);
    await ann.sees("Hello Ann");
    assert.equal(got("/reports?year=2026&of=a%20b").headers["remote-email"], email);
    assert.match(got("/reports?year=2026&of=a%20b").headers["remote-user"], /^[0-9a-f]{24}$/);
    await ann.open(`${place.siteUrl}/inner`);
    ann.isAt(`${place.prefix}/forward-auth/enter`);
    await ann.sees("two steps");
    await ann.open("/profile");
    await ann.press("Sign out");
    await ann.open(wanted);
    ann.isAt(`${place.prefix}/sign-in`);
    await ann.open(`${place.siteUrl}/public/x`);
    await ann.sees("Hello stranger");
    await ann.leave();
  });

  test("a session from before the second factor is asked for it on the way to a page that wants it", async () => {
    const [kay, before] = [{ name: "Kay", email: "kay@example.com" }, await visitor()];
    const cautious = await visitor();
    await cautious.signUp(kay);
    await cautious.open(await place.vestibule.inbox.nextLink(kay.email));
    await before.open("/sign-in");
    await before.fill({ "E-mail": kay.email, Password: PASSWORD });
    await before.press("Sign in");
    await cautious.open("/profile/two-factor");
    await cautious.press("Set up an app");
    const app = (seconds) => {
      const now = new Date(Date.now() + seconds * 1000).toISOString();
      return execFileSync("oathtool", ["--totp", "--base32", `--now=${now}`, key], { encoding: "utf8" }).trim();
    };
    const key = (await cautious.page.locator("code.key").innerText()).replaceAll(" ", "");
    await cautious.fill({ Code: app(0) });
    await cautious.press("Switch it on");
    await before.open(`${place.siteUrl}/inner/safe`);
    before.isAt(`${place.prefix}/forward-auth/second-step`);
    // A code is taken once, and the next one a little before its time.
    await before.fill({ Code: app(30) });
    await before.press("Go on");
    assert.equal(before.page.url(), `${place.siteUrl}/inner/safe`);
    await before.sees("Hello Kay");
    await before.leave();
    await cautious.leave();
  });

  test("nobody gets to the site with forged headers, and it never sees them", async () => {
    for (const page of ["/secret", "/inner"]) {
      for (const forged of [...FORGED, ["X-Original-URL", `${place.siteUrl}/public`], ["X-Original-Uri", "/public"]]) {
        const answer = await place.ask(place.siteUrl + page, { headers: [forged, ["Accept", "application/json"]] });
        assert.equal(answer.status, 401, `${page} ${forged}`);
      }
      const answer = await place.ask(place.siteUrl + page, { headers: [...FORGED, ["Accept", "*/*"]] });
      assert.ok([400, 401].includes(answer.status), `${page}: ${answer.status}`);
    }
    const path = "/public/forged";
    assert.equal((await place.ask(place.siteUrl + path, { headers: FORGED })).status, 200);
    assertClean(got(path), {});
    assert.ok(!place.site.seen.some((request) => ["/secret", "/inner"].includes(request.path)));
  });

  test("a signed-in user's forged headers give way to who they are", async () => {
    const ann = await client();
    await ann.ask(`${place.url}/forward-auth/enter?to=${encodeURIComponent(place.siteUrl)}`);
    const headers = [...FORGED, ["Cookie", `theirs=1; ${ann.cookie}; last=2`]];
    assert.equal((await place.ask(`${place.siteUrl}/member`, { headers })).status, 200);
    const seen = got("/member");
    assertClean(seen, { "remote-email": email, "remote-name": "Ann" });
    assert.match(seen.headers["remote-user"], /^[0-9a-f]{24}$/);
    assert.equal(seen.headers.cookie.replace(/[; ]+$/, ""), "theirs=1; last=2", "none of our cookies");
  });

  test("paths that the site may read differently let nobody in", async () => {
    const paths = ["/public/../secret", "/public/%2e%2e/secret", "/public/..%2fsecret", "/public/..;/secret", "//secret"];
    for (const path of [...paths, "/%70ublic/../secret", "/public%2f..%2fsecret", "/public/%5c..%5csecret"]) {
      const answer = await place.ask(place.siteUrl, { path, headers: { accept: "application/json" } });
      assert.ok([400, 401, 403, 404].includes(answer.status), `${path}: ${answer.status}`);
    }
    for (const path of ["https://evil.example/secret", "http://evil.example/secret", `${place.url}/../secret`]) {
      await place.ask(place.siteUrl, { path, headers: { accept: "application/json" } });
    }
    const secrets = place.site.seen.filter((request) => request.path.includes("secret"));
    assert.deepEqual(secrets.map((request) => request.path), [], "also with an absolute request line");
  });

  test("the true address counts, whatever is forged (S49)", async () => {
    const forged = Object.fromEntries(FORGED.filter(([name]) => /forwarded|real/i.test(name)));
    const ann = await client({ from: "127.0.0.9", headers: forged });
    const sessions = await ann.ask(`${place.url}/profile/sessions`);
    assert.match(sessions.text, /From 127\.0\.0\.9</);
    assert.doesNotMatch(sessions.text, /203\.0\.113/);
  });

  test("an email leads to the public URL, whatever host is forged (S48)", async () => {
    const forged = { "x-forwarded-host": "evil.example", forwarded: "host=evil.example;proto=http" };
    const thief = new Client(place, { headers: forged });
    const kim = { name: "Kim", email: "kim@example.com", password: PASSWORD };
    assert.equal((await thief.send("/sign-up", kim)).status, 303);
    const link = await place.vestibule.inbox.nextLink(kim.email);
    assert.ok(link.startsWith(`${place.url}/`), link);
  });

  test("one returns to our sites only (S51)", async () => {
    const ann = await client();
    for (const to of ["https://evil.example/", "//evil.example", `${place.siteUrl}@evil.example/`, "http://app.example.com/"]) {
      const answer = await ann.ask(`${place.url}/forward-auth/enter?to=${encodeURIComponent(to)}`);
      assert.equal(answer.status, 400, to);
    }
    assert.equal((await ann.ask(`${place.url}/forward-auth`)).status, 404, "the question is the proxy's to ask");
  });

  test("everything is https, of today's kind (S87, S88)", async () => {
    const page = await place.ask(`${place.url}/sign-in`);
    assert.equal(page.protocol, "TLSv1.3");
    assert.match(page.headers["strict-transport-security"], /max-age=\d{8}/);
    const cookie = page.headers["set-cookie"].join();
    assert.match(cookie, place.prefix === "" ? /^__Host-vestibule=.*; Path=\/;/ : /^__Secure-vestibule=.*; Path=\/hall;/);
    for (const part of ["HttpOnly", "Secure", "SameSite=Lax"]) assert.ok(cookie.includes(part), part);
    assert.equal((await place.ask(`${place.url}/sign-in`, { tls: { maxVersion: "TLSv1.2" } })).protocol, "TLSv1.2");
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };
    await assert.rejects(place.ask(`${place.url}/sign-in`, { tls: old }));
    const plain = await fetch(`http://127.0.0.1:${place.ports.http}/x`, {
      redirect: "manual",
      headers: { host: new URL(place.url).hostname },
    });
    assert.equal(plain.status, 308);
    assert.match(plain.headers.get("location"), /^https:/);
    assert.equal(plain.headers.get("set-cookie"), null);
  });

  test("without an answer nobody comes in", async () => {
    const ann = await client();
    await ann.ask(`${place.url}/forward-auth/enter?to=${encodeURIComponent(place.siteUrl)}`);
    await place.vestibule.close();
    place.vestibule = undefined;
    const answer = await ann.ask(`${place.siteUrl}/closed`);
    assert.ok(answer.status >= 500, `${answer.status}`);
    assert.equal(got("/closed"), undefined);
  });
}

/** Whether a request that reached the site says of its client only what the proxy knows, and of the signed-in user only `who`. */
function assertClean({ raw, headers }, who) {
  for (let place = 0; place < raw.length; place += 2) {
    const [name, value] = [raw[place].toLowerCase(), raw[place + 1]];
    assert.doesNotMatch(value, /root|admins|evil|203\.0\.113|OPTIONS/i, `${name}: ${value}`);
    const plain = name.replaceAll("_", "-");
    assert.ok(!/^(remote|x-original|forwarded|x-real)/.test(plain) || name === plain, name);
    assert.ok(!/^(x-original|forwarded|x-real|x-forwarded-(uri|method|user))/.test(plain), name);
  }
  for (const name of ["remote-user", "remote-email", "remote-name", "remote-groups"]) {
    const value = headers[name] ?? "";
    if (name !== "remote-user" || who["remote-email"] === undefined) assert.equal(value, who[name] ?? "", name);
  }
}
