// What the route table answers a GET at, so that a page that nobody looked at is noticed.

import { readFile } from "node:fs/promises";

/** Forms whose answer, opened with a GET, is the page that the form stands on. */
const FORMS = {
  "/verify-phone/resend": "/verify-phone",
  "/check-inbox/code": "/check-inbox",
  "/check-inbox/resend": "/check-inbox",
  "/check-inbox/correct": "/check-inbox",
  "/sign-in/code/resend": "/sign-in/code/enter",
  "/sign-in/two-factor/resend": "/sign-in/two-factor",
  "/sign-in/two-factor/leave": "/sign-in/two-factor",
  "/reset-password/phone/resend": "/reset-password/phone/choose",
  "/profile/picture/remove": "/profile/picture",
  "/profile/email/code": "/profile/email",
  "/profile/sessions/end": "/profile/sessions",
  "/profile/sessions/end-others": "/profile/sessions",
  "/profile/two-factor/text/on": "/profile/two-factor",
  "/profile/two-factor/text/off": "/profile/two-factor",
  "/profile/two-factor/authenticator/confirm": "/profile/two-factor/authenticator",
  "/profile/two-factor/authenticator/remove": "/profile/two-factor",
  "/profile/two-factor/recovery-codes": "/profile/two-factor",
  "/profile/two-factor/browsers/untrust": "/profile/two-factor",
  "/profile/connections/connect": "/profile/connections",
  "/profile/connections/disconnect": "/profile/connections",
  "/profile/connections/decline": "/profile/connections",
};

/** What only leads on: the links of emails take the key out of the address, and browsers ask where a password is changed. */
const LEAD_ON = {
  "/not-me": "/not-me/confirm",
  "/profile/email/undo": "/not-me/confirm",
  "/profile/email/confirm": "/profile/email/confirm/finish",
  "/.well-known/change-password": "/profile/password",
  "/signed-out/provider": "/signed-out",
  "/_auth/{provider}/signed-out": "/signed-out",
  // Applications open a provider with their environment, as the older client writes it (altogic-protocol.md §11).
  "/_auth/{environment}/{provider}": "/_auth/{provider}",
  "/e:{environment}/_auth/{provider}": "/_auth/{provider}",
};

/** What shows no page: it speaks with a proxy (tests/journeys/forward_auth.rs, tests/deploy), or with a provider. */
const WITHOUT_PAGE = [/^\/forward-auth/, /\/back-channel-logout$/];

/** The paths of the table that show a page none of `seen` shows. */
export async function unseen(seen) {
  const source = await readFile(new URL("../../../src/web/routes.rs", import.meta.url), "utf8");
  const table = source.slice(source.indexOf("fn table()"), source.indexOf("MOVED"));
  const paths = [...table.matchAll(/\bat\("([^"]+)"/g)].map(([, path]) => path);
  if (paths.length < 40) throw new Error(`only ${paths.length} paths are read from src/web/routes.rs`);
  const isSeen = (path) => [...seen].some((other) => shape(path).test(other));
  const own = paths.filter((path) => !WITHOUT_PAGE.some((other) => other.test(path)));
  return own.filter((path) => !isSeen(path) && !isSeen(FORMS[path] ?? LEAD_ON[path] ?? path));
}

/** What a path of the table stands for: `{provider}` is any one part of it. */
function shape(path) {
  return new RegExp(`^${path.replaceAll(".", "\\.").replace(/\{[^}]+\}/g, "[^/]+")}$`);
}
