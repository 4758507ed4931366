// Every page and every state worth a look (support/tour.js), with scripts off: its HTML is valid, it is not wider than 320
// pixels (WCAG 2.2, 1.4.10), axe finds nothing, and its pictures are taken. Axe needs scripts, so it gets a copy of the page.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { AppleServer } from "../support/apple_server.js";
import { faultsOf } from "../support/html.js";
import { aPlace } from "../support/journey.js";
import { unseen } from "../support/routes.js";
import { tour } from "../support/tour.js";
import { besideProviders, manyProviders } from "../support/tour_providers.js";
import { UntrueServer } from "../support/untrue_server.js";

const place = aPlace(undefined, { movesClock: true });
const providers = aPlace(undefined, async (place) => {
  [place.example, place.apple] = [await UntrueServer.open(), await AppleServer.open()];
  return { settings: manyProviders(place.example, place.apple) };
});
after(() => Promise.all([providers.example?.close(), providers.apple?.close()]));
const screenshots = resolve(dirname(fileURLToPath(import.meta.url)), "../../../target/screenshots");
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 360, height: 740 };

/** The paths of the pages that were looked at. */
const seen = new Set();

test("every page is valid, accessible and fits (S97), and has its pictures taken", () => look(place, tour));
test("so is every page beside providers", () => look(providers, besideProviders));
test("no page of the route table is left out", async () => assert.deepEqual(await unseen(seen), []));

/** Goes for the walks and looks at what is on the way. */
async function look(place, walks) {
  await mkdir(screenshots, { recursive: true });
  const examine = await withAxe(place);
  const faults = [];
  for (const walk of walks) {
    await walk(place, async (name, visitor) => {
      seen.add(visitor.path);
      const html = await visitor.source();
      const found = await Promise.all([faultsOf(html), examine(visitor.page.url(), html), photograph(name, visitor.page)]);
      faults.push(...found.flat().map((fault) => `${name}: ${fault}`));
    });
  }
  assert.equal(faults.join("\n"), "");
}

/** Takes the pictures; answers by how much the page is too wide. */
async function photograph(name, page) {
  for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(screenshots, `${name}-${size}-${colorScheme}.png`), fullPage: true });
    }
  }
  await page.setViewportSize({ width: 320, height: 640 });
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await page.setViewportSize(WIDE);
  return wider > 0 ? [`${wider} px too wide at 320`] : [];
}

/** Opens a page for copies, where scripts run and the policy is off; answers what has axe look at one. */
async function withAxe(place) {
  const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const { page } = await place.visitor({ javaScriptEnabled: true, bypassCSP: true });
  let html;
  await page.route("**/*", (route) =>
    route.request().isNavigationRequest() ? route.fulfill({ body: html, contentType: "text/html; charset=utf-8" }) : route.continue(),
  );
  return async (url, copy) => {
    html = copy;
    await page.goto(url);
    await page.addScriptTag({ content: axe });
    const faults = [];
    for (const [viewport, colorScheme] of [[WIDE, "light"], [NARROW, "dark"]]) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      for (const { id, nodes } of violations) {
        for (const node of nodes) faults.push(`${colorScheme}: ${id}: ${node.html} ${node.any[0]?.message ?? ""}`);
      }
    }
    return faults;
  };
}
