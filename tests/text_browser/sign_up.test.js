import { after, before, test } from "node:test";
import { Hall } from "../browser/support/hall.js";
import { Reader } from "./reader.js";

const EMAIL = "ann@example.com";
const PASSWORD = "a lantern by the gate";
let hall;
let reader;

before(async () => {
  hall = await Hall.open();
  reader = new Reader(`${hall.url}/sign-up`);
});

after(async () => {
  reader?.close();
  await hall?.close();
});

test("in a text browser somebody signs up, confirms, signs out and signs in again (S97)", async () => {
  await reader.fill("Name", "Ann Example");
  await reader.fill("E-mail", EMAIL);
  await reader.fill("Password", PASSWORD);
  await reader.press("Create account");
  await reader.sees(EMAIL);

  await reader.open(await hall.inbox.nextLink(EMAIL));
  await reader.sees("Ann Example");
  await reader.press("Sign out");

  await reader.open(`${hall.url}/sign-in`);
  await reader.fill("E-mail", EMAIL);
  await reader.fill("Password", PASSWORD);
  await reader.press("Sign in");
  await reader.sees("Ann Example");
});
