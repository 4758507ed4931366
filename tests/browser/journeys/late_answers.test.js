// Two requests of one browser at once, with scripts off and a proxy that keeps answers back: whatever arrives, and whenever, one
// ends where the first request led (S110).

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Authenticator } from "../support/authenticator.js";
import { DelayingProxy } from "../support/delaying_proxy.js";
import { aPlace } from "../support/journey.js";
import { PASSWORD, Visitor } from "../support/visitor.js";

const place = aPlace(undefined, { movesClock: true });
let proxy;
before(async () => (proxy = await DelayingProxy.open()));
after(() => proxy.close());

let people = 0;
const newEmail = () => `late${++people}@example.com`;
const visitor = () => place.visitor(proxy.options);

/** Somebody with an account, and a browser of theirs that is signed in. */
async function member() {
  const email = newEmail();
  const ann = await Visitor.member(place.chromium, place.vestibule, { name: "Ann", email, options: proxy.options });
  return { ann, email };
}

/** Another tab of the same browser. */
async function tabOf(visitor) {
  const tab = new Visitor();
  tab.page = await visitor.page.context().newPage();
  tab.vestibule = visitor.vestibule;
  return tab;
}

/** Somebody who asked for a link: their browser, and the link. */
async function asked() {
  const { email } = await member();
  const ann = await visitor();
  await ann.open("/magic-link");
  await ann.fill({ "E-mail": email });
  await ann.press("Send me a link");
  return { ann, email, link: await place.vestibule.inbox.nextLink(email) };
}

async function isSignedIn(visitor) {
  await visitor.open("/profile");
  visitor.isAt("/profile");
}

for (const isFirstLate of [true, false]) {
  const which = isFirstLate ? "first" : "second";
  test(`a link in two tabs signs in both, when the ${which} answer is late`, async () => {
    const { ann, link } = await asked();
    const tab = await tabOf(ann);
    const first = proxy.hold("GET", "/auth-redirect/finish");
    const opened = ann.page.goto(link);
    await first.answered;
    if (isFirstLate) {
      await tab.page.goto(link);
      tab.isAt("/profile");
      first.release();
    } else {
      const second = proxy.hold("GET", "/auth-redirect");
      const again = tab.page.goto(link);
      await second.answered;
      first.release();
      await opened;
      await isSignedIn(ann);
      second.release();
      await again;
      tab.isAt("/profile");
    }
    await opened;
    ann.isAt("/profile");
    await isSignedIn(ann);
    await isSignedIn(tab);
    await ann.leave();
  });
}

test("two taps on a link in one tab sign in, though the second cancels the first", async () => {
  for (const [method, path] of [["GET", "/auth-redirect/finish"], ["GET", "/auth-redirect"]]) {
    const { ann, link } = await asked();
    const first = proxy.hold(method, path);
    const opened = ann.page.goto(link).catch(() => {});
    await first.answered;
    await ann.page.goto(link);
    first.release();
    await opened;
    ann.isAt("/profile");
    await isSignedIn(ann);
    await ann.leave();
  }
});

test("a link that asks for a press, in two tabs, signs in both", async () => {
  const { ann: laptop, link } = await asked();
  const phone = await visitor();
  await phone.open(link);
  const tab = await tabOf(phone);
  await tab.open("/auth-redirect/finish");
  const first = proxy.hold("POST", "/auth-redirect/finish");
  const press = await finger(phone, "Sign in");
  await press();
  await first.answered;
  await tab.press("Sign in");
  await tab.sees("Hello, Ann");
  tab.isAt("/profile");
  first.release();
  await phone.page.waitForURL("**/profile");
  await isSignedIn(phone);
  await Promise.all([phone.leave(), laptop.leave()]);
});

