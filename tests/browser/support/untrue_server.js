// An OpenID Connect server of a few lines, without a library: true unless it is told a lie. For what a certified server cannot be
// made to say, for a clock that moves, and for Apple, which is one with words of its own.

import { createHash, createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { createServer } from "node:http";
import { json, listen, page, read, redirect } from "./loopback.js";

export const CLIENT_ID = "the-hall";
export const CLIENT_SECRET = "a secret of the hall";

/** What may be wrong with an id_token: its claims, changed. */
const CLAIMS = {
  nonce: (claims) => ({ ...claims, nonce: "another" }),
  "no nonce": ({ nonce: _, ...claims }) => claims,
  audience: (claims) => ({ ...claims, aud: "another-client" }),
  issuer: (claims) => ({ ...claims, iss: "https://other.example" }),
  expired: (claims) => ({ ...claims, exp: claims.iat - 1 }),
  "made long ago": (claims) => ({ ...claims, iat: claims.iat - 3600 }),
  "no subject": ({ sub: _, ...claims }) => claims,
  "another subject": ({ sub, iss, aud, iat, exp, nonce }) => ({ sub: `${sub}-2`, iss, aud, iat, exp, nonce }),
  "another access token": (claims) => ({ ...claims, at_hash: base64url(Buffer.alloc(16)) }),
};

/** What may be wrong with how it is signed. */
const SIGNATURES = {
  unsigned: { algorithm: "none", sign: () => Buffer.alloc(0) },
  "shared secret": { algorithm: "HS256", sign: (text) => createHmac("sha256", CLIENT_SECRET).update(text).digest() },
  "foreign key": { algorithm: "ES256", sign: signed(keyPair().privateKey) },
};

/** What the token endpoint may do instead of answering. */
const ANSWERS = {
  broken: (response) => response.writeHead(500).end(),
  redirects: (response) => response.writeHead(302, { location: "/elsewhere" }).end(),
  huge: (response) => response.writeHead(200, { "content-type": "application/json" }).end("a".repeat(8 << 20)),
  "no JSON": (response) => response.writeHead(200, { "content-type": "application/json" }).end("{"),
  "no id_token": (response) => json(response, 200, { access_token: "one", token_type: "Bearer" }),
  refuses: (response) => json(response, 400, { error: "invalid_grant" }),
};

/** Lies of an id_token, of its signature, of the answer that carries it, and of who sends the browser back. */
export const LIES = [...[CLAIMS, SIGNATURES, ANSWERS].flatMap(Object.keys), "another issuer answers"];

export class UntrueServer {
  server = createServer((request, response) => this.#answer(request, response));
  #keys = keyPair();
  #codes = new Map();
  /** Of the lies above, "slow", "discovery", or none. */
  lie;
  /** Who is signed in there: claims. */
  person = { sub: "ann-1", email: "ann@example.com", email_verified: true, name: "Ann Lee" };
  /** Whether it has nothing to show, so that a browser stays where it is. */
  isSilent = false;
  /** The paths that were asked for. */
  asked = [];
  /** Its clock, in milliseconds. */
  now = Date.now;

  static async open() {
    const server = new UntrueServer();
    server.url = await listen(server.server);
    return server;
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  async #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    this.asked.push(pathname);
    if (this.isSilent && ["/authorize", "/end"].includes(pathname)) return response.writeHead(204).end();
    const answers = {
      "/.well-known/openid-configuration": () => json(response, 200, this.#discovery()),
      "/keys": () => json(response, 200, { keys: [this.#key()] }),
      "/authorize": () => this.authorize(response, Object.fromEntries(searchParams)),
      "/enter": async () => this.enter(response, await read(request)),
      "/token": async () => this.#token(response, request.headers.authorization, await read(request)),
      "/userinfo": () => json(response, 200, this.person),
      "/end": () => redirect(response, searchParams.get("post_logout_redirect_uri"), { state: searchParams.get("state") }),
    };
    return answers[pathname] ? answers[pathname]() : response.writeHead(404).end();
  }

  /** The page where somebody says yes or no. */
  authorize(response, asked) {
    const hidden = base64url(JSON.stringify(asked));
    page(
      response,
      `<h1>Example accounts</h1><form method="post" action="/enter"><input type="hidden" name="asked" value="${hidden}">
       <button>Allow</button> <button name="no" value="1">Cancel</button></form>`,
    );
  }

  enter(response, typed) {
    const asked = JSON.parse(Buffer.from(typed.get("asked"), "base64url"));
    const { redirect_uri, state } = asked;
    if (typed.get("no")) return redirect(response, redirect_uri, { error: "access_denied", state });
    return redirect(response, redirect_uri, { code: this.codeFor(asked), state, iss: this.lie === "another issuer answers" ? "https://other.example" : this.url });
  }

  /** A code that is good once. */
  codeFor(asked) {
    const code = randomBytes(16).toString("hex");
    this.#codes.set(code, asked);
    return code;
  }

  /** Whether the application is who it says; the form of the token endpoint holds it to what was asked before. */
  isClient(authorization) {
    const basic = Buffer.from(`${CLIENT_ID}:${encodeURIComponent(CLIENT_SECRET).replaceAll("%20", "+")}`).toString("base64");
    return authorization === `Basic ${basic}`;
  }

  #token(response, authorization, form) {
    // Nothing comes, for longer than anybody waits.
    if (this.lie === "slow") return undefined;
    if (ANSWERS[this.lie]) return ANSWERS[this.lie](response);
    if (!this.isClient(authorization, form)) return json(response, 401, { error: "invalid_client" });
    const asked = this.#codes.get(form.get("code"));
    this.#codes.delete(form.get("code"));
    const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
    if (asked?.code_challenge !== challenge || asked.redirect_uri !== form.get("redirect_uri")) {
      return json(response, 400, { error: "invalid_grant" });
    }
    const access_token = randomBytes(16).toString("hex");
    return json(response, 200, { access_token, token_type: "Bearer", expires_in: 300, id_token: this.#idToken(asked, access_token) });
  }

  #idToken({ nonce }, accessToken) {
    const now = Math.floor(this.now() / 1000);
    const at_hash = base64url(createHash("sha256").update(accessToken).digest().subarray(0, 16));
    const told = { iss: this.url, aud: CLIENT_ID, iat: now, exp: now + 300, nonce, at_hash, ...this.person };
    const claims = CLAIMS[this.lie]?.(told) ?? told;
    const { algorithm, sign } = SIGNATURES[this.lie] ?? { algorithm: "ES256", sign: signed(this.#keys.privateKey) };
    const text = [{ alg: algorithm, kid: "one", typ: "JWT" }, claims].map((part) => base64url(JSON.stringify(part))).join(".");
    return `${text}.${base64url(sign(text))}`;
  }

  #key() {
    return { ...this.#keys.publicKey.export({ format: "jwk" }), use: "sig", alg: "ES256", kid: "one" };
  }

  #discovery() {
    return {
      issuer: this.lie === "discovery" ? "https://other.example" : this.url,
      authorization_endpoint: `${this.url}/authorize`,
      token_endpoint: `${this.url}/token`,
      userinfo_endpoint: `${this.url}/userinfo`,
      end_session_endpoint: `${this.url}/end`,
      jwks_uri: `${this.url}/keys`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
      ...this.discovered,
    };
  }
}

function keyPair() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function signed(key) {
  return (text) => sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
}

function base64url(bytes) {
  return Buffer.from(bytes).toString("base64url");
}
