import assert from "node:assert/strict";
import { test } from "node:test";
import { Authenticator } from "../support/authenticator.js";
import { aPlace } from "../support/journey.js";
import { PASSWORD } from "../support/visitor.js";

const place = aPlace(undefined, { movesClock: true });

/** Somebody whose last sign-in is eleven minutes old, on their way to another address. */
async function asked({ email, newEmail, prepare = async () => {} }) {
  const visitor = await place.member({ name: "Ann", email });
  const app = await prepare(visitor);
  await place.vestibule.pass({ minutes: 11 });
  await visitor.open("/profile/email");
  await visitor.fill({ "New e-mail": newEmail });
  await visitor.press("Change e-mail");
  await visitor.sees("Confirm it is you");
  assert.equal(visitor.status, 403);
  visitor.isAt("/profile/email");
  return { visitor, app };
}

test("a change asks who is there, a wrong password asks again, and the right one goes on with what was typed", async () => {
  const newEmail = "ann@new.example";
  const { visitor: ann } = await asked({ email: "ann@example.com", newEmail });
  await ann.fill({ "Your password": "a wrong password" });
  await ann.press("Confirm");
  assert.equal(ann.status, 401);
  assert.match(await ann.problem("Your password"), /\w+/);
  assert.equal(await ann.value("Your password"), "");
  await ann.fill({ "Your password": PASSWORD });
  await ann.press("Confirm");
  ann.isAt("/profile/email");
  await ann.sees(newEmail);
  await ann.open(await place.vestibule.inbox.nextLink(newEmail));
  await ann.press("Confirm the new address");
  await ann.open("/profile");
  await ann.sees(newEmail);
});

test("the keyboard alone answers it: the password has the focus, Enter confirms", async () => {
  const newEmail = "bea@new.example";
  const { visitor: bea } = await asked({ email: "bea@example.com", newEmail });
  assert.ok(await bea.field("Your password").evaluate((field) => field === document.activeElement));
  await bea.page.keyboard.type(PASSWORD);
  await bea.strikes("Enter");
  bea.isAt("/profile/email");
  await place.vestibule.inbox.nextLink(newEmail);
});

test("the code of the app answers it too", async () => {
  const newEmail = "cleo@new.example";
  const { visitor: cleo, app } = await asked({ email: "cleo@example.com", newEmail, prepare: setUpApp });
  await cleo.typeCode(app.code(), "Confirm");
  cleo.isAt("/profile/email");
  await place.vestibule.inbox.nextLink(newEmail);
});

test("it stands before a new app too, and leads on to it", async () => {
  const dora = await place.member({ name: "Dora", email: "dora@example.com" });
  await place.vestibule.pass({ minutes: 11 });
  await dora.open("/profile/two-factor");
  await dora.press("Set up an app");
  await dora.sees("Confirm it is you");
  await dora.fill({ "Your password": PASSWORD });
  await dora.press("Confirm");
  dora.isAt("/profile/two-factor/authenticator");
});

test("a browser from before the app shows it, then types its passwords again", async () => {
  const email = "fay@example.com";
  const before = await place.member({ name: "Fay", email });
  const fay = await place.visitor();
  await fay.signIn({ email });
  const app = await setUpApp(fay);
  await place.vestibule.pass({ seconds: 30 });
  const change = { "Current password": PASSWORD, "New password": "another lantern by the gate" };
  await before.open("/profile/password");
  await before.fill(change);
  await before.press("Change password");
  await before.sees("Confirm it is you");
  assert.equal(before.status, 403);
  assert.ok(await before.field("Code").evaluate((field) => field === document.activeElement));
  await before.page.keyboard.type(app.code());
  await before.strikes("Enter");
  before.isAt("/profile/password");
  await before.fill(change);
  await before.press("Change password");
  before.isAt("/profile");
});

test("Cancel does nothing", async () => {
  const { visitor: eve } = await asked({ email: "eve@example.com", newEmail: "eve@new.example" });
  await eve.follow("Cancel");
  eve.isAt("/profile/email");
  assert.equal(eve.status, 200);
  await eve.seesNot("eve@new.example");
});

async function setUpApp(visitor) {
  await visitor.open("/profile/two-factor");
  await visitor.press("Set up an app");
  const app = await Authenticator.scan(visitor);
  await visitor.typeCode(app.code(), "Switch it on");
  await visitor.sees("Your recovery codes");
  return app;
}
