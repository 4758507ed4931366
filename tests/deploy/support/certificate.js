// A throw-away authority and a certificate of it, for the names of the shipped configurations.

import { execFileSync } from "node:child_process";
import { X509Certificate, createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Makes both in `folder`. Answers their files, the authority's text and what Chromium knows the certificate by. */
export function makeCertificate(folder) {
  const file = (name) => join(folder, name);
  const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Throw-away CA");
  openssl("req", ...newKey, "-keyout", "site.key", "-out", "site.csr", "-subj", "/CN=example.com");
  writeFileSync(file("names"), "subjectAltName=DNS:example.com,DNS:id.example.com,DNS:app.example.com\n");
  const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", "names"];
  openssl("x509", "-req", "-in", "site.csr", ...signed, "-out", "site.pem");
  // haproxy wants both in one file
  writeFileSync(file("both.pem"), readFileSync(file("site.pem"), "utf8") + readFileSync(file("site.key"), "utf8"));
  const { publicKey } = new X509Certificate(readFileSync(file("site.pem")));
  const fingerprint = createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("base64");
  return {
    certificate: file("site.pem"),
    key: file("site.key"),
    both: file("both.pem"),
    authority: readFileSync(file("ca.pem"), "utf8"),
    authorityFile: file("ca.pem"),
    fingerprint,
  };
}
