// A whole place: the server, a second site, and a proxy with TLS in front of both; and what is sent to it.

import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Vestibule, freePort } from "../../browser/support/vestibule.js";
import { makeCertificate } from "./certificate.js";
import { Proxy, renderer } from "./proxies.js";
import { Names } from "./names.js";
import { Site } from "./site.js";

const DEPLOY = resolve(dirname(fileURLToPath(import.meta.url)), "../../../deploy");

/** Where the server and the second site are in each variant of the configurations. */
const VARIANTS = {
  root: { vestibule: "id.example.com", prefix: "", site: "app.example.com" },
  "sub-path": { vestibule: "example.com", prefix: "/hall", site: "example.com" },
};

const RULES = [
  { path: "/public", who: "anyone" },
  { path: "/inner", who: "second_factor" },
];

export class Place {
  /** `settings` are more of the server's; `mistakes` are made in the proxy's configuration: a file, what is replaced in it, and by what. */
  static async open(name, variant, options = {}) {
    const place = new Place();
    try {
      await place.#begin(name, variant, options);
    } catch (error) {
      // Else what was started already would keep the tests from ending.
      await place.close();
      throw error;
    }
    return place;
  }

  async #begin(name, variant, { settings = {}, mistakes = [] }) {
    const names = VARIANTS[variant];
    this.folder = await mkdtemp(join(tmpdir(), "vestibule-deploy-"));
    this.tls = makeCertificate(this.folder);
    this.site = await Site.open();
    const [http, https] = [await freePort(), await freePort()];
    this.url = `https://${names.vestibule}:${https}${names.prefix}`;
    this.prefix = names.prefix;
    this.siteUrl = `https://${names.site}:${https}`;
    const sibling = names.site !== names.vestibule;
    this.vestibule = await Vestibule.open({
      settings: {
        VESTIBULE_SERVER__PUBLIC_URL: this.url,
        VESTIBULE_SERVER__TRUSTED_PROXIES: "127.0.0.1",
        VESTIBULE_ACCESS__RULES: JSON.stringify(RULES),
        // what each guide tells to set
        ...(sibling && {
          VESTIBULE_ACCESS__HOSTS: `${names.site}:${https}`,
          VESTIBULE_ACCESS__COOKIE_DOMAIN: "example.com",
        }),
        ...settings,
      },
    });
    const ports = { http, https, site: this.site.port, vestibule: Number(new URL(this.vestibule.url).port) };
    const { folder, tls } = this;
    this.ports = ports;
    this.proxy = await Proxy.start(name, { folder, tls, variant, ports, render: renderer(DEPLOY, folder, mistakes) });
    await this.#ready();
  }

  /** One request through the proxy, the certificate checked against the throw-away authority. `headers` may be a list of pairs,
   *  so that a header can come twice; `from` is the client's address. */
  ask(url, { method = "GET", headers = {}, path, body, tls, from = "127.0.0.1" } = {}) {
    const { hostname, port, pathname, search } = new URL(url, this.url);
    const target = { host: "127.0.0.1", port, servername: hostname, localAddress: from, ca: this.tls.authority, ...tls };
    const options = { ...target, path: path ?? pathname + search, method, agent: false };
    const host = { host: `${hostname}:${port}` };
    const all = Array.isArray(headers) ? [...Object.entries(host), ...headers].flat() : { ...host, ...headers };
    return new Promise((resolve, reject) => {
      const sent = request({ ...options, headers: all }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part) => (text += part));
        const protocol = answer.socket.getProtocol();
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text, protocol }));
        answer.on("error", reject);
      });
      sent.setTimeout(10_000, () => sent.destroy(new Error(`${url}: no answer`)));
      sent.on("error", reject).end(body);
    });
  }

  /** `vestibule doctor`, on whose machine the names of the configurations lead here and the throw-away authority is known. */
  async doctor() {
    this.names ??= await Names.open({ 80: this.ports.http });
    const way = { HTTPS_PROXY: this.names.url, HTTP_PROXY: this.names.url, SSL_CERT_FILE: this.tls.authorityFile };
    return this.vestibule.run(["doctor"], way);
  }

  async close() {
    await this.names?.close();
    await this.proxy?.close();
    await this.site?.close();
    await this.vestibule?.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #ready() {
    for (let tries = 0; tries < 100 && !this.proxy.ended; tries++) {
      const answer = await this.ask(`${this.url}/sign-in`).catch((error) => (this.trouble = error));
      if (answer.status < 500) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`the proxy does not get ready (${this.trouble}):\n${this.proxy.log}`);
  }
}
