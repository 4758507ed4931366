import assert from "node:assert/strict";
import { test } from "node:test";
import { aPlace } from "../support/journey.js";
import { PASSWORD } from "../support/visitor.js";

const place = aPlace();

test("the link of an email takes the account back from whoever moved it away", async () => {
  const [email, stolen] = ["ann@example.com", "eve@evil.example"];
  const eve = await place.member({ name: "Ann", email });
  await eve.open("/profile/password");
  await eve.fill({ "Current password": PASSWORD, "New password": "a crowbar in the door" });
  await eve.press("Change password");
  await eve.open("/profile/email");
  await eve.fill({ "New e-mail": stolen });
  await eve.press("Change e-mail");
  await eve.open(await place.vestibule.inbox.nextLink(stolen));
  await eve.press("Confirm the new address");

  const ann = await place.visitor();
  const changed = await place.vestibule.inbox.next(email, ({ subject }) => /password/i.test(subject));
  await ann.open(changed.text.match(/\S+\/not-me\?\S+/)[0]);
  ann.isAt("/not-me/confirm");
  assert.equal(new URL(ann.page.url()).search, "", "the key is not left in the address bar");
  await ann.sees("Nothing has happened yet");
  await ann.sees(`The account goes back to ${email}`);
  await ann.press("It was not me: take it back");
  await ann.fill({ "New password": "an oak bar behind it" });
  await ann.press("Save the new password");
  await ann.signIn({ email, password: "an oak bar behind it" });
  ann.isAt("/profile");
  await ann.sees(email);

  await eve.open("/profile");
  eve.isAt("/sign-in");
  await eve.signIn({ email: stolen, password: "a crowbar in the door" });
  eve.isAt("/sign-in");
});

test("opening the link does nothing by itself, and it was me changes nothing", async () => {
  const email = "bea@example.com";
  const bea = await place.member({ name: "Bea", email });
  await bea.open("/profile/password");
  await bea.fill({ "Current password": PASSWORD, "New password": "a calm green gate" });
  await bea.press("Change password");
  const link = await place.vestibule.inbox.nextNotMeLink(email);
  const scanner = await place.visitor();
  assert.equal(await scanner.open(link), 200);
  const elsewhere = await place.visitor();
  await elsewhere.open(link);
  await elsewhere.follow("It was me, change nothing");
  await bea.open("/profile");
  bea.isAt("/profile");
});
