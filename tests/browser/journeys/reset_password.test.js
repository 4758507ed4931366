import assert from "node:assert/strict";
import { test } from "node:test";
import { aPlace } from "../support/journey.js";

const place = aPlace();

test("a forgotten password is replaced by email, and every session from before ends (S35)", async () => {
  const email = "ann@example.com";
  const elsewhere = await place.member({ name: "Ann", email });
  const ann = await place.visitor();
  await ann.open("/sign-in");
  await ann.open("/reset-password");
  await ann.fill({ "E-mail": email });
  await ann.press("Send me a link");
  await ann.open(await place.vestibule.inbox.nextLink(email));
  assert.equal(new URL(ann.page.url()).search, "", "the token is not left in the address bar");
  await ann.fill({ "New password": "a calm green gate" });
  await ann.press("Save the new password");
  ann.isAt("/sign-in");

  await elsewhere.open("/profile");
  elsewhere.isAt("/sign-in");
  await ann.signIn({ email });
  ann.isAt("/sign-in");
  await ann.signIn({ email, password: "a calm green gate" });
  ann.isAt("/profile");
});
