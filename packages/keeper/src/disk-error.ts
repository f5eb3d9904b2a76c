/** What the system's and LMDB's errors say about the disk; they come from node:fs with a code, from the binding as text. */

/** No space, a quota, a limit on the size of files, or the end of LMDB's map. */
const NO_ROOM = /\b(ENOSPC|EDQUOT|EFBIG|MDB_MAP_FULL)\b|No space left|quota exceeded|File too large|-30792/i;
const FAILURE = /\bEIO\b|Input\/output error/i;

/** Whether something could not be written for want of room. */
export function isNoRoom(cause: unknown): boolean {
  return NO_ROOM.test(textOf(cause));
}

/** Whether the disk itself failed. */
export function isDiskFailure(cause: unknown): boolean {
  return FAILURE.test(textOf(cause));
}

function textOf(cause: unknown): string {
  const { code, message } = cause as { code?: unknown; message?: unknown }; // Read with care: anything can be thrown.
  return `${String(code)} ${String(message)}`;
}
