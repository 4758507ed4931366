// Somebody at a terminal who has no account yet, before the sign-up page of a hall of their own.

import { after, before } from "node:test";
import { Hall } from "../browser/support/hall.js";
import { Reader } from "./reader.js";

export const EMAIL = "ann@example.com";
export const PASSWORD = "a lantern by the gate";

/** `{ hall, reader, signUp }`, there while the tests of a file run. */
export function aNewcomer() {
  const newcomer = { signUp };
  before(async () => {
    newcomer.hall = await Hall.open();
    newcomer.reader = new Reader(`${newcomer.hall.url}/sign-up`);
  });
  after(async () => {
    newcomer.reader?.close();
    await newcomer.hall?.close();
  });
  return newcomer;
}

/** Creates the account; the mail is on its way then. */
async function signUp() {
  await this.reader.fill("Name", "Ann Example");
  await this.reader.fill("E-mail", EMAIL);
  await this.reader.fill("Password", PASSWORD);
  await this.reader.press("Create account");
  await this.reader.sees(EMAIL);
}
