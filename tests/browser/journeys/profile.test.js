import assert from "node:assert/strict";
import { test } from "node:test";
import { aPlace } from "../support/journey.js";
import { PASSWORD } from "../support/visitor.js";
import { picture } from "../support/picture.js";

const place = aPlace();

test("a name can be changed", async () => {
  const ann = await place.member({ name: "Ann", email: "ann@example.com" });
  await ann.open("/profile/name");
  assert.equal(await ann.value("Name"), "Ann");
  await ann.fill({ Name: "Ann <b>Example</b> & Söhne" });
  await ann.press("Save");
  ann.isAt("/profile");
  await ann.sees("Ann <b>Example</b> & Söhne");
});

test("a picture is uploaded, cropped square and shown, and can be removed", async () => {
  const bea = await place.member({ name: "Bea", email: "bea@example.com" });
  await bea.open("/profile/picture");
  await bea.attach("Picture", { name: "me.png", mimeType: "image/png", buffer: picture(300, 200) });
  await bea.press("Upload");
  await bea.open("/profile");
  const shown = bea.page.locator("main img").first();
  const [width, height] = await shown.evaluate((image) => [image.naturalWidth, image.naturalHeight]);
  assert.ok(width > 0, "the browser could show it, under the closed policy");
  assert.equal(width, height);
  await bea.open("/profile/picture");
  await bea.press("Remove the picture");
  await bea.open("/profile");
  await bea.sees("Bea");
});

test("a text file is no picture, and a sentence says so", async () => {
  const cleo = await place.member({ name: "Cleo", email: "cleo@example.com" });
  await cleo.open("/profile/picture");
  await cleo.attach("Picture", { name: "me.png", mimeType: "image/png", buffer: Buffer.from("not a picture") });
  await cleo.press("Upload");
  assert.match(await cleo.problem("Picture"), /\w+/);
});

test("a changed password ends every other session, and this one goes on", async () => {
  const email = "dora@example.com";
  const laptop = await place.member({ name: "Dora", email });
  const phone = await place.visitor();
  await phone.signIn({ email });
  phone.isAt("/profile");
  await laptop.open("/profile/password");
  await laptop.fill({ "Current password": PASSWORD, "New password": "a calm green gate" });
  await laptop.press("Change password");
  await laptop.open("/profile");
  laptop.isAt("/profile");
  await phone.open("/profile");
  phone.isAt("/sign-in");
});
