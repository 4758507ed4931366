import assert from "node:assert/strict";
import { test } from "node:test";
import { aPlace } from "../support/journey.js";

const place = aPlace();

test("the new address proves itself with one press, and the old one is told", async () => {
  const ann = await place.member({ name: "Ann", email: "ann@example.com" });
  await ann.open("/profile/email");
  await ann.fill({ "New e-mail": "ann@new.example" });
  await ann.press("Change e-mail");
  await ann.open("/profile");
  await ann.sees("ann@example.com");

  await ann.open(await place.vestibule.inbox.nextLink("ann@new.example"));
  ann.isAt("/profile/email/confirm/finish");
  assert.equal(new URL(ann.page.url()).search, "", "the key is not left in the address bar");
  await ann.press("Confirm the new address");
  await ann.open("/profile");
  await ann.sees("ann@new.example");

  const asked = await place.vestibule.inbox.next("ann@example.com");
  assert.ok(asked.text.includes("/not-me?"), "the old address can stop it");
  const moved = await place.vestibule.inbox.next("ann@example.com");
  assert.ok(moved.text.includes("/profile/email/undo?"), "the old address can undo it");
});
