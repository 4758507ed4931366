import assert from "node:assert/strict";
import { test } from "node:test";
import { aPlace } from "../support/journey.js";
import { PASSWORD } from "../support/visitor.js";

const place = aPlace(undefined, { movesClock: true });

/** Somebody who signs in with a code by SMS after the password, and the browser in which that was set up. */
async function guarded({ email, phone }) {
  const owner = await place.member({ name: "Ann", email });
  await owner.open("/profile/two-factor");
  await owner.sees("Needs a phone number that is confirmed");
  await owner.follow("Add a number");
  await owner.fill({ "Phone number": phone });
  await owner.press("Send me a code");
  owner.isAt("/profile/phone/confirm");
  await owner.typeCode(await place.vestibule.inbox.nextCode(phone), "Confirm");
  await owner.open("/profile/two-factor");
  await owner.press("Switch on codes by text message");
  await owner.sees("Your recovery codes");
  await owner.follow("I have kept them");
  owner.isAt("/profile/two-factor");
  return owner;
}

test("a code by SMS is asked for, mistyped, sent again, and lets in", async () => {
  const [email, phone] = ["ann@example.com", "+4915112345678"];
  await guarded({ email, phone });
  const ann = await place.visitor();
  await ann.open("/profile/sessions");
  await ann.fill({ "E-mail": email, Password: PASSWORD });
  await ann.press("Sign in");
  ann.isAt("/sign-in/two-factor");
  await ann.seesNot(phone);
  const code = await place.vestibule.inbox.nextCode(phone);
  await ann.typeCode(code === "123456" ? "654321" : "123456", "Sign in");
  assert.match(await ann.problem("Code"), /wrong/);
  await ann.press("Send another code");
  await ann.sees("another code");
  await ann.typeCode(code, "Sign in");
  ann.isAt("/sign-in/two-factor");
  await ann.typeCode(await place.vestibule.inbox.nextCode(phone), "Sign in");
  ann.isAt("/profile/sessions");
});

test("a browser that is trusted is not asked again, until it is asked to be", async () => {
  const [email, phone] = ["bea@example.com", "+4915112345679"];
  await guarded({ email, phone });
  const bea = await place.visitor();
  await bea.signIn({ email });
  await bea.tick("Do not ask in this browser for 30 days");
  await bea.typeCode(await place.vestibule.inbox.nextCode(phone), "Sign in");
  bea.isAt("/profile");
  await bea.press("Sign out");
  await bea.signIn({ email });
  bea.isAt("/profile");

  await bea.open("/profile/two-factor");
  await bea.sees("this browser");
  await bea.press(/^Ask again in /);
  await bea.press("Sign out");
  await bea.signIn({ email });
  bea.isAt("/sign-in/two-factor");
});

test("the keyboard alone passes the second factor", async () => {
  const [email, phone] = ["cleo@example.com", "+4915112345680"];
  await guarded({ email, phone });
  const cleo = await place.visitor();
  await cleo.open("/sign-in");
  await cleo.reach("E-mail");
  await cleo.page.keyboard.type(email);
  await cleo.reach("Password");
  await cleo.page.keyboard.type(PASSWORD);
  await cleo.strikes("Enter");
  cleo.isAt("/sign-in/two-factor");
  await cleo.reach("Code");
  await cleo.page.keyboard.type(await place.vestibule.inbox.nextCode(phone));
  await cleo.reach("Do not ask in this browser for 30 days");
  await cleo.page.keyboard.press("Space");
  await cleo.strikes("Enter");
  cleo.isAt("/profile");
});

test("it is switched off again after a proof, and the owner is told", async () => {
  const [email, phone] = ["dora@example.com", "+4915112345681"];
  const dora = await guarded({ email, phone });
  await place.vestibule.pass({ minutes: 11 });
  await dora.open("/profile/two-factor");
  await dora.press("Switch off codes by text message");
  await dora.sees("Confirm it is you");
  await dora.fill({ "Your password": PASSWORD });
  await dora.press("Confirm");
  dora.isAt("/profile/two-factor");
  await place.vestibule.inbox.next(email, ({ subject }) => /takes no code any more/.test(subject));
  const elsewhere = await place.visitor();
  await elsewhere.signIn({ email });
  elsewhere.isAt("/profile");
});
