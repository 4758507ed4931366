// Disks that are small, full, read-only or failing. Mounting needs root, as in CI; elsewhere these tests say so and are skipped.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from './vestibule.js';

/** Whether this machine lets us mount; otherwise why not, as the reason to skip a test. */
export const CANNOT_MOUNT = process.getuid() === 0 ? false : 'mounting a disk needs root';

/** Whether this machine lets us trace another process; otherwise why not. */
export const CANNOT_TRACE = process.getuid() === 0 ? false : 'making a running process fail needs root';

/** A small disk of memory that goes away with `remove`. */
export class Disk {
  static async of(size) {
    const disk = new Disk();
    disk.path = await mkdtemp(join(tmpdir(), 'vestibule-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', disk.path]);
    return disk;
  }

  /** Fills what is left of it. */
  async fill() {
    const file = await open(join(this.path, 'filler'), 'w');
    const block = Buffer.alloc(4096, 'x');
    try {
      for (;;) await file.write(block);
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    } finally {
      await file.close();
    }
  }

  async makeRoom() {
    await rm(join(this.path, 'filler'));
  }

  async remove() {
    execFileSync('umount', ['-l', this.path]);
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Makes calls to the system fail in a process that runs; answers what ends that. */
export async function inject(pid, calls, error) {
  const words = ['-f', '-qq', '-o', '/dev/null', '-p', String(pid), '-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}`];
  const tracer = spawn('strace', words, { stdio: 'ignore' });
  const ended = new Promise((resolve) => tracer.once('exit', resolve));
  await sleep(500);
  return async () => {
    tracer.kill('SIGTERM');
    await ended;
  };
}
