// What time does to signing in with a provider, and to connecting one.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { providerSettings } from "../support/vestibule.js";
import { aPlace } from "../support/journey.js";
import { CLIENT_ID, CLIENT_SECRET, UntrueServer } from "../support/untrue_server.js";
import { PASSWORD } from "../support/visitor.js";

let provider;
const place = aPlace(
  async ({ vestibule }) => (provider.now = () => vestibule.now()),
  async () => {
    provider = await UntrueServer.open();
    const settings = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, issuer: provider.url };
    return { settings: providerSettings("example", settings), movesClock: true };
  },
);
after(() => provider?.close());

test("an answer after ten minutes is too late, and one may begin again (S26)", async () => {
  const ann = await place.visitor();
  await ann.open("/sign-in");
  await ann.pressLeaving("Continue with Example");
  await place.vestibule.pass({ minutes: 11 });
  await ann.press("Allow");
  assert.equal(ann.status, 410);
  await ann.sees("took too long");
  await ann.pressLeaving("Try Example again");
  await ann.press("Allow");
  ann.isAt("/profile");
});

test("connecting asks for a fresh proof, and then goes on (S20)", async () => {
  provider.person = { sub: "bea-1", email: "bea@work.example", email_verified: true, name: "Bea" };
  const bea = await place.member({ name: "Bea", email: "bea@example.com" });
  await place.vestibule.pass({ minutes: 11 });
  await bea.open("/profile/connections");
  await bea.press("Connect Example");
  await bea.sees("Confirm it is you");
  await bea.fill({ "Your password": PASSWORD });
  await bea.pressLeaving("Confirm");
  await bea.press("Allow");
  bea.isAt("/profile/connections");
  await bea.sees("bea@work.example");
});
