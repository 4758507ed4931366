import assert from "node:assert/strict";
import { test } from "node:test";
import { aPlace } from "../support/journey.js";
import { PASSWORD } from "../support/visitor.js";

const place = aPlace();
const GERMANY = "Germany (+49)";
const national = (phone) => phone.replace("+49", "0");

/** Somebody with a confirmed number, signed in: the number was typed as it is dialled at home. */
async function member({ name, phone }) {
  const visitor = await place.visitor();
  await visitor.open("/sign-up/phone");
  await visitor.choose("Country", GERMANY);
  await visitor.fill({ Name: name, "Phone number": national(phone), Password: PASSWORD });
  await visitor.press("Create account");
  visitor.isAt("/verify-phone");
  await visitor.typeCode(await place.vestibule.inbox.nextCode(phone), "Confirm");
  visitor.isAt("/profile");
  return visitor;
}

test("somebody signs up with a number of their country and its code", async () => {
  const ann = await member({ name: "Ann", phone: "+4915112345678" });
  await ann.sees("+49 1511 2345678 confirmed");
});

test("a code by SMS signs in; the one before it is dead", async () => {
  const phone = "+4915112345679";
  await member({ name: "Bea", phone });
  const bea = await place.visitor();
  await bea.open("/sign-in");
  await bea.follow("Get a code by SMS instead");
  await bea.choose("Country", GERMANY);
  await bea.fill({ "Phone number": national(phone) });
  await bea.press("Send me a code");
  bea.isAt("/sign-in/code/enter");
  const first = await place.vestibule.inbox.nextCode(phone);
  await bea.press("Send another code");
  const second = await place.vestibule.inbox.nextCode(phone);
  await bea.typeCode(first, "Sign in");
  assert.match(await bea.problem("Code"), /wrong/);
  await bea.typeCode(second, "Sign in");
  bea.isAt("/profile");
});

test("number and password sign in, with the number in any spelling", async () => {
  const phone = "+4915112345680";
  await member({ name: "Cleo", phone });
  const cleo = await place.visitor();
  await cleo.open("/sign-in");
  await cleo.follow("Use your phone number instead");
  await cleo.fill({ "Phone number": "+49 (1511) 234-5680", Password: PASSWORD });
  await cleo.press("Sign in");
  cleo.isAt("/profile");
});

test("a forgotten password is replaced by a code, and every session from before ends (S35)", async () => {
  const phone = "+4915112345681";
  const elsewhere = await member({ name: "Dora", phone });
  const dora = await place.visitor();
  await dora.open("/sign-in/phone");
  await dora.follow("Forgot your password?");
  await dora.fill({ "Phone number": phone });
  await dora.press("Send me a code");
  dora.isAt("/reset-password/phone/choose");
  await dora.fill({ "New password": "a calm green gate" });
  await dora.typeCode(await place.vestibule.inbox.nextCode(phone), "Save the new password");
  dora.isAt("/sign-in/phone");
  await elsewhere.open("/profile");
  elsewhere.isAt("/sign-in");
  await dora.fill({ "Phone number": phone, Password: "a calm green gate" });
  await dora.press("Sign in");
  dora.isAt("/profile");
});

test("a number that is none is refused beside its field, and the rest stays typed", async () => {
  const eve = await place.visitor();
  await eve.open("/sign-up/phone");
  await eve.choose("Country", GERMANY);
  await eve.fill({ Name: "Eve", "Phone number": "12", Password: PASSWORD });
  await eve.press("Create account");
  eve.isAt("/sign-up/phone");
  assert.match(await eve.problem("Phone number"), /\w+/);
  assert.equal(await eve.value("Name"), "Eve");
  assert.equal(await eve.value("Country"), "DE");
});
