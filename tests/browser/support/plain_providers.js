// The providers without OpenID Connect, as each of them documents its endpoints, its answers and its errors (2026).

import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { json, listen, page, read, redirect } from "./loopback.js";

export const CLIENT_ID = "the-hall";
export const CLIENT_SECRET = "a secret of the hall";

/** What differs: where is what, who somebody is, what it says to a no, to a bad code and to a bad token. */
const PROVIDERS = {
  github: {
    label: "GitHub",
    authorize: "/login/oauth/authorize",
    token: "/login/oauth/access_token",
    tells: ({ url, verified }) => ({
      "/user": { id: 583231, login: "ann", name: "Ann Lee", avatar_url: `${url}/picture.png`, email: null },
      "/user/emails": [
        { email: "ann@old.example", primary: false, verified: true, visibility: null },
        { email: "ann@example.com", primary: true, verified, visibility: "private" },
      ],
    }),
    denied: { error: "access_denied", error_description: "The user has denied your application access." },
    // GitHub says so with a 200.
    badCode: [200, { error: "bad_verification_code", error_description: "The code passed is incorrect or expired." }],
    badToken: [401, { message: "Bad credentials", documentation_url: "https://docs.github.com/rest" }],
  },
  discord: {
    label: "Discord",
    authorize: "/oauth2/authorize",
    token: "/api/oauth2/token",
    tells: ({ verified }) => ({
      "/api/users/@me": { id: "80351110224678912", username: "ann", global_name: "Ann Lee", avatar: null, email: "ann@example.com", verified },
    }),
    denied: { error: "access_denied", error_description: "The resource owner or authorization server denied the request" },
    badCode: [400, { error: "invalid_grant", error_description: 'Invalid "code" in request.' }],
    badToken: [401, { message: "401: Unauthorized", code: 0 }],
  },
  facebook: {
    label: "Facebook",
    authorize: "/v23.0/dialog/oauth",
    token: "/v23.0/oauth/access_token",
    tells: ({ url }) => ({
      "/v23.0/me": { id: "10", name: "Ann Lee", picture: { data: { height: 512, is_silhouette: false, url: `${url}/picture.png`, width: 512 } } },
    }),
    denied: { error_reason: "user_denied", error: "access_denied", error_description: "Permissions error" },
    badCode: [400, { error: { message: "This authorization code has been used.", type: "OAuthException", code: 100, fbtrace_id: "A" } }],
    badToken: [400, { error: { message: "Invalid OAuth access token.", type: "OAuthException", code: 190, fbtrace_id: "A" } }],
    // It leaves this behind in the address.
    fragment: "_=_",
  },
  x: {
    label: "X",
    authorize: "/i/oauth2/authorize",
    token: "/2/oauth2/token",
    // Its applications have their secret in the header.
    isClient: (authorization) => authorization === `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString("base64")}`,
    tells: ({ url }) => ({
      "/2/users/me": { data: { id: "2244994945", name: "Ann Lee", username: "ann", profile_image_url: `${url}/picture_normal.png` } },
    }),
    denied: { error: "access_denied" },
    badCode: [400, { error: "invalid_request", error_description: "Value passed for the authorization code was invalid." }],
    // Asked too often: that passes by itself.
    badToken: [429, { title: "Too Many Requests", detail: "Too Many Requests", type: "about:blank", status: 429 }],
  },
};

export const NAMES = Object.keys(PROVIDERS);

export class PlainProvider {
  #server = createServer((request, response) => this.#answer(request, response));
  #codes = new Map();
  #tokens = new Set();
  /** Whether the address was proved there. */
  verified = true;
  /** "badCode" or "badToken": what it says instead. */
  fails;

  static async open(name) {
    const provider = Object.assign(new PlainProvider(), { name, ...PROVIDERS[name] });
    provider.url = await listen(provider.#server);
    return provider;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    if (pathname === this.authorize) return authorize(response, Object.fromEntries(searchParams));
    if (pathname === "/enter") return this.#enter(response, await read(request));
    if (pathname === this.token && request.method === "POST") return this.#exchange(request, response, await read(request));
    if (/^\/picture(_400x400)?\.png$/.test(pathname)) return response.writeHead(200, { "content-type": "image/png" }).end(this.picture);
    const told = this.tells(this)[pathname];
    if (!told) return response.writeHead(404).end();
    const token = request.headers.authorization?.match(/^Bearer (.+)$/)?.[1];
    // GitHub turns away whoever does not say who asks.
    const isKnown = this.#tokens.has(token) && request.headers["user-agent"];
    return isKnown && this.fails !== "badToken" ? json(response, 200, told) : json(response, ...this.badToken);
  }

  #enter(response, typed) {
    const asked = JSON.parse(typed.get("asked"));
    const { redirect_uri, state } = asked;
    const back = new URL(redirect_uri);
    if (this.fragment) back.hash = this.fragment;
    if (typed.get("no")) return redirect(response, back, { ...this.denied, state });
    const code = randomBytes(10).toString("hex");
    this.#codes.set(code, asked);
    return redirect(response, back, { code, state });
  }

  #exchange(request, response, form) {
    const isClient = this.isClient?.(request.headers.authorization) ?? form.get("client_secret") === CLIENT_SECRET;
    if (!isClient || form.get("client_id") !== CLIENT_ID) return json(response, 401, { error: "invalid_client" });
    const asked = this.#codes.get(form.get("code"));
    this.#codes.delete(form.get("code"));
    const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
    const isRight = asked?.redirect_uri === form.get("redirect_uri") && asked.code_challenge === challenge;
    if (!isRight || this.fails === "badCode") return json(response, ...this.badCode);
    const access_token = randomBytes(10).toString("hex");
    this.#tokens.add(access_token);
    return json(response, 200, { access_token, token_type: "bearer", scope: asked.scope, expires_in: 7200 });
  }
}

function authorize(response, asked) {
  const isWhole = asked.client_id === CLIENT_ID && asked.response_type === "code" && asked.code_challenge_method === "S256";
  if (!isWhole || !asked.state) return response.writeHead(400).end("invalid_request");
  const hidden = JSON.stringify(asked).replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return page(
    response,
    `<h1>Authorize the hall</h1><form method="post" action="/enter"><input type="hidden" name="asked" value="${hidden}">
     <button>Allow</button> <button name="no" value="1">Cancel</button></form>`,
  );
}
