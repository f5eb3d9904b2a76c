/** Waiting for a condition instead of for a time. */

/** How long a condition may take before the test has failed: far longer than anything here takes on a busy machine. */
const CONDITION_TIMEOUT_MS = 20_000;
const POLL_MS = 5;

/** Resolves when `check` gives something other than false, null or undefined; rejects with `what` when it never does. */
export async function until<T>(
  what: string,
  check: () => T | Promise<T>,
  timeoutMs: number = CONDITION_TIMEOUT_MS,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== false && value !== null && value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`It did not happen within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
