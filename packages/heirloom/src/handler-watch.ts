/**
 * Watches the time of handlers that run in this process, be it in threads or inline: one timer for all of them.
 *
 * While this process's event loop is busy nothing is watched, and that time is not counted (handler-deadline.ts in @heirloom/wire): a
 * handler may then take longer than it is allowed to. A worker with a process of its own watches itself.
 */
import { DeadlineWatch, WATCH_INTERVAL_MS } from '@heirloom/wire';

interface Watched {
  readonly watch: DeadlineWatch;
  readonly onOverrun: (callId: number) => void;
}

const watched = new Set<Watched>();
let timer: NodeJS.Timeout | undefined;

/** Calls `onOverrun` when a handler exceeds its time, as the memory of its HandlerDeadline says; what comes back ends the watch. */
export function watchHandlers(shared: Float64Array, onOverrun: (callId: number) => void): () => void {
  const entry: Watched = { watch: new DeadlineWatch(shared), onOverrun };
  watched.add(entry);
  // It keeps no program alive: whoever is watched does.
  timer ??= setInterval(check, WATCH_INTERVAL_MS).unref();
  return () => {
    watched.delete(entry);
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function check(): void {
  for (const { watch, onOverrun } of Array.from(watched)) {
    const callId = watch.check();
    if (callId !== undefined) onOverrun(callId);
  }
}
