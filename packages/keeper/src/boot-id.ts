/** Which boot of the operating system this is: whether the system can have lost what was written and not flushed. */
import { readFileSync } from 'node:fs';

/** The boot's id, or an empty string where there is none (macOS, some sandboxes). */
export function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
