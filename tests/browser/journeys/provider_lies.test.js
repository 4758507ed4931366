// What a provider says is believed as far as it can be checked, and no further (S28, S29, S30).

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Vestibule, providerSettings } from "../support/vestibule.js";
import { aPlace } from "../support/journey.js";
import { CLIENT_ID, CLIENT_SECRET, LIES, UntrueServer } from "../support/untrue_server.js";
import { Visitor } from "../support/visitor.js";

let provider;
const place = aPlace(undefined, async () => {
  provider = await UntrueServer.open();
  return { settings: settingsOf(provider.url) };
});
after(() => provider?.close());

function settingsOf(issuer) {
  return providerSettings("example", { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, issuer });
}

/** Goes there and comes back. */
async function comesBack(visitor) {
  await visitor.open("/sign-in");
  await visitor.pressLeaving("Continue with Example");
  await visitor.press("Allow");
}

/** Stands in front of a page with a sentence and ways on, and is nobody here. */
async function isTurnedAway(visitor, statuses, sentence) {
  assert.ok(statuses.includes(visitor.status), `${visitor.status}\n${await visitor.text()}`);
  await visitor.sees(sentence);
  await visitor.sees("Nothing was changed");
  await visitor.follow("Use another way to sign in");
  visitor.isAt("/sign-in");
  await visitor.open("/profile");
  visitor.isAt("/sign-in");
}

test("an answer that is true signs in", async () => {
  const ann = await place.visitor();
  await comesBack(ann);
  ann.isAt("/profile");
  await ann.leave();
});

for (const lie of LIES) {
  test(`it is not believed: ${lie}`, async () => {
    const ann = await place.visitor();
    provider.lie = lie;
    await comesBack(ann);
    provider.lie = undefined;
    assert.ok(!provider.asked.includes("/elsewhere"), "redirects are not followed");
    await isTurnedAway(ann, [502, 503], "use another way to sign in");
    await ann.leave();
  });
}

test("who tries again after a lie is let in", async () => {
  const ann = await place.visitor();
  provider.lie = "nonce";
  await comesBack(ann);
  provider.lie = undefined;
  await ann.pressLeaving("Try Example again");
  await ann.press("Allow");
  ann.isAt("/profile");
});

test("a slow provider is given up after ten seconds", async () => {
  const ann = await place.visitor();
  provider.lie = "slow";
  const began = Date.now();
  await comesBack(ann);
  provider.lie = undefined;
  assert.ok(Date.now() - began < 14_000);
  await isTurnedAway(ann, [503], "does not answer right now");
});

/** What a server says that cannot find out where to go. */
async function staysHere(issuer, sentence) {
  const vestibule = await Vestibule.open({ settings: settingsOf(issuer) });
  const ann = await Visitor.enter(place.chromium, vestibule);
  await ann.open("/sign-in");
  await ann.press("Continue with Example");
  await isTurnedAway(ann, [422], sentence);
  await ann.leave();
  await vestibule.close();
}

test("a provider that is down, or calls itself another, is not gone to (S28)", async () => {
  const other = await UntrueServer.open();
  other.lie = "discovery";
  await staysHere(other.url, "could not be checked");
  await other.close();
  await staysHere(other.url, "does not answer right now");
});
