// The four proxies, each with the configuration that deploy/ ships: nothing but ports, paths and the port behind the names is
// replaced in it, and what is not found to be replaced is an error.

import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How to prepare and start each. `place` has `folder`, `variant`, `deploy`, `ports` and `tls`. */
export const PROXIES = {
  nginx(place) {
    const { folder, ports } = place;
    mkdirSync(join(folder, "snippets"));
    for (const name of ["vestibule-proxy", "vestibule-guard", "vestibule-ask"]) {
      place.render(`nginx/${name}.conf`, `snippets/${name}.conf`, []);
    }
    place.render("nginx/vestibule-http.conf", "http.conf", [
      ["127.0.0.1:3000", `127.0.0.1:${ports.vestibule}`],
      ["listen 443", `listen 127.0.0.1:${ports.https}`],
      ["listen 80", `listen 127.0.0.1:${ports.http}`],
      ["https://$host$request_uri", `https://$host:${ports.https}$request_uri`],
    ]);
    place.render(`nginx/${place.variant}.conf`, "site.conf", [
      ["listen 443", `listen 127.0.0.1:${ports.https}`],
      ["127.0.0.1:8080", `127.0.0.1:${ports.site}`],
      ["/etc/ssl/example.com.pem", place.tls.certificate],
      ["/etc/ssl/example.com.key", place.tls.key],
      [/\$vestibule_site https:\/\/[a-z.]+/, `$&:${ports.https}`],
    ]);
    const spool = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`);
    const http = `access_log off; ${spool.join(" ")} include http.conf; include site.conf;`;
    const main = `daemon off; master_process off; pid ${folder}/pid; error_log stderr warn; events {} http { ${http} }`;
    writeFileSync(join(folder, "nginx.conf"), main);
    return ["nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"]];
  },

  caddy(place) {
    const { folder, ports } = place;
    const file = place.render(`caddy/${place.variant}.Caddyfile`, "Caddyfile", [
      ["127.0.0.1:3000", `127.0.0.1:${ports.vestibule}`],
      ["127.0.0.1:8080", `127.0.0.1:${ports.site}`],
      ["/etc/ssl/example.com.pem", place.tls.certificate],
      ["/etc/ssl/example.com.key", place.tls.key],
    ]);
    const globals = `{\nadmin off\nhttp_port ${ports.http}\nhttps_port ${ports.https}\ndefault_bind 127.0.0.1\n}\n`;
    writeFileSync(file, globals + readFileSync(file, "utf8"));
    const args = ["run", "--config", file, "--adapter", "caddyfile"];
    return ["caddy", args, { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }];
  },

  haproxy(place) {
    const { folder, ports } = place;
    const script = place.render("haproxy/vestibule.lua", "vestibule.lua", []);
    const file = place.render(`haproxy/${place.variant}.cfg`, "haproxy.cfg", [
      ["127.0.0.1:3000", `127.0.0.1:${ports.vestibule}`],
      ["127.0.0.1:8080", `127.0.0.1:${ports.site}`],
      ["bind :443", `bind 127.0.0.1:${ports.https}`],
      ["bind :80", `bind 127.0.0.1:${ports.http}`],
      ["/etc/ssl/example.com.pem", place.tls.both],
      ["/etc/haproxy/vestibule.lua", script],
      [/str\(https:\/\/[a-z.]+/, `$&:${ports.https}`],
    ]);
    return ["haproxy", ["-db", "-f", file]];
  },

  apache(place) {
    const { folder, ports } = place;
    const clean = place.render("apache/vestibule-clean.conf", "clean.conf", []);
    const script = place.render("apache/vestibule.lua", "vestibule.lua", []);
    const site = place.render(`apache/${place.variant}.conf`, "site.conf", [
      ["127.0.0.1:3000", `127.0.0.1:${ports.vestibule}`],
      ["127.0.0.1:8080", `127.0.0.1:${ports.site}`],
      ["*:443", `*:${ports.https}`],
      ["*:80", `*:${ports.http}`],
      ["/etc/ssl/example.com.pem", place.tls.certificate],
      ["/etc/ssl/example.com.key", place.tls.key],
      ["/etc/apache2/vestibule-clean.conf", clean],
      ["/etc/apache2/vestibule.lua", script],
      [/VESTIBULE_SITE=https:\/\/[a-z.]+/, `$&:${ports.https}`],
    ]);
    const modules = "mpm_event authz_core headers http2 lua proxy proxy_http rewrite setenvif socache_shmcb ssl unique_id";
    const load = modules.split(" ").map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
    const listen = [ports.http, ports.https].map((port) => `Listen 127.0.0.1:${port}`);
    const folders = [`ServerRoot ${folder}`, `DefaultRuntimeDir ${folder}`, `PidFile ${folder}/pid`, `Mutex file:${folder}`];
    const user = process.getuid() === 0 ? ["User www-data", "Group www-data"] : [];
    if (user.length > 0) chmodSync(folder, 0o755);
    const log = ['ErrorLog "|/bin/cat"', "LogLevel warn", "ServerName localhost"];
    const main = [...load, ...listen, ...folders, ...user, ...log, "StartServers 1", `Include ${site}`];
    writeFileSync(join(folder, "apache.conf"), `${main.join("\n")}\n`);
    return ["apache2", ["-X", "-f", join(folder, "apache.conf")]];
  },
};

/** Renders a shipped file: `pairs` are what is replaced, everywhere, and must be there; so must the `mistakes` of that file. */
export function renderer(deploy, folder, mistakes = []) {
  return (from, to, pairs) => {
    let text = readFileSync(join(deploy, from), "utf8");
    const made = mistakes.filter(([file]) => file === from).map(([, ...pair]) => pair);
    for (const [what, by] of [...made, ...pairs]) {
      const all = what instanceof RegExp ? new RegExp(what.source, "g") : what;
      const replaced = typeof all === "string" ? text.replaceAll(all, () => by) : text.replace(all, by);
      if (replaced === text) throw new Error(`${from}: nothing to replace for ${what}`);
      text = replaced;
    }
    writeFileSync(join(folder, to), text);
    return join(folder, to);
  };
}

/** A running proxy. */
export class Proxy {
  log = "";

  static async start(name, place) {
    const proxy = new Proxy();
    const [command, args, environment = {}] = PROXIES[name](place);
    const path = `${process.env.PATH}:/usr/sbin`;
    const options = { cwd: place.folder, env: { PATH: path, HOME: place.folder, ...environment } };
    proxy.process = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [proxy.process.stdout, proxy.process.stderr]) stream.on("data", (text) => (proxy.log += text));
    proxy.process.on("error", (error) => (proxy.log += error));
    return proxy;
  }

  get ended() {
    return this.process.exitCode !== null || this.process.pid === undefined;
  }

  async close() {
    if (this.ended) return;
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 3000).unref())]);
    if (!this.ended) this.process.kill("SIGKILL");
  }
}
