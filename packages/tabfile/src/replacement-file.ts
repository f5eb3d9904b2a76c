/**
 * A file that takes the place of another when it is whole, and leaves no trace when it is not.
 *
 * 1. It is written under a name of its own in the same directory, so that `commit` is one rename: whoever opens the path finds
 *    all of the old content or all of the new.
 * 2. With `sync`, the content is on the disk before the rename, and the rename before `commit` resolves. If only the directory
 *    cannot be flushed, the path has new content although `commit` rejects, and the error says so.
 * 3. A symbolic link is followed, and the mode of a file that is replaced is kept. What is no regular file is refused: replacing
 *    a device or a directory would break more than a dump is worth.
 *
 * A process that is killed meanwhile leaves the other file behind; it is called `.<uuid>.tabfile` and may be deleted.
 */
import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TabfileError } from './errors.js';

const FILE_MODE_DEFAULT = 0o666;
const MODE_BITS = 0o777;

export class ReplacementFile {
  readonly #path: string;
  readonly #target: string;
  readonly #ownPath: string;
  readonly #handle: FileHandle;

  private constructor(path: string, target: string, ownPath: string, handle: FileHandle) {
    this.#path = path;
    this.#target = target;
    this.#ownPath = ownPath;
    this.#handle = handle;
  }

  /** Throws ERR_TABFILE_WRITE. */
  static async create(path: string): Promise<ReplacementFile> {
    return guarded(path, async () => {
      const replaced = await stat(path).catch(ifMissing);
      if (replaced !== undefined && !replaced.isFile()) throw new Error('there is something that is no regular file');
      const target = replaced === undefined ? path : await realpath(path);
      const ownPath = join(dirname(target), `.${randomUUID()}.tabfile`);
      const handle = await open(ownPath, 'wx', FILE_MODE_DEFAULT);
      const file = new ReplacementFile(path, target, ownPath, handle);
      if (replaced !== undefined) await handle.chmod(replaced.mode & MODE_BITS).catch((error) => file.#fail(error));
      return file;
    });
  }

  /** Appends bytes. Throws ERR_TABFILE_WRITE. */
  async write(bytes: Uint8Array): Promise<void> {
    // Unlike `write`, this goes on where the system took only a part.
    await guarded(this.#path, () => this.#handle.writeFile(bytes));
  }

  /** Puts the file in its place. Throws ERR_TABFILE_WRITE. */
  async commit(options: { readonly sync: boolean }): Promise<void> {
    await guarded(this.#path, async () => {
      if (options.sync) await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#ownPath, this.#target);
    });
    if (options.sync) await syncDirectory(this.#path, dirname(this.#target));
  }

  /** Removes what was written. It fails without a word: whoever calls it has a better error. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(this.#ownPath, { force: true }).catch(() => undefined);
  }

  async #fail(error: unknown): Promise<never> {
    await this.discard();
    throw error;
  }
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}

async function syncDirectory(path: string, directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const problem = `has its new content, but its directory cannot be flushed: ${reasonOf(cause)}`;
    throw failed(path, `${problem}. It may have its old content again when the power fails.`, cause);
  }
}

async function guarded<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw failed(path, `cannot be written: ${reasonOf(cause)}. What was there before is unchanged.`, cause);
  }
}

function failed(path: string, what: string, cause: unknown): TabfileError {
  return new TabfileError('ERR_TABFILE_WRITE', `The table file ${path} ${what}`, { path }, { cause });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
