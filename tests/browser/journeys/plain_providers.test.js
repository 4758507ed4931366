// GitHub, Discord, Facebook and X, which speak no OpenID Connect, against fakes of their documented endpoints.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { providerSettings } from "../support/vestibule.js";
import { aPlace } from "../support/journey.js";
import { picture } from "../support/picture.js";
import { CLIENT_ID, CLIENT_SECRET, NAMES, PlainProvider } from "../support/plain_providers.js";

const providers = {};
const place = aPlace(undefined, async () => {
  const settings = {};
  for (const name of NAMES) {
    const provider = await PlainProvider.open(name);
    provider.picture = picture(400, 400);
    providers[name] = provider;
    Object.assign(settings, providerSettings(name, { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, issuer: provider.url }));
  }
  return { settings };
});
after(() => Promise.all(Object.values(providers).map((provider) => provider.close())));

async function comesBack(visitor, { label }, button = "Allow") {
  await visitor.open("/sign-in");
  await visitor.pressLeaving(`Continue with ${label}`);
  await visitor.press(button);
}

for (const name of NAMES) {
  test(`${name}: somebody new comes in with name and picture, and comes again`, async () => {
    const provider = providers[name];
    // The four are one person, of whom two tell the address: only the first may have it.
    provider.verified = name === "github";
    const ann = await place.visitor();
    await comesBack(ann, provider);
    ann.isAt("/profile");
    await ann.sees("Hello, Ann");
    const hasAddress = (await ann.text()).includes("ann@example.com");
    assert.equal(hasAddress, name === "github", "an address counts where it was proved (S24)");
    const portraits = await ann.page.locator("main img.portrait").count();
    assert.equal(portraits, name === "discord" ? 0 : 1, "Discord's Ann has no picture");
    await ann.open("/profile/name");
    await ann.fill({ Name: `Ann of ${name}` });
    await ann.press("Save");
    const again = await place.visitor();
    await comesBack(again, provider);
    await again.sees(`Ann of ${name}`);
  });

  test(`${name}: who says no is back with ways on`, async () => {
    const ann = await place.visitor();
    await comesBack(ann, providers[name], "Cancel");
    assert.equal(ann.status, 200);
    await ann.sees("was cancelled at the provider");
    await ann.pressLeaving(`Try ${providers[name].label} again`);
    await ann.press("Allow");
    ann.isAt("/profile");
  });

  for (const fails of ["badCode", "badToken"]) {
    test(`${name}: an error is a page with ways on (${fails})`, async () => {
      const provider = providers[name];
      provider.fails = fails;
      const ann = await place.visitor();
      await comesBack(ann, provider);
      provider.fails = undefined;
      const passes = provider[fails][0] === 429;
      assert.equal(ann.status, passes ? 503 : 502, await ann.text());
      await ann.sees(passes ? "does not answer right now" : "could not be checked");
      await ann.follow("Use another way to sign in");
      ann.isAt("/sign-in");
      await ann.open("/profile");
      ann.isAt("/sign-in");
    });
  }
}
