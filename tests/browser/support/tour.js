// A walk through the house: every page, and every state of it that looks different. Each walk gets a place, and
// calls `look(name, visitor)` at each.

import { account } from "./tour_account.js";
import { PASSWORD } from "./visitor.js";

const WRONG_CODE = "271828";

export const tour = [strangers, mailJourneys, phoneJourneys, ...account];

async function strangers({ visitor }, look) {
  const guest = await visitor();
  const pages = {
    home: "/",
    "sign-up": "/sign-up",
    "sign-up-phone": "/sign-up/phone",
    "sign-in": "/sign-in",
    "sign-in-phone": "/sign-in/phone",
    "sign-in-code": "/sign-in/code",
    "magic-link": "/magic-link",
    "reset-password": "/reset-password",
    "reset-password-phone": "/reset-password/phone",
    "link-is-dead": "/auth-redirect?status=400&action=magic-link&error=Invalid+or+expired+access+token",
    "not-me-gone": "/not-me?key=over",
    "not-found": "/nowhere",
  };
  for (const [name, path] of Object.entries(pages)) {
    await guest.open(path);
    await look(name, guest);
  }
  await guest.signUp({ name: "Eve", email: "eve@example.com", password: "password1" });
  await look("sign-up-refused", guest);
  await guest.signIn({ email: "nobody@example.com", password: "a wrong password" });
  await look("sign-in-refused", guest);
  await guest.open("/magic-link");
  await guest.page.context().clearCookies();
  await guest.fill({ "E-mail": "nobody@example.com" });
  await guest.press("Send me a link");
  await look("form-too-old", guest);
  await guest.leave();
}

async function mailJourneys({ visitor, vestibule }, look) {
  const email = "ann@example.com";
  const [guest, elsewhere] = [await visitor(), await visitor()];
  await guest.signUp({ name: "Ann Example", email });
  await look("check-inbox", guest);
  await guest.fill({ "Code from the mail": WRONG_CODE });
  await guest.press("Confirm my address");
  await look("check-inbox-wrong-code", guest);
  await elsewhere.signIn({ email });
  await look("sign-in-unproved", elsewhere);
  await elsewhere.open(await vestibule.inbox.nextLink(email));
  await look("confirm-elsewhere", elsewhere);
  await elsewhere.press("Confirm my address");
  await elsewhere.open("/sign-out");
  await look("sign-out", elsewhere);
  await guest.open("/dev/inbox");
  await look("dev-inbox", guest);

  for (const [name, path] of Object.entries({ "magic-link": "/magic-link", "reset-password": "/reset-password" })) {
    await guest.open(path);
    await guest.fill({ "E-mail": email });
    await guest.press("Send me a link");
    await look(`${name}-sent`, guest);
  }
  await guest.fill({ "Code from the mail": await vestibule.inbox.newestCode(email) });
  await guest.press("Choose a new password");
  await look("choose-password", guest);
  for (const one of [guest, elsewhere]) await one.leave();
}

async function phoneJourneys({ visitor, vestibule }, look) {
  const phone = "+4915112345678";
  const guest = await visitor();
  await guest.open("/sign-up/phone");
  await guest.choose("Country", "Germany (+49)");
  await guest.fill({ Name: "Bob", "Phone number": "12", Password: "password1" });
  await guest.press("Create account");
  await look("sign-up-phone-refused", guest);
  await guest.fill({ "Phone number": "01511 2345678", Password: PASSWORD });
  await guest.press("Create account");
  await look("verify-phone", guest);
  await guest.typeCode(WRONG_CODE, "Confirm");
  await look("verify-phone-wrong-code", guest);
  await vestibule.pass({ minutes: 11 });
  await guest.open("/verify-phone");
  await look("verify-phone-too-late", guest);
  await guest.open("/sign-in/phone");
  await guest.fill({ "Phone number": phone, Password: PASSWORD });
  await guest.press("Sign in");
  await look("sign-in-phone-unproved", guest);
  await guest.press("Send me a code");
  await look("verify-phone-again", guest);
  await guest.typeCode(await vestibule.inbox.newestCode(phone), "Confirm");
  await look("profile-phone-member", guest);
  await guest.press("Sign out");

  await guest.open("/sign-in/phone");
  await guest.fill({ "Phone number": phone, Password: "a wrong password" });
  await guest.press("Sign in");
  await look("sign-in-phone-refused", guest);
  for (const [name, path, button] of [
    ["sign-in-code", "/sign-in/code", "Sign in"],
    ["reset-password-phone", "/reset-password/phone", "Save the new password"],
  ]) {
    await guest.open(path);
    await guest.fill({ "Phone number": phone });
    await guest.press("Send me a code");
    await look(`${name}-sent`, guest);
    if (button !== "Sign in") await guest.fill({ "New password": "short" });
    await guest.typeCode(WRONG_CODE, button);
    await look(`${name}-wrong`, guest);
  }
  await guest.leave();
}
