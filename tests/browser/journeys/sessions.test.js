import { test } from "node:test";
import { aPlace } from "../support/journey.js";

const place = aPlace();

test("a session ended in the list is refused at its next request", async () => {
  const email = "ann@example.com";
  const laptop = await place.member({ name: "Ann", email });
  const phone = await place.visitor();
  await phone.signIn({ email });
  phone.isAt("/profile");

  await laptop.open("/profile/sessions");
  await laptop.sees("Chrome");
  await laptop.sees("this browser");
  await laptop.press(/^End HeadlessChrome on Linux, started/);
  await phone.open("/profile");
  phone.isAt("/sign-in");
  await laptop.open("/profile");
  laptop.isAt("/profile");
});

test("all other sessions end at one press", async () => {
  const email = "bea@example.com";
  const laptop = await place.member({ name: "Bea", email });
  const others = [await place.visitor(), await place.visitor()];
  for (const other of others) await other.signIn({ email });
  await laptop.open("/profile/sessions");
  await laptop.press("End all others");
  for (const other of others) {
    await other.open("/profile");
    other.isAt("/sign-in");
  }
  await laptop.open("/profile");
  laptop.isAt("/profile");
});
