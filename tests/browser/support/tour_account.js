// The part of the tour behind the sign-in: the account's pages, the second factor, and the page that asks who is there.

import { Authenticator } from "./authenticator.js";
import { picture } from "./picture.js";

const WRONG_CODE = "271828";
const PHONE = "+4915187654321";

/** The walks, each with an account of its own. */
export const account = [profile, emailChange, texts, apps, stepUps];

async function profile({ visitor, member }, look) {
  const email = "zoe@example.com";
  const zoe = await member({ name: "Zoë Example-Longname von und zu Hohenstein", email });
  await look("profile", zoe);
  const other = await visitor();
  await other.signIn({ email });
  for (const page of ["name", "picture", "password", "email", "phone", "two-factor", "sessions"]) {
    await zoe.open(`/profile/${page}`);
    await look(`profile-${page}`, zoe);
  }
  await zoe.open("/profile/password");
  await zoe.fill({ "Current password": "a wrong password", "New password": "short pw" });
  await zoe.press("Change password");
  await look("profile-password-refused", zoe);
  await zoe.open("/profile/picture");
  await zoe.attach("Picture", { name: "me.png", mimeType: "image/png", buffer: picture(300, 200) });
  await zoe.press("Upload");
  await look("profile-picture-own", zoe);
  await zoe.open("/profile");
  await look("profile-with-picture", zoe);
  await other.open("/profile");
  await other.press("Sign out");
  await look("signed-out", other);
  for (const one of [zoe, other]) await one.leave();
}

async function emailChange({ visitor, member, vestibule }, look) {
  const [email, newEmail] = ["cleo@example.com", "cleo@new.example"];
  const cleo = await member({ name: "Cleo", email });
  await cleo.open("/profile/email");
  await cleo.fill({ "New e-mail": newEmail });
  await cleo.press("Change e-mail");
  await look("profile-email-asked", cleo);
  await cleo.fill({ "Code from the mail": WRONG_CODE });
  await cleo.press("Confirm the new address");
  await look("profile-email-wrong-code", cleo);
  await cleo.open(await vestibule.inbox.nextLink(newEmail));
  await look("profile-email-confirm", cleo);
  await cleo.press("Confirm the new address");
  await look("profile-email-confirmed", cleo);

  const elsewhere = await visitor();
  await elsewhere.open(await vestibule.inbox.newestNotMeLink(email));
  await look("not-me", elsewhere);
  const squatter = await member({ name: "Dan", email });
  await elsewhere.press("It was not me: take it back");
  await look("not-me-address-taken", elsewhere);
  for (const one of [cleo, elsewhere, squatter]) await one.leave();
}

async function texts({ visitor, member, vestibule }, look) {
  const email = "eve@example.com";
  const eve = await member({ name: "Eve", email });
  await eve.open("/profile/phone");
  await eve.fill({ "Phone number": "12" });
  await eve.press("Send me a code");
  await look("profile-phone-refused", eve);
  await eve.fill({ "Phone number": PHONE });
  await eve.press("Send me a code");
  await look("profile-phone-confirm", eve);
  await eve.typeCode(WRONG_CODE, "Confirm");
  await look("profile-phone-wrong-code", eve);
  await eve.open("/profile/phone");
  await look("profile-phone-waiting", eve);
  await eve.open("/profile/phone/confirm");
  await eve.typeCode(await vestibule.inbox.newestCode(PHONE), "Confirm");
  await look("profile-phone-confirmed", eve);
  await eve.open("/profile/two-factor");
  await look("profile-two-factor-phone", eve);
  await eve.press("Switch on codes by text message");
  await look("recovery-codes", eve);

  const guest = await visitor();
  await guest.signIn({ email });
  await look("second-step", guest);
  await guest.typeCode(WRONG_CODE, "Sign in");
  await look("second-step-wrong-code", guest);
  await guest.press("Send another code");
  await look("second-step-sent-again", guest);
  await vestibule.pass({ minutes: 6 });
  await guest.open("/sign-in/two-factor");
  await look("second-step-too-late", guest);
  for (const one of [eve, guest]) await one.leave();
}

async function apps({ visitor, member }, look) {
  const email = "fay@example.com";
  const fay = await member({ name: "Fay", email });
  await fay.open("/profile/two-factor");
  await fay.press("Set up an app");
  await look("authenticator", fay);
  const app = await Authenticator.scan(fay);
  await fay.typeCode(WRONG_CODE, "Switch it on");
  await look("authenticator-wrong-code", fay);
  await fay.typeCode(app.code(), "Switch it on");
  const codes = await fay.page.locator("ol.codes code").allInnerTexts();

  const guest = await visitor();
  await guest.signIn({ email });
  await look("second-step-app", guest);
  await guest.tick("Do not ask in this browser for 30 days");
  await guest.typeCode(await app.nextCode(), "Sign in");
  await fay.open("/profile/two-factor");
  await look("profile-two-factor-on", fay);
  await fay.open("/profile");
  await look("profile-second-step-on", fay);

  for (const code of codes.slice(0, 8)) {
    const lost = await visitor();
    await lost.signIn({ email });
    await lost.follow("Phone lost? Use a recovery code");
    if (code === codes[0]) await lookAtRecovery(lost, look);
    await lost.fill({ "Recovery code": code });
    await lost.press("Sign in");
    await lost.leave();
  }
  await fay.open("/profile/two-factor");
  await look("profile-two-factor-short-of-codes", fay);
  for (const one of [fay, guest]) await one.leave();
}

async function lookAtRecovery(visitor, look) {
  await look("recovery-code", visitor);
  await visitor.fill({ "Recovery code": "abcde-fgh23" });
  await visitor.press("Sign in");
  await look("recovery-code-wrong", visitor);
}

async function stepUps({ member, vestibule }, look) {
  const gus = await member({ name: "Gus", email: "gus@example.com" });
  await vestibule.pass({ minutes: 11 });
  await gus.open("/profile/email");
  await gus.fill({ "New e-mail": "gus@new.example" });
  await gus.press("Change e-mail");
  await look("step-up", gus);
  await gus.fill({ "Your password": "a wrong password" });
  await gus.press("Confirm");
  await look("step-up-wrong-password", gus);
  await gus.leave();

  const hal = await member({ name: "Hal", email: "hal@example.com" });
  await hal.open("/profile/two-factor");
  await hal.press("Set up an app");
  await hal.typeCode((await Authenticator.scan(hal)).code(), "Switch it on");
  await vestibule.pass({ minutes: 11 });
  await hal.open("/profile/two-factor");
  await hal.press("Make new recovery codes");
  await look("step-up-app", hal);
  await hal.typeCode(WRONG_CODE, "Confirm");
  await look("step-up-app-wrong-code", hal);
  await hal.leave();
}
