/** What handlers and `init` do with the lives of other workers; how it is asked for is in life-asks.ts. */
import type { Monitor } from './life-notices.js';
import type { Registry } from './registry.js';
import type { WorkerRef } from './worker-ref.js';

/** The lives of other workers, for as long as this life goes on. */
export interface LifeTools {
  /**
   * Has this worker told, by `down` of its definition, when the present life of another worker ends (erlang:monitor/2): once, or
   * at once with the reason `'noproc'` when that worker is down, or there is none of this name. What was monitored in a life is
   * not monitored in the next one: do it in `init`. Rejects with WorkerError ERR_WORKER_CALLBACK when the definition has no
   * `down`, ERR_WORKER_LIMIT for more than 16,384 monitors, ERR_WORKER_REFERENCE; and as every question does.
   */
  readonly monitor: (reference: WorkerRef) => Promise<Monitor>;
  /** Takes a monitor back. False when it was told of its end already, or is about to be. */
  readonly demonitor: (monitor: Monitor) => Promise<boolean>;
  /**
   * Links the present lives of this worker and another one (erlang:link/1): when one ends other than `'normal'`, the other one is
   * ended, too, with the same reason, and its supervisor decides. One whose definition says `trapExit: true` is told by `exit` of
   * its definition instead. Being stopped by its supervisor is an end, too, with the reason `'shutdown'`. A worker that is linked
   * already stays so. Rejects with WorkerError ERR_WORKER_NOPROC when the other one is down, or there is none of this name (one that
   * traps exits is told so by `exit` instead), ERR_WORKER_REFERENCE; and as every question does.
   */
  readonly link: (reference: WorkerRef) => Promise<void>;
  /** Takes back a link, whoever has made it. When the promise resolves, this life does not end by it any more. */
  readonly unlink: (reference: WorkerRef) => Promise<void>;
  /** A registry of names, which the program has named in the option `registries`. The type of its values is given by the caller. */
  readonly registry: <Value = unknown>(name: string) => Registry<Value>;
}
