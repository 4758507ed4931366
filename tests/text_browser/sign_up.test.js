import { test } from "node:test";
import { EMAIL, PASSWORD, aNewcomer } from "./newcomer.js";

const newcomer = aNewcomer();

test("in a text browser somebody signs up, confirms, signs out and signs in again (S97)", async () => {
  const { hall, reader } = newcomer;
  await newcomer.signUp();

  await reader.open(await hall.inbox.nextLink(EMAIL));
  await reader.sees("Ann Example");
  await reader.press("Sign out");

  await reader.open(`${hall.url}/sign-in`);
  await reader.fill("E-mail", EMAIL);
  await reader.fill("Password", PASSWORD);
  await reader.press("Sign in");
  await reader.sees("Ann Example");
});
