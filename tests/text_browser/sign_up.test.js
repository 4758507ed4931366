import { test } from "node:test";
import { EMAIL, PASSWORD, aNewcomer } from "./new_visitor.js";

const newVisitor = aNewcomer();

test("in a text browser somebody signs up, confirms, signs out and signs in again (S97)", async () => {
  const { vestibule, reader } = newVisitor;
  await newVisitor.signUp();

  await reader.open(await vestibule.inbox.nextLink(EMAIL));
  await reader.sees("Ann Example");
  await reader.press("Sign out");

  await reader.open(`${vestibule.url}/sign-in`);
  await reader.fill("E-mail", EMAIL);
  await reader.fill("Password", PASSWORD);
  await reader.press("Sign in");
  await reader.sees("Ann Example");
});
