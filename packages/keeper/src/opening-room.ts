/**
 * Whether there is room for what LMDB writes when it opens a store: its lock file and the first pages of a new data file.
 *
 * LMDB maps the lock file and writes to the map, which without room ends the process with SIGBUS; and when it cannot make one of
 * the files, the binding ends the process with SIGSEGV (measured under a limit on the size of files). So the room is tried
 * first, with a file of OPENING_BYTES that is gone afterwards, whenever LMDB will have to make one of them.
 */
import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { STORE_READERS_MAX } from './layout.js';

/** A lock file takes 33 kB and a new data file 24; this is both, with room for the first transactions. */
export const OPENING_BYTES: number = 128 * 1024;
const PROBE_FILE = 'room.tmp';
/** What a slot takes in LMDB's lock file. */
const READER_BYTES = 64;

/** Throws the system's error when there is no room to open the store at `path`. */
export function checkOpeningRoom(directory: string, path: string): void {
  const lockBytes = statSync(`${path}-lock`, { throwIfNoEntry: false })?.size ?? 0;
  if (lockBytes >= STORE_READERS_MAX * READER_BYTES && statSync(path, { throwIfNoEntry: false }) !== undefined) return;
  const probe = join(directory, PROBE_FILE);
  const descriptor = openSync(probe, 'w', 0o600);
  try {
    let left = OPENING_BYTES;
    while (left > 0) left -= writeSync(descriptor, new Uint8Array(left));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
    rmSync(probe, { force: true });
  }
}
