/** Monitors of the program: told of every end of a worker's lives, for as long as it wants. */
import type { EventHub } from './events.js';
import type { Lives, WorkerDown } from './lives.js';
import { noproc } from './lives.js';

/** Tells the listener of each end from now on, and at once of a worker that is down. What comes back ends that. */
export function monitorWorker(
  events: EventHub,
  lives: Lives,
  worker: string,
  listener: (down: WorkerDown) => unknown,
): () => void {
  const unsubscribe = events.on('down', (down) => (down.worker === worker ? listener(down) : undefined));
  let isEnded = false;
  if (!lives.isAlive(worker)) {
    queueMicrotask(() => {
      if (!isEnded) events.deliver('down', listener, noproc(worker));
    });
  }
  return () => {
    isEnded = true;
    unsubscribe();
  };
}
