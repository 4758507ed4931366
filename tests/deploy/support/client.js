// A client that is no browser, and writes whatever headers it likes: it keeps cookies and sends our forms.

import { PASSWORD } from "../../browser/support/visitor.js";

export class Client {
  cookies = new Map();

  constructor(place, { from, headers = {} } = {}) {
    Object.assign(this, { place, from, headers });
  }

  get cookie() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async ask(url, options = {}) {
    const headers = { ...this.headers, ...options.headers, ...(this.cookie && { cookie: this.cookie }) };
    const answer = await this.place.ask(url, { from: this.from, ...options, headers });
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      if (value === "" || /max-age=0\b/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }

  /** Opens a page of the server, fills its first form and sends it. */
  async send(path, fields) {
    const url = this.place.url + path;
    const page = await this.ask(url);
    const csrf = page.text.match(/name="csrf" value="([^"]+)"/)[1];
    const body = new URLSearchParams({ csrf, ...fields }).toString();
    const origin = new URL(url).origin;
    const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": String(body.length), origin };
    return this.ask(url, { method: "POST", body, headers });
  }

  signIn(email, password = PASSWORD) {
    return this.send("/sign-in", { email, password });
  }
}