/** Forms, ready to be pressed: the path that they are sent to, the button, where it leads, and whether one is signed in there. */
const forms = {
  "the sign-in form": async () => {
    const { email } = await member();
    const ann = await visitor();
    await ann.open("/sign-in");
    await ann.fill({ "E-mail": email, Password: PASSWORD });
    return { ann, path: "/sign-in", button: "Sign in", leadsTo: "/profile" };
  },
  "the code of a sign-up": async () => {
    const [ann, email] = [await visitor(), newEmail()];
    await ann.signUp({ name: "Ann", email });
    await ann.fill({ "Code from the mail": await place.vestibule.inbox.nextCode(email) });
    return { ann, path: "/check-inbox/code", button: "Confirm my address", leadsTo: "/profile" };
  },
  "the code of a link": async () => {
    const { ann, email } = await asked();
    await ann.fill({ "Code from the mail": await place.vestibule.inbox.newestCode(email) });
    return { ann, path: "/check-inbox/code", button: "Sign in", leadsTo: "/profile" };
  },
  "a sign-up": async () => {
    const [ann, email] = [await visitor(), newEmail()];
    await ann.open("/sign-up");
    await ann.fill({ Name: "Ann", "E-mail": email, Password: PASSWORD });
    return { ann, path: "/sign-up", button: "Create account", leadsTo: "/check-inbox", isOut: true };
  },
  "a new password after a reset": async () => {
    const { email } = await member();
    const ann = await visitor();
    await ann.open("/reset-password");
    await ann.fill({ "E-mail": email });
    await ann.press("Send me a link");
    await ann.open(await place.vestibule.inbox.nextLink(email));
    await ann.fill({ "New password": "another lantern by the gate" });
    const path = "/reset-password/choose";
    return { ann, path, button: "Save the new password", leadsTo: "/sign-in", isOut: true };
  },
  "a changed password": async () => {
    const { ann } = await member();
    await ann.open("/profile/password");
    await ann.fill({ "Current password": PASSWORD, "New password": "another lantern by the gate" });
    return { ann, path: "/profile/password", button: "Change password", leadsTo: "/profile" };
  },
  "the step-up page": async () => {
    const { ann } = await member();
    await place.vestibule.pass({ minutes: 11 });
    await ann.open("/profile/email");
    await ann.fill({ "New e-mail": newEmail() });
    await ann.press("Change e-mail");
    await ann.fill({ "Your password": PASSWORD });
    return { ann, path: "/profile/email", button: "Confirm", leadsTo: "/profile/email" };
  },
  "the second step": async () => {
    const { ann: laptop, email } = await member();
    await laptop.open("/profile/two-factor");
    await laptop.press("Set up an app");
    const app = await Authenticator.scan(laptop);
    await laptop.typeCode(app.code(), "Switch it on");
    await place.vestibule.pass({ seconds: 60 });
    const ann = await visitor();
    await ann.signIn({ email });
    await ann.fill({ Code: app.code() });
    return { ann, path: "/sign-in/two-factor", button: "Sign in", leadsTo: "/profile" };
  },
  "the sign-out": async () => {
    const { ann } = await member();
    await ann.open("/sign-out");
    return { ann, path: "/sign-out", button: "Sign out", leadsTo: "/", isOut: true };
  },
};

for (const [name, prepare] of Object.entries(forms)) {
  test(`${name}, pressed twice: the second press cancels the first and lands where that led`, async () => {
    const { ann, path, button, leadsTo, isOut } = await prepare();
    const press = await finger(ann, button);
    const first = proxy.hold("POST", path);
    await press();
    await first.answered;
    const loaded = ann.page.waitForEvent("load");
    await press();
    await loaded;
    first.release();
    ann.isAt(leadsTo);
    await ends(ann, isOut);
  });

  test(`${name}, pressed while pages of another tab are on their way`, async () => {
    const { ann, path, button, leadsTo, isOut } = await prepare();
    const press = await finger(ann, button);
    const pages = ["/", "/sign-in", "/profile"].map((page) => ({ page, late: proxy.hold("GET", page) }));
    const tabs = [];
    for (const { page, late } of pages) {
      const tab = await tabOf(ann);
      // Of one address Chromium asks for one page at a time: the press may lead to the same path.
      tabs.push(tab.page.goto(`${page}?tab`, { waitUntil: "commit" }));
      await late.answered;
    }
    const first = proxy.hold("POST", path);
    await press();
    await first.answered;
    const [before, ...after] = pages;
    before.late.release();
    first.release();
    await ann.page.waitForURL((url) => url.pathname === leadsTo, { waitUntil: "commit" });
    for (const { late } of after) late.release();
    await Promise.all(tabs);
    await ends(ann, isOut);
  });
}

async function ends(ann, isOut) {
  await ann.open("/profile");
  ann.isAt(isOut ? "/sign-in" : "/profile");
  await ann.leave();
}

/** A press of the mouse on a button, which waits for nothing: a page that is about to be left answers no questions. */
async function finger(visitor, name) {
  const button = visitor.page.getByRole("button", { name, exact: true }).first();
  await button.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await button.boundingBox();
  return () => visitor.page.mouse.click(x + width / 2, y + height / 2);
}
