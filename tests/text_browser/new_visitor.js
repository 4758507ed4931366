// Somebody at a terminal who has no account yet, before the sign-up page of a server of their own.

import { after, before } from "node:test";
import { Vestibule } from "../browser/support/vestibule.js";
import { Reader } from "./reader.js";

export const EMAIL = "ann@example.com";
export const PASSWORD = "a lantern by the gate";

/** `{ hall, reader, signUp }`, there while the tests of a file run. */
export function aNewcomer() {
  const newVisitor = { signUp };
  before(async () => {
    newVisitor.vestibule = await Vestibule.open();
    newVisitor.reader = new Reader(`${newVisitor.vestibule.url}/sign-up`);
  });
  after(async () => {
    newVisitor.reader?.close();
    await newVisitor.vestibule?.close();
  });
  return newVisitor;
}

/** Creates the account; the email is on its way then. */
async function signUp() {
  await this.reader.fill("Name", "Ann Example");
  await this.reader.fill("E-mail", EMAIL);
  await this.reader.fill("Password", PASSWORD);
  await this.reader.press("Create account");
  await this.reader.sees(EMAIL);
}
