import assert from "node:assert/strict";
import { test } from "node:test";
import { aPlace } from "../support/journey.js";

const email = "ann@example.com";
const place = aPlace(({ member }) => member({ name: "Ann", email }));

async function askForLink(visitor) {
  await visitor.open("/magic-link");
  await visitor.fill({ "E-mail": email });
  await visitor.press("Send me a link");
  return place.vestibule.inbox.nextLink(email);
}

test("a magic link signs in at once where it was asked for, and works once", async () => {
  const ann = await place.visitor();
  const link = await askForLink(ann);
  await ann.open(link);
  ann.isAt("/profile");
  const again = await place.visitor();
  assert.equal(await again.open(link), 410);
});

test("elsewhere it asks for one press", async () => {
  const laptop = await place.visitor();
  const phone = await place.visitor();
  await phone.open(await askForLink(laptop));
  phone.isAt("/auth-redirect/finish");
  await phone.press("Sign in");
  phone.isAt("/profile");
});
