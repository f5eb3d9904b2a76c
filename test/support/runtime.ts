/** A runtime of a test's own: its directory, its logs, and proof that nothing of it is left. */
import type { FaultTarget, Fault, RuntimePorts } from 'heirloom/testing';
import { startRuntimeWith } from 'heirloom/testing';
import type { Logger, Runtime, RuntimeOptions } from 'heirloom';
import { supervisor, worker } from 'heirloom';
import type { ChildReference, SupervisorReference, WorkerOptions, WorkerReference } from 'heirloom';
import type bankWorker from '../workers/bank.worker.js';
import type troubleWorker from '../workers/trouble.worker.js';
import { until } from './condition.js';

/** The URL of a worker of the tests, as built. */
export function workerModule(name: string): URL {
  return new URL(`../dist/workers/${name}.worker.js`, import.meta.url);
}
export function bankReference(name: string = 'bank', options: WorkerOptions = {}): WorkerReference<typeof bankWorker> {
  return worker<typeof bankWorker>(name, workerModule('bank'), options);
}
export function troubleReference(
  name: string = 'trouble',
  options: WorkerOptions = {},
): WorkerReference<typeof troubleWorker> {
  return worker<typeof troubleWorker>(name, workerModule('trouble'), options);
}
/** An option of workers and keepers that nobody kills: each standby is a process that is started for nothing. */
export const WITHOUT_STANDBY = { standby: false } as const;
/** One supervisor that restarts as often as a test kills. */
export function patientRoot(...children: readonly ChildReference[]): SupervisorReference {
  return supervisor({ strategy: 'one_for_one', intensity: 10_000, periodMs: 60_000 }, children);
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that keeps what it gets. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[];
  readonly #bindings: Readonly<Record<string, unknown>>;

  constructor(lines: LogLine[] = [], bindings: Readonly<Record<string, unknown>> = {}) {
    this.lines = lines;
    this.#bindings = bindings;
  }

  #write(level: LogLine['level'], fields: object, message: string): void {
    this.lines.push({ level, message, fields: { ...this.#bindings, ...fields } });
  }

  debug(fields: object, message: string): void {
    this.#write('debug', fields, message);
  }
  info(fields: object, message: string): void {
    this.#write('info', fields, message);
  }
  warn(fields: object, message: string): void {
    this.#write('warn', fields, message);
  }
  error(fields: object, message: string): void {
    this.#write('error', fields, message);
  }
  child(bindings: Record<string, unknown>): Logger {
    return new RecordingLogger(this.lines, { ...this.#bindings, ...bindings });
  }
}

export interface TestRuntime extends AsyncDisposable {
  readonly runtime: Runtime;
  readonly log: RecordingLogger;
}

/** Starts a runtime whose log is kept, with other ports where the test needs them. */
export async function startTestRuntime(
  options: Omit<RuntimeOptions, 'logger'>,
  ports: Partial<RuntimePorts> = {},
  lines: LogLine[] = [],
): Promise<TestRuntime> {
  const log = new RecordingLogger(lines);
  const runtime = await startRuntimeWith({ keeper: { intensity: 1_000 }, ...options, logger: log }, ports);
  return { runtime, log, [Symbol.asyncDispose]: () => runtime.close() };
}

/** A plan that arms chosen processes of a worker, or keepers, by their number; later ones are unarmed. */
export function faultsIn(plan: Readonly<Record<string, readonly Fault[]>>): (target: FaultTarget) => readonly Fault[] {
  return ({ kind, worker: name, processNumber }) => plan[`${name ?? kind} ${processNumber}`] ?? [];
}

/** Kills a worker with SIGKILL; resolves when its next incarnation is up. */
export async function killWorker(
  runtime: Runtime,
  victim: { readonly name: string; readonly pid: number | undefined },
): Promise<void> {
  const recovered = new Promise<void>((resolve) => {
    const off = runtime.on('recovered', ({ worker: name }) => {
      if (name !== victim.name) return;
      off();
      resolve();
    });
  });
  process.kill(await until('it is up', () => victim.pid), 'SIGKILL');
  await recovered;
}
