import assert from "node:assert/strict";
import { test } from "node:test";
import { Authenticator } from "../support/authenticator.js";
import { aPlace } from "../support/journey.js";

const place = aPlace(undefined, { movesClock: true });

/** Somebody who set up an app, signed in where that was done, the app, and the code that set it up. */
async function guarded({ name, email }) {
  const visitor = await place.member({ name, email });
  await visitor.open("/profile/two-factor");
  await visitor.press("Set up an app");
  const app = await Authenticator.scan(visitor);
  const code = app.code();
  await visitor.typeCode(code, "Switch it on");
  await visitor.sees("Your recovery codes");
  return { visitor, app, code };
}

test("the picture holds the key that stands beside it, and the first code switches it on", async () => {
  const ann = await place.member({ name: "Ann", email: "ann@example.com" });
  await ann.open("/profile/two-factor");
  await ann.press("Set up an app");
  const app = await Authenticator.scan(ann);
  assert.equal(app.key, (await ann.page.locator("code.key").innerText()).replace(/\s/g, ""));
  assert.equal(app.url.href, await ann.page.getByRole("link", { name: "Open the key in it" }).getAttribute("href"));
  assert.equal(app.url.host, "totp");
  assert.ok(decodeURIComponent(app.url.pathname).endsWith("ann@example.com"), "the app says whose code it is");

  const code = app.code();
  await ann.typeCode(code === "123456" ? "654321" : "123456", "Switch it on");
  assert.match(await ann.problem("Code"), /\w+/);
  assert.equal((await Authenticator.scan(ann)).key, app.key, "a mistyped code does not change the key");
  await ann.typeCode(code, "Switch it on");
  await ann.sees("Your recovery codes");
  await ann.open("/profile/two-factor");
  await ann.page.getByRole("button", { name: "Remove the authenticator app" }).waitFor();
});

test("its code signs in once (RFC 6238, 5.2)", async () => {
  const email = "bea@example.com";
  const { app, code: used } = await guarded({ name: "Bea", email });
  const bea = await place.visitor();
  await bea.signIn({ email });
  bea.isAt("/sign-in/two-factor");
  await bea.sees("Open your authenticator app");
  await bea.typeCode(used, "Sign in");
  assert.match(await bea.problem("Code"), /\w+/, "the code that set it up is used");
  const code = await app.nextCode();
  await bea.typeCode(code, "Sign in");
  bea.isAt("/profile");

  const thief = await place.visitor();
  await thief.signIn({ email });
  await thief.typeCode(code, "Sign in");
  thief.isAt("/sign-in/two-factor");
  assert.match(await thief.problem("Code"), /\w+/);
});

test("the keyboard alone sets it up and signs in with it", async () => {
  const email = "cleo@example.com";
  const cleo = await place.member({ name: "Cleo", email });
  await cleo.open("/profile/two-factor");
  await cleo.reachButton("Set up an app");
  await cleo.strikes("Enter");
  const app = await Authenticator.scan(cleo);
  await cleo.reach("Code");
  await cleo.page.keyboard.type(app.code());
  await cleo.strikes("Enter");
  await cleo.sees("Your recovery codes");

  const elsewhere = await place.visitor();
  await elsewhere.signIn({ email });
  await elsewhere.reach("Code");
  await elsewhere.page.keyboard.type(await app.nextCode());
  await elsewhere.strikes("Enter");
  elsewhere.isAt("/profile");
});

test("removed, it is not asked for any more", async () => {
  const email = "dora@example.com";
  const { visitor } = await guarded({ name: "Dora", email });
  await visitor.follow("I have kept them");
  await visitor.press("Remove the authenticator app");
  visitor.isAt("/profile/two-factor");
  const elsewhere = await place.visitor();
  await elsewhere.signIn({ email });
  elsewhere.isAt("/profile");
});
