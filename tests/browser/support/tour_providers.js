// The part of the tour beside providers: their buttons, the way to one and back, and the accounts that are connected.

import assert from "node:assert/strict";
import { providerSettings } from "./vestibule.js";
import { CLIENT_ID, CLIENT_SECRET } from "./untrue_server.js";
import { PASSWORD } from "./visitor.js";

/** The walks, in a server with the settings of `manyProviders`. */
export const besideProviders = [buttons, wayThere, returns, offers, connections, farewells];

/** Everything that can be signed in with: the six that everybody knows, and "Example", where one truly can. */
export function manyProviders(example, apple) {
  const known = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET };
  return Object.assign(
    providerSettings("example", { ...known, issuer: example.url, label: "Example accounts" }),
    providerSettings("apple", apple.settings),
    ...["google", "github", "facebook", "x", "discord"].map((name) => providerSettings(name, known)),
  );
}

const BUTTON = "Continue with Example accounts";

async function buttons({ visitor }, look) {
  const guest = await visitor();
  for (const page of ["sign-in", "sign-up"]) {
    await guest.open(`/${page}`);
    await look(`${page}-providers`, guest);
  }
  await guest.open("/_auth/myspace");
  await look("provider-not-offered", guest);
  await guest.leave();
}

async function wayThere({ visitor }, look) {
  const guest = await visitor();
  await guest.open("/sign-in");
  await held(guest, "/_auth/example", () => guest.press(BUTTON));
  await look("provider-leave", guest);
  await guest.leave();
}

async function returns({ visitor, example }, look) {
  const guest = await visitor();
  await comeBack(guest, "Cancel");
  await look("provider-cancelled", guest);
  example.lie = "nonce";
  await comeBack(guest);
  await look("provider-not-believed", guest);
  example.lie = undefined;
  await guest.open("/_auth/example/callback?code=one&state=over");
  await look("provider-gone", guest);
  await guest.leave();
}

async function offers({ visitor, member, example }, look) {
  const email = "ann@example.com";
  await (await member({ name: "Ann", email })).leave();
  example.person = { sub: "ann-1", email, email_verified: true, name: "Ann Lee" };
  const ann = await visitor();
  await comeBack(ann);
  await look("sign-in-to-connect", ann);
  await ann.fill({ "E-mail": email, Password: PASSWORD });
  await ann.press("Sign in");
  await look("connection-offer", ann);
  await ann.press("Connect Example accounts");
  await look("profile-connections-connected", ann);
  await ann.leave();
}

async function connections({ visitor, member, example, apple }, look) {
  const bea = await member({ name: "Bea", email: "bea@example.com" });
  await bea.open("/profile/connections");
  await look("profile-connections-none", bea);
  await bea.pressLeaving("Connect Example accounts");
  await bea.press("Allow");
  await look("profile-connections-of-another", bea);
  example.person = { sub: "bea-1", email: "bea@a-rather-long-name-of-a-company.example", email_verified: true, name: "Bea" };
  for (const { label, leads } of [{ label: "Example accounts" }, { label: "Apple", leads: "Continue" }]) {
    await bea.open("/profile/connections");
    await bea.pressLeaving(`Connect ${label}`);
    await bea.press("Allow");
    if (leads) await bea.press(leads);
  }
  await bea.open("/profile/connections");
  await look("profile-connections-two", bea);
  await bea.leave();

  example.person = { sub: "cleo-1", name: "Cleo" };
  const cleo = await visitor();
  await comeBack(cleo);
  await look("profile-provider-member", cleo);
  await cleo.open("/profile/connections");
  await look("profile-connections-only-way-in", cleo);
  await cleo.leave();
}

async function farewells({ visitor, example }, look) {
  const ann = await visitor();
  await comeBack(ann);
  await ann.press("Sign out");
  await look("signed-out-of-provider", ann);
  await held(ann, "/signed-out", () => ann.press("Sign out of Example accounts too"));
  await look("signed-out-leave", ann);
  // Somebody who goes there and no further.
  example.isSilent = true;
  await assert.rejects(ann.open("/signed-out/provider"), /ERR_ABORTED/);
  await ann.open("/signed-out");
  await look("signed-out-on-the-way", ann);
  example.isSilent = false;
  await comeBack(ann);
  await ann.press("Sign out");
  await ann.press("Sign out of Example accounts too");
  await ann.page.getByText("Here, and at Example accounts").waitFor();
  await look("signed-out-there-too", ann);
  await ann.leave();
}

async function comeBack(visitor, button = "Allow") {
  await visitor.open("/sign-in");
  await visitor.pressLeaving(BUTTON);
  await visitor.press(button);
}

/** Takes out of a page at `path` that it leads on by itself, for as long as a step takes: else nobody could look at it. */
async function held(visitor, path, step) {
  const pages = `${visitor.vestibule.url}${path}`;
  await visitor.page.route(pages, async (route) => {
    const response = await route.fetch({ maxRedirects: 0 });
    const body = (await response.text()).replace(/<meta http-equiv="refresh"[^>]*>/, "");
    return route.fulfill({ response, body });
  });
  await step();
  await visitor.page.unroute(pages);
}
