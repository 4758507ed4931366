import { test } from "node:test";
import { EMAIL, PASSWORD, aNewcomer } from "./new_visitor.js";

const PHONE = "+4915112345678";
const newVisitor = aNewcomer();

test("in a text browser somebody adds a number, switches the second factor on and signs in with it (S97)", async () => {
  const { vestibule, reader } = newVisitor;
  await newVisitor.signUp();
  await reader.fill("Code from the mail", await vestibule.inbox.nextCode(EMAIL));
  await reader.press("Confirm my address");
  await reader.sees("Hello, Ann");

  await reader.open(`${vestibule.url}/profile/phone`);
  await reader.sees("Your account has none");
  await reader.fill("Phone number", PHONE);
  await reader.press("Send me a code");
  await reader.sees("A code of six digits is on its way");
  await reader.fill("Code", await vestibule.inbox.nextCode(PHONE));
  await reader.press("Confirm");
  await reader.sees("Your phone number is confirmed");
  await reader.open(`${vestibule.url}/profile/two-factor`);
  await reader.press("Switch on");
  await reader.sees("This is the only time that they are shown");

  await reader.open(`${vestibule.url}/sign-out`);
  await reader.press("Sign out");
  await reader.open(`${vestibule.url}/sign-in`);
  await reader.fill("E-mail", EMAIL);
  await reader.fill("Password", PASSWORD);
  await reader.press("Sign in");
  await reader.sees("Your second step");
  await reader.fill("Code", await vestibule.inbox.nextCode(PHONE));
  await reader.press("Sign in");
  await reader.sees("Hello, Ann");
});
