// A throw-away PostgreSQL cluster that can be stopped, started and frozen. PostgreSQL refuses to run as root, so there it runs as
// `postgres`.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './vestibule.js';

const VERSIONS = '/usr/lib/postgresql';

export class Postgres {
  static async open() {
    const postgres = new Postgres();
    postgres.folder = await mkdtemp(join(tmpdir(), 'vestibule-postgres-'));
    postgres.port = await freePort();
    await chmod(postgres.folder, 0o711);
    if (process.getuid() === 0) execFileSync('chown', ['postgres', postgres.folder]);
    postgres.#tool('initdb', `--pgdata=${postgres.#data}`, '--username=postgres', '--auth=trust', '--encoding=UTF8', '--no-sync');
    postgres.start();
    return postgres;
  }

  get url() {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  start() {
    const options = `-c listen_addresses=127.0.0.1 -c port=${this.port} -c unix_socket_directories=${this.folder}`;
    this.#control('start', `--options=${options}`);
  }

  /** `fast` ends what runs, `immediate` is as if it were killed. */
  stop(mode) {
    this.#control('stop', `--mode=${mode}`);
  }

  /** Stops every process that serves somebody, without telling anybody: the connections stay, nothing answers. */
  async freeze() {
    const postmaster = Number((await readFile(join(this.#data, 'postmaster.pid'), 'utf8')).split('\n')[0]);
    this.frozen = [postmaster, ...(await childrenOf(postmaster))];
    for (const pid of this.frozen) process.kill(pid, 'SIGSTOP');
  }

  thaw() {
    for (const pid of this.frozen ?? []) process.kill(pid, 'SIGCONT');
    this.frozen = undefined;
  }

  async close() {
    this.thaw();
    try {
      this.stop('immediate');
    } catch {
      // It is stopped already.
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  get #data() {
    return join(this.folder, 'data');
  }

  #control(...words) {
    this.#tool('pg_ctl', `--pgdata=${this.#data}`, `--log=${join(this.folder, 'log')}`, '--wait', '--silent', ...words);
  }

  #tool(name, ...words) {
    const newest = readdirSync(VERSIONS).sort((one, other) => one - other).at(-1);
    const tool = join(VERSIONS, newest, 'bin', name);
    const [command, ...rest] = process.getuid() === 0 ? ['runuser', '--user', 'postgres', '--', tool, ...words] : [tool, ...words];
    execFileSync(command, rest, { cwd: '/', stdio: 'ignore' });
  }
}

async function childrenOf(parent) {
  const children = [];
  for (const name of await readdir('/proc')) {
    const stat = /^\d+$/.test(name) && (await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined));
    if (stat && Number(stat.split(') ')[1].split(' ')[1]) === parent) children.push(Number(name));
  }
  return children;
}
