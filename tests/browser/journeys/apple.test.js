// Apple answers by a form that is posted from its own site. A browser sends no cookie of ours with that, which only a browser shows.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { AppleServer } from "../support/apple_server.js";
import { providerSettings } from "../support/vestibule.js";
import { aPlace } from "../support/journey.js";

let apple;
const place = aPlace(undefined, async () => {
  apple = await AppleServer.open();
  return { settings: providerSettings("apple", apple.settings) };
});
after(() => apple?.close());

test("Apple's form signs in, though it comes without our cookie", async () => {
  const ann = await place.visitor();
  await ann.open("/sign-in");
  await ann.pressLeaving("Continue with Apple");
  await ann.press("Allow");
  const posted = ann.page.waitForRequest((request) => request.method() === "POST" && request.url().includes("/_auth/apple/callback"));
  await ann.press("Continue");
  const { cookie } = await (await posted).allHeaders();
  assert.equal(cookie, undefined, "the browser keeps the cookie back from another site's form");
  ann.isAt("/profile");
  await ann.sees("Hello, Ann");
  await ann.sees("ann@example.com confirmed");
  assert.ok(!ann.page.url().includes("code="), "nothing of it stays in the address");
});

test("with scripts on Apple's page posts by itself, and the second time it tells no name", async () => {
  const ann = await place.visitor({ javaScriptEnabled: true });
  await ann.open("/sign-in");
  await ann.pressLeaving("Continue with Apple");
  await ann.page.getByRole("button", { name: "Allow" }).click();
  await ann.page.waitForURL("**/profile");
  await ann.sees("Hello, Ann");
});

test("who cancels at Apple is back with ways on", async () => {
  const ann = await place.visitor();
  await ann.open("/sign-in");
  await ann.pressLeaving("Continue with Apple");
  await ann.press("Cancel");
  await ann.press("Continue");
  assert.equal(ann.status, 200);
  await ann.sees("was cancelled at the provider");
  await ann.follow("Use another way to sign in");
  ann.isAt("/sign-in");
});

test("a form of Apple's in a browser that began nothing signs nobody in (S26)", async () => {
  const [ann, eve] = [await place.visitor(), await place.visitor()];
  await ann.open("/sign-in");
  await ann.pressLeaving("Continue with Apple");
  await ann.press("Allow");
  const form = await ann.page.content();
  await eve.page.route(`${apple.url}/trap`, (route) => route.fulfill({ body: form, contentType: "text/html" }));
  await eve.open(`${apple.url}/trap`);
  await eve.press("Continue");
  assert.equal(eve.status, 410);
  await eve.open("/profile");
  eve.isAt("/sign-in");
});
