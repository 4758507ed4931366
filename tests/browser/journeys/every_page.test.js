// A tour of every page and every state worth a look. Twice: once with scripts off, for pictures and for the width of 320
// pixels (WCAG 2.2, 1.4.10); once with axe in it, which needs scripts and a context that bypasses the policy.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { aPlace } from "../support/journey.js";
import { picture } from "../support/picture.js";

const place = aPlace();
const screenshots = resolve(dirname(fileURLToPath(import.meta.url)), "../../../target/screenshots");
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 360, height: 740 };

test("no page scrolls sideways at 320 pixels, and every page has its pictures taken", async () => {
  await mkdir(screenshots, { recursive: true });
  const faults = [];
  await tour("photo", {}, async (name, { page }) => {
    for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"]) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: join(screenshots, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      }
    }
    await page.setViewportSize({ width: 320, height: 640 });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wider > 0) faults.push(`${name}: ${wider} px too wide`);
    await page.setViewportSize(WIDE);
  });
  assert.deepEqual(faults, []);
});

test("axe finds nothing to object to on any page, light or dark, wide or narrow (S97)", async () => {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const faults = [];
  await tour("axe", { javaScriptEnabled: true, bypassCSP: true }, async (name, { page }) => {
    await page.addScriptTag({ content: axe });
    for (const [viewport, colorScheme] of [[WIDE, "light"], [NARROW, "dark"]]) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      for (const { id, nodes } of violations) {
        for (const node of nodes) faults.push(`${name} (${colorScheme}): ${id}: ${node.html} ${node.any[0]?.message ?? ""}`);
      }
    }
    await page.setViewportSize(WIDE);
  });
  assert.deepEqual(faults, []);
});

/** Walks through the house; `look(name, visitor)` is called on every page. */
async function tour(tag, options, look) {
  const address = (name) => `${name}-${tag}@example.com`;
  const guest = await place.visitor(options);
  const see = async (name, path) => {
    await guest.open(path);
    await look(name, guest);
  };
  await see("home", "/");
  await see("sign-up", "/sign-up");
  await see("sign-in", "/sign-in");
  await see("magic-link", "/magic-link");
  await see("reset-password", "/reset-password");
  await see("link-is-dead", "/auth-redirect?status=400&action=magic-link&error=Invalid+or+expired+access+token");
  await see("not-found", "/nowhere");

  await guest.signUp({ name: "Eve", email: address("eve"), password: "password1" });
  await look("sign-up-refused", guest);
  await guest.signIn({ email: address("nobody"), password: "a wrong password" });
  await look("sign-in-refused", guest);
  await guest.signUp({ name: "Ann Example", email: address("ann") });
  await look("check-inbox", guest);
  const link = await place.hall.inbox.nextLink(address("ann"));
  const elsewhere = await place.visitor(options);
  await elsewhere.open(link);
  await look("confirm-elsewhere", elsewhere);
  await see("dev-inbox", "/dev/inbox");

  await guest.open("/magic-link");
  await guest.fill({ "E-mail": address("ann") });
  await guest.press("Send me a link");
  await look("magic-link-sent", guest);
  await guest.open("/reset-password");
  await guest.fill({ "E-mail": address("ann") });
  await guest.press("Send me a link");
  await look("reset-password-sent", guest);

  const ann = await place.member({ name: "Zoë Example-Longname von und zu Hohenstein", email: address("zoe"), options });
  await look("profile", ann);
  await elsewhere.open("/reset-password");
  await elsewhere.fill({ "E-mail": address("zoe") });
  await elsewhere.press("Send me a link");
  await elsewhere.open(await place.hall.inbox.nextLink(address("zoe")));
  await look("choose-password", elsewhere);
  const other = await place.visitor(options);
  await other.signIn({ email: address("zoe") });
  for (const page of ["name", "picture", "password", "email", "sessions"]) {
    await ann.open(`/profile/${page}`);
    await look(`profile-${page}`, ann);
  }
  await ann.open("/profile/password");
  await ann.fill({ "Current password": "a wrong password", "New password": "short pw" });
  await ann.press("Change password");
  await look("profile-password-refused", ann);
  await ann.open("/profile/email");
  await ann.fill({ "New e-mail": address("new") });
  await ann.press("Change e-mail");
  await look("profile-email-asked", ann);
  await ann.fill({ "Code from the mail": "271828" });
  await ann.press("Confirm the new address");
  await look("profile-email-wrong-code", ann);
  const told = (await place.hall.inbox.newest(address("zoe"))).text.match(/\S+\/not-me\?\S+/)[0];
  await elsewhere.open(told);
  await look("not-me", elsewhere);
  await elsewhere.open("/not-me?key=over");
  await look("not-me-gone", elsewhere);
  await ann.open(await place.hall.inbox.nextLink(address("new")));
  await look("profile-email-confirm", ann);
  await ann.open("/profile/picture");
  await ann.attach("Picture", { name: "me.png", mimeType: "image/png", buffer: picture(300, 200) });
  await ann.press("Upload");
  await ann.open("/profile");
  await look("profile-with-picture", ann);

  await other.open("/profile");
  await other.press("Sign out");
  await look("signed-out", other);
  for (const visitor of [guest, elsewhere, ann, other]) await visitor.leave();
}
