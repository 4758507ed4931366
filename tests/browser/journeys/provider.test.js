// Signing in with a real OpenID Connect server, scripts off.

import assert from "node:assert/strict";
import { test } from "node:test";
import { picture } from "../support/picture.js";
import { aPlaceWithOpenId, continueAs } from "../support/provider.js";
import { PASSWORD } from "../support/visitor.js";

const place = aPlaceWithOpenId();

test("somebody new gets an account with name, picture and proved address", async () => {
  const email = "ann@example.com";
  place.openId.knows(email, { name: "Ann Lee", picture: place.openId.shows("/ann.png", picture(300, 200)) });
  const ann = await place.visitor();
  await continueAs(ann, email, "/sign-up");
  ann.isAt("/profile");
  await ann.sees("Hello, Ann");
  await ann.sees(`${email} confirmed`);
  const portrait = ann.page.locator("main img.portrait");
  const { origin } = new URL(await portrait.evaluate((image) => image.src));
  assert.equal(origin, place.vestibule.url, "the picture is ours");
  assert.ok((await portrait.evaluate((image) => image.naturalWidth)) > 0, "the picture is seen");
});

test("who comes again comes to the same account, whatever the address is there now", async () => {
  const email = "bea@example.com";
  place.openId.knows(email, { name: "Bea" });
  const bea = await place.visitor();
  await continueAs(bea, email);
  await bea.press("Sign out");
  place.openId.knows(email, { email: "bea@moved.example", name: "Beatrice" });
  await bea.open("/sign-in");
  await bea.page.getByRole("button", { name: "Continue with Example" }).click();
  // They are signed in there still, so nothing is asked.
  await bea.page.waitForURL("**/profile");
  await bea.sees(`${email} confirmed`);
  await bea.sees("Hello, Bea");
});

test("an account that has the address is connected after its own proof (S24)", async () => {
  const email = "cleo@example.com";
  const owner = await place.member({ name: "Cleo", email });
  await owner.leave();
  place.openId.knows(email);
  const cleo = await place.visitor();
  await continueAs(cleo, email);
  cleo.isAt("/sign-in");
  await cleo.sees("There is an account with that address already");
  await cleo.fill({ "E-mail": email, Password: PASSWORD });
  await cleo.press("Sign in");
  cleo.isAt("/profile/connections/offer");
  await cleo.sees(email);
  await cleo.press("Connect Example");
  cleo.isAt("/profile/connections");
  await place.vestibule.inbox.next(email, ({ subject }) => /Example signs in/.test(subject));

  const again = await place.visitor();
  await continueAs(again, email);
  again.isAt("/profile");
  await again.sees(`${email} confirmed`);
});

test("who would rather not connect changes nothing", async () => {
  const email = "dora@example.com";
  const owner = await place.member({ name: "Dora", email });
  await owner.leave();
  place.openId.knows(email);
  const dora = await place.visitor();
  await continueAs(dora, email);
  await dora.fill({ "E-mail": email, Password: PASSWORD });
  await dora.press("Sign in");
  await dora.press("Not now");
  dora.isAt("/profile");
  await dora.open("/profile/connections");
  await dora.sees("None is connected");
});

test("who cancels there is back with ways on", async () => {
  const eve = await place.visitor();
  await eve.open("/sign-in");
  await eve.pressLeaving("Continue with Example");
  await eve.press("Cancel");
  eve.isAt("/_auth/example/callback");
  assert.equal(eve.status, 200);
  await eve.sees("was cancelled at the provider");
  const email = "eve@example.com";
  place.openId.knows(email, { name: "Eve" });
  await eve.pressLeaving("Try Example again");
  await eve.fill({ "Your account": email });
  await eve.press("Enter");
  eve.isAt("/profile");
});

test("an address that is not said to be proved is nobody's (S24)", async () => {
  await (await place.member({ name: "Fay", email: "fay@example.com" })).leave();
  for (const [email, email_verified] of [["fay@1.example", false], ["fay@2.example", undefined]]) {
    place.openId.knows(email, { email: "fay@example.com", email_verified, name: "Stranger" });
    const otherVisitor = await place.visitor();
    await continueAs(otherVisitor, email);
    otherVisitor.isAt("/profile");
    await otherVisitor.sees("Hello, Stranger");
    await otherVisitor.seesNot("fay@example.com");
  }
});

test("an account is made of a subject alone", async () => {
  place.openId.knows("gus@example.com", { email: undefined, email_verified: undefined, name: undefined });
  const gus = await place.visitor();
  await continueAs(gus, "gus@example.com");
  gus.isAt("/profile");
  await gus.open("/profile/connections");
  await gus.sees("the only way to sign in");
});

test("a changed state, and an answer in another browser, are not taken (S26)", async () => {
  const email = "hal@example.com";
  place.openId.knows(email);
  const [hal, eve] = [await place.visitor(), await place.visitor()];
  place.openId.holdBack();
  await continueAs(hal, email);
  const back = place.openId.held;
  assert.equal(await eve.open(back), 410);
  await eve.sees("began in another browser");
  assert.equal(await hal.open(back.replace("state=", "state=x")), 410);
  await hal.open(back);
  hal.isAt("/profile");
  assert.equal(await hal.open(back), 410, "it is taken once");
});

test("the keyboard alone signs in with a provider", async () => {
  const email = "ida@example.com";
  place.openId.knows(email, { name: "Ida" });
  const ida = await place.visitor();
  await ida.open("/sign-in");
  await ida.reachButton("Continue with Example");
  await ida.page.keyboard.press("Enter");
  await ida.page.waitForURL(`${place.openId.url}/**`);
  await ida.reach("Your account");
  await ida.page.keyboard.type(email);
  await ida.strikes("Enter");
  ida.isAt("/profile");
});

test("a second factor is asked after a provider, too (S18)", async () => {
  const [email, phone] = ["joe@example.com", "+4915112345678"];
  place.openId.knows(email, { name: "Joe" });
  const owner = await place.visitor();
  await continueAs(owner, email);
  await owner.open("/profile/phone");
  await owner.fill({ "Phone number": phone });
  await owner.press("Send me a code");
  await owner.typeCode(await place.vestibule.inbox.nextCode(phone), "Confirm");
  await owner.open("/profile/two-factor");
  await owner.press("Switch on codes by text message");
  await owner.sees("Your recovery codes");

  const joe = await place.visitor();
  await continueAs(joe, email);
  joe.isAt("/sign-in/two-factor");
  await joe.typeCode(await place.vestibule.inbox.nextCode(phone), "Sign in");
  joe.isAt("/profile");
});
