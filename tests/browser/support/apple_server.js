// Sign in with Apple as it is documented: its page answers by a form that it posts to the application, tells the name in it and
// only the first time, and its token endpoint takes a client secret that is a token signed with the application's key.

import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen, page } from "./loopback.js";
import { CLIENT_ID, UntrueServer } from "./untrue_server.js";

const [TEAM, KEY] = ["TEAM123456", "KEY1234567"];

export class AppleServer extends UntrueServer {
  discovered = { token_endpoint_auth_methods_supported: ["client_secret_post"], response_modes_supported: ["query", "fragment", "form_post"] };
  person = { sub: "000123.ann", email: "ann@example.com", email_verified: "true" };
  #folder;
  #applicationKey;
  #isTold = false;

  static async open() {
    const apple = new AppleServer();
    apple.url = await listen(apple.server);
    apple.#folder = await mkdtemp(join(tmpdir(), "vestibule-apple-"));
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    await writeFile(join(apple.#folder, "key.p8"), privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    apple.#applicationKey = createPublicKey(privateKey);
    return apple;
  }

  /** What the server is set to. */
  get settings() {
    const private_key_file = join(this.#folder, "key.p8");
    return { client_id: CLIENT_ID, team_id: TEAM, key_id: KEY, private_key_file, issuer: this.url };
  }

  async close() {
    await super.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Who asks for a name or an address is answered by a form, or not at all. */
  authorize(response, asked) {
    if (asked.response_mode !== "form_post") return response.writeHead(400).end("invalid_request: response_mode must be form_post");
    return super.authorize(response, asked);
  }

  enter(response, typed) {
    const asked = JSON.parse(Buffer.from(typed.get("asked"), "base64url"));
    const answer = typed.get("no") ? { error: "user_cancelled_authorize" } : { code: this.codeFor(asked), ...this.#name() };
    const fields = Object.entries({ state: asked.state, ...answer }).map(
      ([name, value]) => `<input type="hidden" name="${name}" value="${value.replaceAll('"', "&quot;")}">`,
    );
    // It posts itself; without scripts there is the button.
    return page(
      response,
      `<form method="post" action="${asked.redirect_uri}">${fields.join("")}<button>Continue</button></form>
       <script>document.forms[0].submit()</script>`,
    );
  }

  isClient(_, form) {
    const [head, claims, signature] = form.get("client_secret")?.split(".") ?? [];
    const [{ alg, kid }, { iss, aud, sub, exp }] = [head, claims].map((part) => JSON.parse(Buffer.from(part, "base64url")));
    const isSigned = verify(
      "sha256",
      Buffer.from(`${head}.${claims}`),
      { key: this.#applicationKey, dsaEncoding: "ieee-p1363" },
      Buffer.from(signature, "base64url"),
    );
    return isSigned && alg === "ES256" && kid === KEY && iss === TEAM && aud === this.url && sub === CLIENT_ID && exp * 1000 > this.now();
  }

  #name() {
    if (this.#isTold) return {};
    this.#isTold = true;
    return { user: JSON.stringify({ name: { firstName: "Ann", lastName: "Lee" }, email: this.person.email }) };
  }
}
