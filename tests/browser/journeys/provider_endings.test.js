// The end of a session that began with a provider: signed out here and then there, or there and so here.

import { test } from "node:test";
import { aPlaceWithOpenId, continueAs } from "../support/provider.js";

const place = aPlaceWithOpenId();

/** Somebody who came with the provider, in a browser of their own. */
async function comes(email, name = "Ann Lee") {
  place.openId.knows(email, { name });
  const visitor = await place.visitor();
  await continueAs(visitor, email);
  visitor.isAt("/profile");
  return visitor;
}

test("who signs out here may sign out there too, and is asked who they are the next time", async () => {
  const ann = await comes("ann@example.com");
  await ann.press("Sign out");
  ann.isAt("/signed-out");
  await ann.sees("Example may still know you in this browser");
  await ann.pressLeaving("Sign out of Example too");
  await ann.press("Sign out of Example accounts");
  ann.isAt("/signed-out");
  await ann.sees("Here, and at Example as well");
  await continueAs(ann, "ann@example.com");
  ann.isAt("/profile");
});

test("who stays signed in there comes back, too, and in again without a question", async () => {
  const bea = await comes("bea@example.com");
  await bea.press("Sign out");
  await bea.pressLeaving("Sign out of Example too");
  await bea.press("Stay signed in");
  bea.isAt("/signed-out");
  await bea.open("/profile");
  bea.isAt("/sign-in");
  await bea.page.getByRole("button", { name: "Continue with Example" }).click();
  await bea.page.waitForURL("**/profile");
});

test("a sign-out there ends the session here, and no other", async () => {
  const email = "cleo@example.com";
  const [cleo, elsewhere, dora] = [await comes(email), await comes(email), await comes("dora@example.com")];
  await cleo.open(`${place.openId.url}/session/end`);
  await cleo.press("Sign out of Example accounts");
  await cleo.sees("Signed out of Example accounts");
  await cleo.open("/profile");
  cleo.isAt("/sign-in");
  for (const one of [elsewhere, dora]) {
    await one.open("/profile");
    one.isAt("/profile");
  }
});

test("who came with a password is not sent to a provider", async () => {
  const eve = await place.member({ name: "Eve", email: "eve@example.com" });
  await eve.press("Sign out");
  eve.isAt("/");
  await eve.sees("You are signed out");
});
