/**
 * What would be on the disk of a file if the power failed at this moment, as far as the kernel tells.
 *
 * A copy of a file shows the page cache, which has everything that was ever written. The disk has what was flushed. Linux from
 * 6.5 on tells the two apart without privileges: the system call `cachestat` counts the pages of a range that are dirty or being
 * written. Pages that are, are taken from the last image, whose every page was on the disk.
 *
 * The kernel keeps the state for runs of pages that were written at once, so a page can count as dirty for its neighbour's sake.
 * An image is exact at moments when everything should be flushed, and must not be made at others.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** What is asked for each page; Perl is there wherever git is, and Node has no way to make a system call. */
const PROGRAM = `
  my ($file, $bytes, $size) = @ARGV;
  open(my $handle, '<', $file) or exit 1;
  my ($call, $descriptor, $none) = (451, fileno($handle), 0);
  for (my $at = 0; $at < $size; $at += $bytes) {
    my $range = pack('QQ', $at, $bytes);
    my $answer = pack('Q5', 0, 0, 0, 0, 0);
    exit 2 if syscall($call, $descriptor, $range, $answer, $none) != 0;
    my (undef, $dirty, $writing) = unpack('Q5', $answer);
    print $at, "\\n" if $dirty + $writing > 0;
  }
`;
const PAGE_BYTES = 4_096;

/** Where the pages of a file begin that are not on the disk; throws where the kernel does not tell. */
function unflushedPages(file: string, size: number): number[] {
  const output = execFileSync('perl', ['-e', PROGRAM, file, String(PAGE_BYTES), String(size)], { encoding: 'utf8' });
  return output.split('\n').filter(Boolean).map(Number);
}

/** Whether this machine tells for files in a directory: not on macOS, not on old kernels, not in memory file systems. */
export function canSeeFlushes(directory: string): boolean {
  const file = join(directory, 'probe');
  try {
    const descriptor = openSync(file, 'w');
    try {
      writeSync(descriptor, Buffer.alloc(2 * PAGE_BYTES, 1));
      if (unflushedPages(file, 2 * PAGE_BYTES).length !== 2) return false;
      fsyncSync(descriptor);
      return unflushedPages(file, 2 * PAGE_BYTES).length === 0;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  } finally {
    rmSync(file, { force: true });
  }
}

/** The disk under one file. */
export class DiskImage {
  readonly #file: string;
  #last: Buffer = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
  }

  /** What is on the disk, and how many pages of the file are not. The file must not change meanwhile. */
  take(): { readonly bytes: Buffer; readonly unflushed: number } {
    const bytes = readFileSync(this.#file);
    const unflushed = unflushedPages(this.#file, bytes.length);
    let length = bytes.length;
    for (const at of unflushed.toReversed()) {
      const before = this.#last.subarray(at, at + PAGE_BYTES);
      // What the disk never had at the end of the file makes the file shorter.
      if (before.length === 0 && at + PAGE_BYTES >= length) length = at;
      else bytes.fill(0, at, at + PAGE_BYTES).set(before, at);
    }
    this.#last = bytes.subarray(0, length);
    return { bytes: this.#last, unflushed: unflushed.length };
  }
}
