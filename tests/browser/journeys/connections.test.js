// The accounts elsewhere that sign in to one's own: connected, disconnected, and never the last way in.

import assert from "node:assert/strict";
import { test } from "node:test";
import { aPlaceWithOpenId, continueAs } from "../support/provider.js";
import { PASSWORD } from "../support/visitor.js";

const place = aPlaceWithOpenId();

/** Presses Connect and enters at the provider. */
async function connect(visitor, email) {
  await visitor.open("/profile/connections");
  await visitor.pressLeaving("Connect Example");
  await visitor.fill({ "Your account": email });
  await visitor.press("Enter");
}

test("a signed-in user connects an account elsewhere, signs in with it, and disconnects it", async () => {
  const [email, work] = ["ann@example.com", "ann@work.example"];
  place.openId.knows(work);
  const ann = await place.member({ name: "Ann", email });
  await connect(ann, work);
  ann.isAt("/profile/connections");
  await ann.sees("Connected. From now on you can sign in with it.");
  await ann.sees(work);
  await place.vestibule.inbox.next(email, ({ subject }) => /Example signs in/.test(subject));

  const other = await place.visitor();
  await continueAs(other, work);
  other.isAt("/profile");
  await other.sees(`${email} confirmed`);

  await ann.press("Disconnect Example");
  await ann.sees("None is connected");
  await place.vestibule.inbox.next(email, ({ subject }) => /no longer signs in/.test(subject));
  const otherVisitor = await place.visitor();
  await continueAs(otherVisitor, work);
  await otherVisitor.seesNot(email);
});

test("the only way in stays until there is another one", async () => {
  place.openId.knows("bea@example.com", { name: "Bea" });
  const bea = await place.visitor();
  await continueAs(bea, "bea@example.com");
  await bea.open("/profile/connections");
  const isOnly = await bea.page.getByRole("button", { name: "Disconnect Example" }).count();
  assert.equal(isOnly, 1, "a proved address is a way in, by a link");

  place.openId.knows("cleo@example.com", { name: "Cleo", email_verified: false });
  const cleo = await place.visitor();
  await continueAs(cleo, "cleo@example.com");
  await cleo.open("/profile/connections");
  await cleo.sees("the only way to sign in");
  assert.equal(await cleo.page.getByRole("button", { name: "Disconnect Example" }).count(), 0);
});

test("an account elsewhere that is somebody else's already is not taken over (S25)", async () => {
  place.openId.knows("dora@example.com", { name: "Dora" });
  await continueAs(await place.visitor(), "dora@example.com");
  const eve = await place.member({ name: "Eve", email: "eve@example.com" });
  await connect(eve, "dora@example.com");
  assert.equal(eve.status, 422);
  await eve.sees("connected to another account");
  await eve.follow("Back to your account");
  await eve.sees("None is connected");
});

test("what was begun for one account is not finished for another (S26)", async () => {
  place.openId.knows("fay@work.example");
  await (await place.member({ name: "Gus", email: "gus@example.com" })).leave();
  const fay = await place.member({ name: "Fay", email: "fay@example.com" });
  place.openId.holdBack();
  await connect(fay, "fay@work.example");
  await fay.open("/profile");
  await fay.press("Sign out");
  await fay.signIn({ email: "gus@example.com", password: PASSWORD });
  assert.equal(await fay.open(place.openId.held), 410);
  await fay.open("/profile/connections");
  await fay.sees("None is connected");
});

test("who cancels there while connecting is back at the account", async () => {
  const hal = await place.member({ name: "Hal", email: "hal@example.com" });
  await hal.open("/profile/connections");
  await hal.pressLeaving("Connect Example");
  await hal.press("Cancel");
  await hal.sees("was cancelled at the provider");
  await hal.follow("Back to your account");
  hal.isAt("/profile/connections");
  await hal.sees("None is connected");
});
