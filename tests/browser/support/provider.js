// A server beside an OpenID Connect server, which its pages call "Example".

import { after } from "node:test";
import { providerSettings } from "./vestibule.js";
import { aPlace } from "./journey.js";
import { CLIENT_ID, CLIENT_SECRET, OpenIdServer } from "./openid_server.js";

/** A place as of `aPlace`, with `place.openId`: a real server. */
export function aPlaceWithOpenId(settings = {}) {
  const place = aPlace(
    ({ vestibule, openId }) => openId.register(vestibule),
    async (place) => {
      place.openId = await OpenIdServer.open();
      const provider = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, issuer: place.openId.url };
      return { settings: { ...providerSettings("example", provider), ...settings } };
    },
  );
  after(() => place.openId?.close());
  return place;
}

/** Presses the button on a page of ours and enters there. */
export async function continueAs(visitor, email, from = "/sign-in") {
  await visitor.open(from);
  await visitor.pressLeaving("Continue with Example");
  await visitor.fill({ "Your account": email });
  await visitor.press("Enter");
}
