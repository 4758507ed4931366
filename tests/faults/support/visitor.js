// Somebody with a browser that keeps cookies, opens pages and sends their forms, and with an authenticator app.
import { execFileSync } from 'node:child_process';

export class Visitor {
  #cookies = new Map();

  constructor(vestibule) {
    this.vestibule = vestibule;
  }

  /** A page: `{ status, retryAfter, location, text }`. */
  async open(path) {
    return this.#ask(path, {});
  }

  /** Opens a page with a form and sends it, to itself or to where `to` says. */
  async send(path, fields = {}, to = path) {
    const { text } = await this.open(path);
    const csrf = text.match(/name="csrf" value="([^"]+)"/)?.[1];
    if (csrf === undefined) throw new Error(`there is no form on ${path}:\n${text}`);
    return this.#ask(to, { method: 'POST', headers: { origin: this.vestibule.url }, body: new URLSearchParams({ csrf, ...fields }) });
  }

  signIn(email, password) {
    return this.send('/sign-in', { email, password });
  }

  /** Whether the pages of an account are open to this browser. */
  async isSignedIn() {
    return (await this.open('/profile')).status === 200;
  }

  async #ask(path, { headers, ...options }) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(this.vestibule.url + path, { redirect: 'manual', ...options, headers: { accept: 'text/html', cookie, ...headers } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      if (value === '' || /max-age=0\b/i.test(line)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    const [retryAfter, location] = ['retry-after', 'location'].map((name) => answer.headers.get(name));
    return { status: answer.status, retryAfter, location, text: await answer.text() };
  }
}

/** The six digits that an app shows at the time of the server. */
export function codeOf(key, vestibule) {
  const now = new Date(vestibule.now()).toISOString();
  return execFileSync('oathtool', ['--totp', '--base32', `--now=${now}`, key], { encoding: 'utf8' }).trim();
}
