// Somebody in front of a browser: Chromium, with scripts off unless said otherwise. What they do is said in the words that
// stand on the page; a step that leads to another page ends when that page is there.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

export const PASSWORD = "a lantern by the gate";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
const QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Chromium as Debian packages it, with further flags. Close it when the journeys are done. */
export function openChromium(flags = []) {
  return chromium.launch({
    executablePath: process.env.VESTIBULE_CHROMIUM ?? "/usr/bin/chromium",
    args: [...FLAGS, ...QUIET, ...flags],
  });
}

export class Visitor {
  #answer;

  /** A browser of one's own: no cookies, no history. */
  static async enter(chromium, vestibule, options = {}) {
    const visitor = new Visitor();
    visitor.vestibule = vestibule;
    const context = await chromium.newContext({ javaScriptEnabled: false, baseURL: vestibule.url, ...options });
    context.setDefaultTimeout(15_000);
    visitor.page = await context.newPage();
    visitor.page.on("response", (answer) => {
      if (answer.request().isNavigationRequest() && answer.frame() === visitor.page.mainFrame()) visitor.#answer = answer;
    });
    return visitor;
  }

  /** Somebody with a confirmed account, signed in, looking at their profile. */
  static async member(chromium, vestibule, { name, email, options }) {
    const visitor = await Visitor.enter(chromium, vestibule, options);
    await visitor.signUp({ name, email });
    await visitor.open(await vestibule.inbox.nextLink(email));
    await visitor.isAt("/profile");
    return visitor;
  }

  async signUp({ name, email, password = PASSWORD }) {
    await this.open("/sign-up");
    await this.fill({ Name: name, "E-mail": email, Password: password });
    await this.press("Create account");
  }

  async signIn({ email, password = PASSWORD }) {
    await this.open("/sign-in");
    await this.fill({ "E-mail": email, Password: password });
    await this.press("Sign in");
  }

  /** Goes to a path or an absolute URL. Answers the status. */
  async open(url) {
    const answer = await this.page.goto(url);
    return answer.status();
  }

  /** Types into fields, found by their labels. */
  async fill(fields) {
    for (const [label, text] of Object.entries(fields)) await this.field(label).fill(text);
  }

  /** Chooses a file. */
  async attach(label, file) {
    await this.field(label).setInputFiles(file);
  }

  /** Presses a button and waits for the page that answers. */
  async press(name) {
    await this.#leads(() => this.page.getByRole("button", { name, exact: typeof name === "string" }).first().click());
  }

  /** Presses a button whose page leads on to another site by itself, and waits until that is there. */
  async pressLeaving(name) {
    const here = new URL(this.page.url()).origin;
    await this.page.getByRole("button", { name, exact: true }).first().click();
    await this.page.waitForURL((url) => url.origin !== here);
  }

  /** Follows a link and waits for its page. */
  async follow(name) {
    await this.#leads(() => this.page.getByRole("link", { name }).first().click());
  }

  /** Chooses from a list, by the words that stand there. */
  async choose(label, option) {
    await this.field(label).selectOption({ label: option });
  }

  /** Ticks a box. */
  async tick(label) {
    await this.field(label).check();
  }

  /** Types the digits of a message, or of an app, and presses a button. */
  async typeCode(code, button) {
    await this.fill({ Code: code });
    await this.press(button);
  }

  /** Presses Tab until the field with this label has the focus; a form must not be further away than that. */
  async reach(label) {
    await this.#tabTo(this.field(label), label);
  }

  /** The same with a button. */
  async reachButton(name) {
    await this.#tabTo(this.page.getByRole("button", { name, exact: true }), name);
  }

  /** Presses a key that leads to another page. */
  async strikes(key) {
    await this.#leads(() => this.page.keyboard.press(key));
  }

  field(label) {
    return this.page.getByLabel(label, { exact: true });
  }

  /** What is typed in a field. */
  value(label) {
    return this.field(label).inputValue();
  }

  /** The sentence that says what is wrong with a field: what the field itself says describes it. */
  async problem(label) {
    const field = this.field(label);
    assert.equal(await field.getAttribute("aria-invalid"), "true", `${label} is not marked as wrong`);
    const ids = ((await field.getAttribute("aria-describedby")) ?? "").split(/\s+/).filter(Boolean);
    const texts = await Promise.all(ids.map((id) => this.page.locator(`[id="${id}"]`).innerText()));
    return texts.join(" ");
  }

  /** What is summed up at the top. */
  summary() {
    return this.page.getByRole("alert").first().innerText();
  }

  text() {
    return this.page.locator("body").innerText();
  }

  /** The page as it was sent, before the browser mended it. */
  source() {
    return this.#answer.text();
  }

  get status() {
    return this.#answer.status();
  }

  get path() {
    return new URL(this.page.url()).pathname;
  }

  isAt(path) {
    assert.equal(this.path, path);
  }

  async sees(words) {
    const text = (await this.text()).replace(/\s+/g, " ");
    assert.ok(text.includes(words), `"${words}" is not on ${this.path}:\n${text}`);
  }

  async seesNot(words) {
    const text = await this.text();
    assert.ok(!text.includes(words), `"${words}" is on ${this.path}:\n${text}`);
  }

  leave() {
    return this.page.context().close();
  }

  async #tabTo(place, name) {
    for (let tabs = 0; tabs < 20; tabs++) {
      if (await place.evaluate((element) => element === document.activeElement)) return;
      await this.page.keyboard.press("Tab");
    }
    assert.fail(`${name} is not reached by 20 presses of Tab`);
  }

  async #leads(step) {
    const loaded = this.page.waitForEvent("load");
    await Promise.all([loaded, step()]);
  }
}
