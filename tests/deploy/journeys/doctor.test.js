// `vestibule doctor` behind each of the four proxies: content with the shipped configurations, and with a mistake in them it
// says which setting to change to what.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Place } from "../support/place.js";

const ASKED = (process.env.PROXIES ?? "nginx haproxy caddy apache").split(" ");

/** The mistakes people make: in which variant, where in the proxy's files, and what the doctor says of it. */
const MISTAKES = {
  nginx: [
    ["a client's address is passed on", "root", ["nginx/vestibule-proxy.conf", "X-Forwarded-For $remote_addr", "X-Real-IP $remote_addr"], /BAD +address .*a client can say where it comes from.*Let the proxy write that header/],
    ["no address is written", "root", ["nginx/vestibule-proxy.conf", "X-Forwarded-For $remote_addr", 'X-Forwarded-For ""'], /BAD +address .*writes no x-forwarded-for: let it append/],
    ["another scheme is written", "root", ["nginx/vestibule-proxy.conf", "X-Forwarded-Proto $scheme", "X-Forwarded-Proto http"], /BAD +scheme .*let it write X-Forwarded-Proto: https/],
    ["the prefix is taken away", "sub-path", ["nginx/sub-path.conf", /\/hall\/ \{\n *proxy_pass http:\/\/vestibule;/, "/hall/ {\nproxy_pass http://vestibule/;"], /BAD +proxy .*pass the path on as it is/],
    ["the cookie loses its flags", "root", ["nginx/root.conf", "location / {", "proxy_cookie_flags ~. nosecure nohttponly;\nlocation / {"], /BAD +cookie .*Secure is not what it should be/],
    ["pages are kept", "root", ["nginx/root.conf", "server {\n    listen 443 ssl http2;\n    server_name id.", CACHE()], /BAD +cache .*heed Cache-Control: no-store/],
    ["pictures are too large", "root", ["nginx/root.conf", "client_max_body_size 32m;", ""], /BAD +uploads .*client_max_body_size 32m/],
    ["a client names its requests", "root", ["nginx/vestibule-proxy.conf", "proxy_set_header X-Request-Id $request_id;", ""], /odd +headers .*X-Request-Id/],
  ],
  haproxy: [
    ["no address is written", "root", ["haproxy/root.cfg", "http-request set-header X-Forwarded-For %[src]", ""], /BAD +address .*writes no x-forwarded-for/],
    ["another scheme is written", "root", ["haproxy/root.cfg", "X-Forwarded-Proto https", "X-Forwarded-Proto http"], /BAD +scheme .*X-Forwarded-Proto: https/],
    ["the prefix is taken away", "sub-path", ["haproxy/sub-path.cfg", "backend vestibule\n", "backend vestibule\n    http-request replace-path /hall(/.*) \\1\n"], /BAD +proxy .*pass the path on as it is/],
    ["the cookie loses its flags", "root", ["haproxy/root.cfg", "backend vestibule\n", 'backend vestibule\n    http-response replace-header Set-Cookie (.*)HttpOnly;(.*) "\\1\\2"\n'], /BAD +cookie .*HttpOnly is not what it should be/],
  ],
  caddy: [
    ["another scheme is written", "root", ["caddy/root.Caddyfile", "reverse_proxy 127.0.0.1:3000 {\n", "reverse_proxy 127.0.0.1:3000 {\n\t\t\theader_up X-Forwarded-Proto http\n"], /BAD +scheme .*X-Forwarded-Proto: https/],
    ["the prefix is taken away", "sub-path", ["caddy/sub-path.Caddyfile", "@hall path /hall /hall/*\n", "@hall path /hall /hall/*\n\t\turi @hall strip_prefix /hall\n\t\treverse_proxy 127.0.0.1:3000\n"], /BAD +proxy .*pass the path on as it is/],
    ["the cookie gets another path", "sub-path", ["caddy/sub-path.Caddyfile", "reverse_proxy @hall 127.0.0.1:3000 {\n", "reverse_proxy @hall 127.0.0.1:3000 {\n\t\t\theader_down Set-Cookie Path=/hall Path=/\n"], /BAD +cookie .*Path is not what it should be/],
  ],
  apache: [
    ["no address is written", "root", ["apache/vestibule-clean.conf", "ProxyAddHeaders On", "ProxyAddHeaders Off"], /BAD +address .*writes no x-forwarded-for/],
    ["another scheme is written", "root", ["apache/vestibule-clean.conf", "X-Forwarded-Proto https", "X-Forwarded-Proto http"], /BAD +scheme .*X-Forwarded-Proto: https/],
    ["the prefix is taken away", "sub-path", ["apache/sub-path.conf", '"http://127.0.0.1:3000/hall" nocanon', '"http://127.0.0.1:3000" nocanon'], /BAD +proxy .*pass the path on as it is/],
    ["the cookie loses its flags", "root", ["apache/root.conf", "ServerName id.example.com\n    Protocols", 'ServerName id.example.com\n    Header edit Set-Cookie "; SameSite=Lax" ""\n    Protocols'], /BAD +cookie .*SameSite=Lax is not what it should be/],
  ],
};

/** What keeps every page for a minute, whatever we say. */
function CACHE() {
  const keep = "proxy_cache kept; proxy_cache_valid any 1m; proxy_ignore_headers Cache-Control Set-Cookie Vary;";
  return `proxy_cache_path kept keys_zone=kept:1m;\n${keep}\nserver {\n    listen 443 ssl http2;\n    server_name id.`;
}

for (const name of ASKED) {
  describe(`the doctor behind ${name}`, { concurrency: false }, () => {
    for (const variant of ["root", "sub-path"]) {
      test(`is content with what is shipped, ${variant}`, () => with_place(name, variant, {}, (said) => {
        const outside = said.split("\n").filter((line) => !/^(good|$)/.test(line));
        // These servers have no email server and no proof of one; everything about the proxy is good.
        assert.deepEqual(outside.filter((line) => !/mail\.smtp_url|findings need a change/.test(line)), []);
        for (const about of ["cookie", "https", "address", "scheme", "headers", "uploads"]) {
          assert.match(said, new RegExp(`^good +${about}`, "m"));
        }
        assert.match(said, /plain http leads to https/);
        assert.match(said, /seen to come from 127\.0\.0\.1, forged headers or not/);
      }));
    }

    test("names the setting where the proxy is not believed", () => {
      const settings = { VESTIBULE_SERVER__TRUSTED_PROXIES: "192.0.2.1" };
      return with_place(name, "root", { settings }, (said) => {
        assert.match(said, /^BAD +address .*127\.0\.0\.1 is a proxy that is not believed: add it to server\.trusted_proxies/m);
      });
    });

    for (const [what, variant, mistake, finding] of MISTAKES[name]) {
      test(`says what to do where ${what}`, () => with_place(name, variant, { mistakes: [mistake] }, (said, status) => {
        assert.match(said, finding);
        assert.equal(status, 1);
      }));
    }
  });
}

async function with_place(name, variant, options, look) {
  const place = await Place.open(name, variant, options);
  try {
    const { said, status } = await place.doctor();
    look(said, status);
  } finally {
    await place.close();
  }
}
