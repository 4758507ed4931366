import assert from "node:assert/strict";
import { test } from "node:test";
import { aPlace } from "../support/journey.js";

const place = aPlace();

test("a sign-up is finished where it began, with the code of an email that is read elsewhere", async () => {
  const email = "ann@example.com";
  const ann = await place.visitor();
  await ann.signUp({ name: "Ann", email });
  ann.isAt("/check-inbox");
  await ann.fill({ "Code from the mail": "271828" });
  await ann.press("Confirm my address");
  assert.match(await ann.problem("Code from the mail"), /\w+/);
  await ann.fill({ "Code from the mail": await place.vestibule.inbox.nextCode(email) });
  await ann.press("Confirm my address");
  ann.isAt("/profile");
});

test("a magic link's code signs in, and the link beside it is spent by that", async () => {
  const email = "bea@example.com";
  await place.member({ name: "Bea", email });
  const bea = await place.visitor();
  await bea.open("/magic-link");
  await bea.fill({ "E-mail": email });
  await bea.press("Send me a link");
  const { text } = await place.vestibule.inbox.next(email, ({ subject }) => /sign/i.test(subject));
  await bea.fill({ "Code from the mail": text.match(/^\d{6}$/m)[0] });
  await bea.press("Sign in");
  bea.isAt("/profile");
  const late = await place.visitor();
  assert.equal(await late.open(text.match(/https?:\/\/\S+/)[0]), 410);
});

test("a new password is chosen after the code", async () => {
  const email = "cleo@example.com";
  await place.member({ name: "Cleo", email });
  const cleo = await place.visitor();
  await cleo.open("/reset-password");
  await cleo.fill({ "E-mail": email });
  await cleo.press("Send me a link");
  await cleo.fill({ "Code from the mail": await place.vestibule.inbox.nextCode(email) });
  await cleo.press("Choose a new password");
  cleo.isAt("/reset-password/choose");
  await cleo.fill({ "New password": "a calm green gate" });
  await cleo.press("Save the new password");
  await cleo.signIn({ email, password: "a calm green gate" });
  cleo.isAt("/profile");
});

test("the new address of an account is confirmed by its code", async () => {
  const [email, newEmail] = ["dora@example.com", "dora@new.example"];
  const dora = await place.member({ name: "Dora", email });
  await dora.open("/profile/email");
  await dora.fill({ "New e-mail": newEmail });
  await dora.press("Change e-mail");
  await dora.fill({ "Code from the mail": await place.vestibule.inbox.nextCode(newEmail) });
  await dora.press("Confirm the new address");
  await dora.open("/profile");
  await dora.sees(newEmail);
});
