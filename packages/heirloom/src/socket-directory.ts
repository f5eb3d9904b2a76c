/**
 * The directory of a runtime's sockets: short, of mode 0700, gone when the runtime is.
 *
 * A runtime that dies by SIGKILL leaves its directory behind; the next one that starts removes those whose process is gone.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkSocketPath } from '@heirloom/wire';
import { RuntimeError } from './errors.js';

/** Directories are named by this, the pid of their runtime, and six random characters. */
const PREFIX = 'heirloom-';
const NAME = /^heirloom-(\d+)-[A-Za-z0-9]{6}$/;
/** The longest name of a socket in the directory, for checking the length of paths before anything is started. */
const LONGEST_NAME = 'keeper-000000.sock';

export async function createSocketDirectory(): Promise<string> {
  await removeStale();
  let path: string | undefined;
  try {
    path = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
    checkSocketPath(join(path, LONGEST_NAME));
    return path;
  } catch (cause) {
    if (path !== undefined) await rm(path, { recursive: true, force: true });
    throw new RuntimeError(
      'ERR_RUNTIME_START',
      `The sockets of the runtime cannot be in ${tmpdir()}: ${(cause as Error).message} Set TMPDIR to a short path of a directory that can be written.`,
      { directory: tmpdir() },
      { cause },
    );
  }
}

async function removeStale(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names) {
    const pid = NAME.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // One of another user, or one that another start removes at this moment, is left alone.
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => {});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
