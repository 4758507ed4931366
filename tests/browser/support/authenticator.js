// An authenticator app: it reads the key from the picture that a page shows, and `oathtool` computes its codes.

import { execFileSync } from "node:child_process";

export class Authenticator {
  #vestibule;

  /** Points the camera at the page. */
  static async scan(visitor) {
    const picture = await visitor.page.locator("svg.qr").screenshot();
    const read = execFileSync("zbarimg", ["--quiet", "--raw", "-"], { input: picture, encoding: "utf8", stdio: "pipe" });
    return new Authenticator(visitor.vestibule, new URL(read.trim()));
  }

  constructor(vestibule, url) {
    this.#vestibule = vestibule;
    this.url = url;
    this.key = url.searchParams.get("secret");
  }

  /** The six digits that it shows now. */
  code() {
    const now = new Date(this.#vestibule.now()).toISOString();
    return execFileSync("oathtool", ["--totp", "--base32", `--now=${now}`, this.key], { encoding: "utf8" }).trim();
  }

  /** The six digits that it shows next, once it does. A server takes each only once, so who needs a second one waits. */
  async nextCode() {
    await this.#vestibule.pass({ seconds: 30 });
    return this.code();
  }
}
