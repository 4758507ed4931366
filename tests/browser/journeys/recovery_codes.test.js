import assert from "node:assert/strict";
import { test } from "node:test";
import { Authenticator } from "../support/authenticator.js";
import { aPlace } from "../support/journey.js";

const place = aPlace(undefined, { movesClock: true });

/** Somebody who looks at their recovery codes for the first time, and what stands there. */
async function withCodes({ name, email }) {
  const visitor = await place.member({ name, email });
  await visitor.open("/profile/two-factor");
  await visitor.press("Set up an app");
  const app = await Authenticator.scan(visitor);
  await visitor.typeCode(app.code(), "Switch it on");
  return { visitor, codes: await shown(visitor) };
}

function shown(visitor) {
  return visitor.page.locator("ol.codes code").allInnerTexts();
}

async function enter({ email, code }) {
  const visitor = await place.visitor();
  await visitor.signIn({ email });
  await visitor.follow("Phone lost? Use a recovery code");
  visitor.isAt("/sign-in/two-factor/recovery");
  await visitor.fill({ "Recovery code": code });
  await visitor.press("Sign in");
  return visitor;
}

test("ten codes are shown once", async () => {
  const { visitor, codes } = await withCodes({ name: "Ann", email: "ann@example.com" });
  assert.equal(new Set(codes).size, 10);
  for (const code of codes) assert.match(code, /^[a-z2-9]{5}-[a-z2-9]{5}$/);
  await visitor.follow("I have kept them");
  await visitor.sees("10 are left");
  for (const code of codes) await visitor.seesNot(code);
  await assert.rejects(visitor.page.goBack(), /ERR_CACHE_MISS/, "the browser has kept nothing to go back to");
});

test("all ten are on one printed page, black on white, and nothing that only a screen needs", async () => {
  const { visitor, codes } = await withCodes({ name: "Bea", email: "bea@example.com" });
  const { page } = visitor;
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  for (const code of codes) assert.ok(await page.getByText(code, { exact: true }).isVisible(), `${code} is not printed`);
  assert.ok(await page.getByText("bea@example.com").isVisible(), "whose codes they are");
  for (const screenOnly of [page.getByRole("navigation"), page.getByRole("link", { name: "I have kept them" })]) {
    assert.equal(await screenOnly.filter({ visible: true }).count(), 0);
  }
  const [ink, paper] = await page.evaluate(() => [
    getComputedStyle(document.querySelector("ol.codes code")).color,
    getComputedStyle(document.documentElement).backgroundColor,
  ]);
  assert.deepEqual([ink, paper], ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]);
  const printed = (await page.pdf({ format: "A4" })).toString("latin1");
  assert.equal(printed.match(/\/Type\s*\/Page\b/g).length, 1);
});

test("each lets in once, however it is typed, and the owner is told", async () => {
  const email = "cleo@example.com";
  const { codes } = await withCodes({ name: "Cleo", email });
  const cleo = await enter({ email, code: ` ${codes[0].toUpperCase().replace("-", " ")} ` });
  cleo.isAt("/profile");
  await cleo.open("/profile/two-factor");
  await cleo.sees("9 are left");
  await place.vestibule.inbox.next(email, ({ subject }) => /recovery code/i.test(subject));
  const again = await enter({ email, code: codes[0] });
  again.isAt("/sign-in/two-factor/recovery");
  assert.match(await again.problem("Recovery code"), /\w+/);
  await again.fill({ "Recovery code": codes[1] });
  await again.press("Sign in");
  again.isAt("/profile");
});

test("new ones end the old ones", async () => {
  const email = "dora@example.com";
  const { visitor, codes } = await withCodes({ name: "Dora", email });
  await visitor.follow("I have kept them");
  await visitor.press("Make new recovery codes");
  const fresh = await shown(visitor);
  assert.equal(new Set([...codes, ...fresh]).size, 20);
  const late = await enter({ email, code: codes[0] });
  late.isAt("/sign-in/two-factor/recovery");
  const dora = await enter({ email, code: fresh[0] });
  dora.isAt("/profile");
});
