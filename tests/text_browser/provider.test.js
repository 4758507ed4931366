import { after, before, test } from "node:test";
import { Vestibule, providerSettings } from "../browser/support/vestibule.js";
import { CLIENT_ID, CLIENT_SECRET, UntrueServer } from "../browser/support/untrue_server.js";
import { Reader } from "./reader.js";

let provider;
let vestibule;
let reader;

before(async () => {
  provider = await UntrueServer.open();
  const settings = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, issuer: provider.url };
  vestibule = await Vestibule.open({ settings: providerSettings("example", settings) });
  reader = new Reader(`${vestibule.url}/sign-in`);
});

after(async () => {
  reader?.close();
  await vestibule?.close();
  await provider?.close();
});

test("in a text browser somebody says no at a provider, tries again and is in (S97)", async () => {
  await reader.press("Continue with Example");
  // w3m does not lead on by itself, so there is a link.
  await reader.press("Continue to Example");
  await reader.sees("Example accounts");
  await reader.press("Cancel");
  await reader.sees("was cancelled at the provider");
  await reader.press("Try Example again");
  await reader.press("Continue to Example");
  await reader.press("Allow");
  await reader.sees("Hello, Ann");
});
