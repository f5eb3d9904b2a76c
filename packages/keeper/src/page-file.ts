/** The store's file as bytes, read without LMDB. A read sees what was written last, flushed or not. */
import { Buffer } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { isPageSize } from './meta-page.js';

/** Where pages are read from. A port: tests put commits between two reads. */
export interface PageFile {
  readonly pageBytes: number;
  /** Fills `target` from a place on; returns how many bytes there were, fewer where the file ends, whatever the place. */
  readInto(target: Uint8Array, at: number): number;
}

/** Where the first meta page says how large pages are. */
const PAGE_BYTES_AT = 48;

/** A file of pages; `pageBytes` is 0 if it says no size of pages. Throws the system's error if it cannot be opened. */
export class StoreFile implements PageFile {
  readonly pageBytes: number;
  private readonly descriptor: number;

  constructor(path: string) {
    this.descriptor = openSync(path, 'r');
    const bytes = readBytes(this, PAGE_BYTES_AT, 4);
    const pageBytes = bytes.length === 4 ? bytes.readUInt32LE(0) : 0;
    this.pageBytes = isPageSize(pageBytes) ? pageBytes : 0;
  }

  get bytes(): number {
    return fstatSync(this.descriptor).size;
  }

  readInto(target: Uint8Array, at: number): number {
    // A damaged page can name places that no file has, and that the system call would not even be asked for.
    if (!Number.isSafeInteger(at + target.length)) return 0;
    let got = 0;
    while (got < target.length) {
      const more = readSync(this.descriptor, target, got, target.length - got, at + got);
      if (more === 0) break;
      got += more;
    }
    return got;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** A copy of `count` bytes, or of fewer where the file ends. */
export function readBytes(file: PageFile, at: number, count: number): Buffer {
  const target = Buffer.allocUnsafe(count);
  return target.subarray(0, file.readInto(target, at));
}
