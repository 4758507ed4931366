import assert from "node:assert/strict";
import { test } from "node:test";
import { aPlace } from "../support/journey.js";
import { PASSWORD } from "../support/visitor.js";

const email = "ann@example.com";
const place = aPlace(async ({ member }) => {
  const ann = await member({ name: "Ann", email });
  await ann.leave();
});

test("signing in leads back to the page that was asked for", async () => {
  const ann = await place.visitor();
  await ann.open("/profile/sessions");
  ann.isAt("/sign-in");
  await ann.fill({ "E-mail": email, Password: PASSWORD });
  await ann.press("Sign in");
  ann.isAt("/profile/sessions");
});

test("a wrong password keeps the address typed, says so and marks the fields", async () => {
  const ann = await place.visitor();
  await ann.signIn({ email, password: "a wrong password" });
  ann.isAt("/sign-in");
  assert.equal(await ann.value("E-mail"), email);
  assert.equal(await ann.value("Password"), "");
  assert.match(await ann.summary(), /\w+/);
  await ann.fill({ Password: PASSWORD });
  await ann.press("Sign in");
  ann.isAt("/profile");
});

test("signing out ends it, and Back shows nothing private (S34)", async () => {
  const ann = await place.visitor();
  await ann.signIn({ email });
  ann.isAt("/profile");
  await ann.press("Sign out");
  await ann.seesNot(email);
  await ann.page.goBack();
  await ann.seesNot(email);
  await ann.open("/profile");
  ann.isAt("/sign-in");
});

test("the keyboard alone signs in", async () => {
  const ann = await place.visitor();
  await ann.open("/sign-in");
  await ann.reach("E-mail");
  await ann.page.keyboard.type(email);
  await ann.reach("Password");
  await ann.page.keyboard.type(PASSWORD);
  await ann.strikes("Enter");
  ann.isAt("/profile");
});

test("the page names of the example applications lead here", async () => {
  const ann = await place.visitor();
  for (const name of ["/login", "/auth/sign-in"]) {
    await ann.open(name);
    ann.isAt("/sign-in");
  }
});
