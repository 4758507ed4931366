// OpenID Connect lets a server choose how it signs, where it puts what it knows, and how it takes an application's secret.

import { after, before, test } from "node:test";
import { Vestibule, providerSettings } from "../support/vestibule.js";
import { CLIENT_ID, CLIENT_SECRET, OpenIdServer } from "../support/openid_server.js";
import { picture } from "../support/picture.js";
import { continueAs } from "../support/provider.js";
import { Visitor, openChromium } from "../support/visitor.js";

let chromium;
before(async () => (chromium = await openChromium()));
after(() => chromium?.close());

const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"];
const DIALECTS = {
  ...Object.fromEntries(ALGORITHMS.map((id_token_signed_response_alg) => [id_token_signed_response_alg, { client: { id_token_signed_response_alg } }])),
  "everything in the id_token": { server: { conformIdTokenClaims: false } },
  "user info that is signed": { client: { userinfo_signed_response_alg: "RS256" }, server: { features: { jwtUserinfo: { enabled: true } } } },
  "the secret in the form": {
    client: { token_endpoint_auth_method: "client_secret_post" },
    server: { clientAuthMethods: ["client_secret_post"] },
  },
  "no secret, PKCE alone": {
    client: { token_endpoint_auth_method: "none", client_secret: undefined },
    server: { clientAuthMethods: ["none"] },
    secret: {},
  },
};

for (const [name, { client, server, secret = { client_secret: CLIENT_SECRET } }] of Object.entries(DIALECTS)) {
  test(`a server of its own way signs in: ${name}`, async () => {
    const openId = await OpenIdServer.open(server);
    const vestibule = await Vestibule.open({ settings: providerSettings("example", { client_id: CLIENT_ID, ...secret, issuer: openId.url }) });
    try {
      openId.register(vestibule, client);
      openId.knows("ann@example.com", { picture: openId.shows("/ann.png", picture(64, 64)) });
      const ann = await Visitor.enter(chromium, vestibule);
      await continueAs(ann, "ann@example.com");
      ann.isAt("/profile");
      await ann.sees("Hello, Ann");
      await ann.sees("ann@example.com confirmed");
    } finally {
      await openId.close();
      await vestibule.close();
    }
  });
}
