// A real OpenID Connect server, `oidc-provider`, with a page of its own to sign in at: who types an address there is the person
// of that address. Nobody is asked for a password, nor whether an application may know them.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import { listen, page, read } from "./loopback.js";

export const CLIENT_ID = "the-hall";
/** With what must be escaped in a header (RFC 6749, 2.3.1). */
export const CLIENT_SECRET = "a secret: of 100% chance & more";

export class OpenIdServer {
  #server;
  #provider;
  #people = new Map();
  #pictures = new Map();
  #holds = false;

  /** Listens on a port of its own. `settings` are more of the library's. */
  static async open(settings = {}) {
    const openId = new OpenIdServer();
    openId.settings = settings;
    openId.#server = createServer((request, response) => openId.#answer(request, response));
    openId.url = await listen(openId.#server);
    return openId;
  }

  /** Knows the server as its application, with the addresses that `vestibule config check` says; `client` is more of that. */
  register(vestibule, client = {}) {
    const at = (path) => `${vestibule.url}/_auth/example/${path}`;
    const application = {
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      redirect_uris: [at("callback")],
      post_logout_redirect_uris: [at("signed-out")],
      backchannel_logout_uri: at("back-channel-logout"),
      backchannel_logout_session_required: true,
      ...client,
    };
    this.#provider = new Provider(this.url, {
      clients: [application],
      jwks: { keys: keys() },
      cookies: { keys: [randomBytes(16).toString("hex")] },
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "picture"] },
      interactions: { url: (_, { uid }) => `/enter/${uid}` },
      pkce: { required: () => true },
      ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 600, IdToken: 300, Interaction: 600, Session: 3600 },
      findAccount: (_, email) => ({ accountId: email, claims: () => this.#people.get(email) }),
      loadExistingGrant: grantAll,
      // It would not ask this very machine.
      fetch: (url, { dispatcher: _, ...options }) => fetch(url, options),
      ...this.settings,
      features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, rpInitiatedLogout, ...this.settings.features },
    });
  }

  /** Somebody has an account there: claims. The subject stays theirs whatever else changes. */
  knows(email, claims = {}) {
    const person = { sub: `subject of ${email}`, email, email_verified: true, name: "Ann Lee", ...claims };
    this.#people.set(email, { ...person, sub: this.#people.get(email)?.sub ?? person.sub });
  }

  /** Shows a picture at an address of its own. */
  shows(path, bytes) {
    this.#pictures.set(path, bytes);
    return this.url + path;
  }

  /** Keeps the next answer to the server to itself; `held` is where the browser would have gone. */
  holdBack() {
    this.#holds = true;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request, response) {
    const { pathname } = new URL(request.url, this.url);
    const picture = this.#pictures.get(pathname);
    if (picture) return response.writeHead(200, { "content-type": "image/png" }).end(picture);
    if (this.#holds) this.#hold(response);
    if (!pathname.startsWith("/enter/")) return this.#provider.callback()(request, response);
    if (request.method === "GET") return page(response, ENTER);
    const typed = await read(request);
    const result = typed.get("no")
      ? { error: "access_denied", error_description: "End-User aborted interaction" }
      : { login: { accountId: typed.get("email") } };
    return this.#provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }

  /** Takes the address out of a redirect that leads to the server: the browser stays where it is. */
  #hold(response) {
    const setHeader = response.setHeader.bind(response);
    response.setHeader = (name, value) => {
      if (name.toLowerCase() !== "location" || !/[?&]state=/.test(value)) return setHeader(name, value);
      [this.held, this.#holds] = [value, false];
      return response;
    };
  }
}

/** The page where somebody says who they are, or leaves. */
const ENTER = `<h1>Example accounts</h1>
<form method="post"><label>Your account <input name="email" type="email"></label> <button>Enter</button>
<button name="no" value="1">Cancel</button></form>`;

/** Its pages to sign out at. */
const rpInitiatedLogout = {
  enabled: true,
  logoutSource: (ctx, form) => {
    ctx.body = `${form}<button form="op.logoutForm" name="logout" value="yes">Sign out of Example accounts</button>
      <button form="op.logoutForm">Stay signed in</button>`;
  },
  postLogoutSuccessSource: (ctx) => (ctx.body = "<h1>Signed out of Example accounts</h1>"),
};

async function grantAll({ oidc }) {
  const { provider, client, session, params } = oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(params.scope);
  await grant.save();
  return grant;
}

/** A key for each kind of signature. */
function keys() {
  const pairs = {
    rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ec: generateKeyPairSync("ec", { namedCurve: "P-256" }),
    ed: generateKeyPairSync("ed25519"),
  };
  return Object.entries(pairs).map(([kid, { privateKey }]) => ({ ...privateKey.export({ format: "jwk" }), use: "sig", kid }));
}
