// A page that is asked for in a way that a proxy and the site behind it read differently stays closed (S51, S76), and
// a site does not get at the tickets of its visitors.

import assert from "node:assert/strict";
import { connect } from "node:http2";
import { after, before, describe, test } from "node:test";
import { Place } from "../support/place.js";

/** Everything under /public is for anyone; whoever gets through with one of these reads what is for signed-in users. */
const PATHS = [
  "/private",
  "/public#/../private",
  "/public/x#/../../private",
  "/public%23/../private",
  "/public/..%2fprivate",
  "/public/%2e%2e/private",
];

/** Hosts that go on as a URL does: the page would be the client's to name. */
const HOSTS = ["?", "#", "/public?", "/public#"];

for (const name of (process.env.PROXIES ?? "nginx haproxy caddy apache").split(" ")) {
  describe(name, () => {
    let place;
    before(async () => (place = await Place.open(name, "root")));
    after(() => place?.close());

    const got = async (path, headers = {}) => {
      place.site.seen.length = 0;
      await place.ask(place.siteUrl, { path, headers }).catch(() => {});
      return place.site.seen.map((request) => request.path);
    };

    test("no spelling of a path leads past the rules", async () => {
      assert.deepEqual(await got("/public"), ["/public"]);
      for (const path of PATHS) assert.deepEqual(await got(path), [], path);
      for (const path of await got("/public?/../private")) assert.equal(path, "/public?/../private", "a query is no path");
    });

    test("no spelling of a host does", async () => {
      const { host, hostname } = new URL(place.siteUrl);
      for (const more of HOSTS) {
        assert.deepEqual(await got("/private", { host: host + more }), [], more);
        assert.deepEqual(await got("/private", { host: hostname + more }), [], more);
      }
    });

    // Caddy takes any :authority whose host is right, and HTTP/2 knows no malformed ones.
    test("no spelling of a host does over HTTP/2", async () => {
      const { host, hostname } = new URL(place.siteUrl);
      assert.equal(await statusOverHttp2(place, host, "/public"), 200);
      for (const more of HOSTS) {
        for (const authority of [host + more, hostname + more, `x@${host}${more}`]) {
          place.site.seen.length = 0;
          await statusOverHttp2(place, authority, "/private");
          // haproxy makes one URL of both: then the page that the site gets is the public one.
          const [path] = place.site.seen.map((request) => request.path);
          assert.ok(path === undefined || path.startsWith("/public?"), `${authority}: ${path}`);
        }
      }
    });

    test("a site that plants cookies of our names does not get the access cookie", async () => {
      const ours = ["__Secure-vestibule-access=ticket", "vestibule=1", "vestibule-access=2", "__Secure-vestibule=3", "vestibule=4"];
      for (let many = 1; many <= ours.length; many++) {
        const cookie = ["theirs=1", ...ours.slice(0, many), "more=2"].join("; ");
        await got("/public", { cookie });
        const passed = place.site.seen[0].headers.cookie ?? "";
        assert.ok(!passed.includes("ticket"), `${many}: ${passed}`);
        if (many <= 3) assert.equal(passed, "theirs=1; more=2");
      }
    });
  });
}

/** The status of a request whose pseudo-headers are as they are; nothing where it is refused without one. */
function statusOverHttp2(place, authority, path) {
  const { port, hostname } = new URL(place.siteUrl);
  const session = connect(`https://127.0.0.1:${port}`, { ca: place.tls.authority, servername: hostname });
  return new Promise((resolve) => {
    session.on("error", () => resolve());
    const sent = session.request({ ":scheme": "https", ":authority": authority, ":path": path });
    sent.on("error", () => resolve()).on("close", () => resolve());
    sent.on("response", (answer) => resolve(answer[":status"])).resume().end();
  }).finally(() => session.destroy());
}
