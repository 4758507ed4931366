import assert from "node:assert/strict";
import { test } from "node:test";
import { aPlace } from "../support/journey.js";

const place = aPlace();

test("somebody signs up, opens the emailed link in the same browser and is in at once", async () => {
  const email = "ann@example.com";
  const ann = await place.visitor();
  await ann.open("/");
  await ann.signUp({ name: "Ann Example", email });
  await ann.sees(email);
  const mail = await place.vestibule.inbox.next(email);
  assert.ok(mail.html.includes("<"), "the mail has an HTML part");
  await ann.open(mail.text.match(/https?:\/\/\S+/)[0]);
  ann.isAt("/profile");
  await ann.sees("Ann Example");
});

test("in another browser one press finishes it, and the token is not left in the address bar", async () => {
  const email = "bea@example.com";
  const laptop = await place.visitor();
  const phone = await place.visitor();
  await laptop.signUp({ name: "Bea", email });
  await phone.open(await place.vestibule.inbox.nextLink(email));
  phone.isAt("/auth-redirect/finish");
  assert.equal(new URL(phone.page.url()).search, "");
  await phone.press("Confirm my address");
  phone.isAt("/profile");
  await phone.sees("Bea");
});

test("an email scanner that opens the link ten times spends nothing (S44)", async () => {
  const email = "cleo@example.com";
  const cleo = await place.visitor();
  await cleo.signUp({ name: "Cleo", email });
  const link = await place.vestibule.inbox.nextLink(email);
  for (let visit = 0; visit < 10; visit++) {
    const answer = await fetch(link);
    assert.equal(answer.status, 200);
  }
  await cleo.open(link);
  cleo.isAt("/profile");
  const late = await place.visitor();
  assert.equal(await late.open(link), 410, "spent by now");
});

test("a mistyped address can be corrected, and the email comes to the right one", async () => {
  const dora = await place.visitor();
  await dora.signUp({ name: "Dora", email: "dora@exmaple.com" });
  await dora.fill({ "Right address": "dora@example.com" });
  await dora.press("Correct it");
  await dora.sees("dora@example.com");
  await dora.open(await place.vestibule.inbox.nextLink("dora@example.com"));
  dora.isAt("/profile");
});

test("a password that is too common is refused beside its field and summed up, and the rest stays typed", async () => {
  const eve = await place.visitor();
  await eve.signUp({ name: "Eve", email: "eve@example.com", password: "password1" });
  eve.isAt("/sign-up");
  assert.match(await eve.problem("Password"), /\w+/);
  assert.match(await eve.summary(), /\w+/);
  assert.equal(await eve.value("Name"), "Eve");
  assert.equal(await eve.value("E-mail"), "eve@example.com");
  assert.equal(await eve.value("Password"), "", "a password is never sent back");
});
