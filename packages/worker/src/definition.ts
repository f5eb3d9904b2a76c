/**
 * The definition of a worker: its tables, its calls and its `init`, as one frozen value from which every type flows.
 *
 * 1. `defineWorker` infers everything from its argument; it is called without type arguments. Handlers annotate the
 *    arguments of their calls, and get the type of their context from `tables`.
 * 2. Handlers are mapped to signatures, so that editors show `deposit: (account: string, amount: number) => Promise<number>`
 *    rather than what is behind it.
 * 3. Options are checked once, here (ERR_WORKER_DEFINITION).
 */
import { showValue } from '@heirloom/tables';
import { WorkerError } from './errors.js';
import type {
  HandlerContext,
  InitContext,
  NamedTables,
  TableDefinitions,
  TableTransfer,
  TransferContext,
} from './handler-context.js';
import type { TerminateReason } from './termination.js';
import { TIMER_CALL_PREFIX } from './timer-call-names.js';
import type { ArgsType } from './worker-args.js';

/** How long a handler may run by default: far longer than one should, and short enough that a stuck worker is noticed. */
export const HANDLER_TIMEOUT_MS_DEFAULT = 30_000;
/** The longest timeout; whoever wants more wants `'infinity'`. */
export const HANDLER_TIMEOUT_MS_MAX: number = 24 * 60 * 60 * 1000;
/** The longest name of a call or table, in characters: names travel with every call. */
export const NAME_CHARS_MAX = 128;
/** What no message between processes can hold. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** What `init` returns to say that the worker shall not run (gen_server's `ignore`). */
export const IGNORE = 'ignore';

/** Names that the language asks of every object, such as handles: no call or table can have them. */
export const RESERVED_NAMES: readonly string[] = ['__proto__', 'then', 'toJSON', 'toString', 'valueOf'];

/** A handler as the worker runs it, whatever its types. */
export type AnyHandler = (context: never, ...args: never[]) => unknown;
/** The handlers of a worker with these tables. */
export type Handlers<Tables extends NamedTables, Args extends readonly unknown[] = readonly unknown[]> = Readonly<
  Record<string, (context: HandlerContext<Tables, Args>, ...args: never[]) => unknown>
>;
/** The handlers of a worker's timers. */
export type TimerHandlers<Tables extends NamedTables, Args extends readonly unknown[] = readonly unknown[]> = Readonly<
  Record<string, (context: TransferContext<Tables, Args>, ...args: never[]) => void | Promise<void>>
>;
/** Calls as their callers see them. */
export type CallSignatures = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

/** A handler without its context, answering with a promise: what a caller sees. */
export type SignatureOf<Handler> = Handler extends (context: never, ...args: infer Args) => infer Result
  ? (...args: Args) => Promise<Awaited<Result>>
  : never;

/** What `defineWorker` takes. */
export interface WorkerOptions<Tables extends NamedTables, Calls, Args extends readonly unknown[]> {
  /**
   * The types of what the program gives the worker when it names it, as in `args: args<[region: string]>()`; `init` and every
   * handler find it in their context. Default: nothing.
   */
  readonly args?: ArgsType<Args>;
  /** The tables that the worker owns, each made by `table`. */
  readonly tables: Tables;
  /**
   * Runs at the start of every life of the worker, before any call, as a batch of its own. With `restarted: false` it fills
   * the tables; with `restarted: true` it finds them filled. If it throws, the start fails.
   *
   * With `'ignore'` it says that the worker is not to run now: nothing that this `init` did is stored, the process ends, and
   * that is no failure. Its supervisor keeps the child without a process until somebody restarts it, or forgets it if it is
   * temporary or an instance; calls to it are rejected with ERR_CALL_STOPPED.
   */
  readonly init?: (context: InitContext<Tables, Args>) => void | typeof IGNORE | Promise<void | typeof IGNORE>;
  /**
   * Runs once for each table that comes from another worker, given or inherited, as a batch of its own, before any call that
   * is made after the move; again in the next life, if this one ends before that batch is stored. If it throws, the worker
   * crashes. Without it the worker just owns the table.
   */
  readonly tableTransferred?: (transfer: TableTransfer, context: TransferContext<Tables, Args>) => void | Promise<void>;
  /**
   * Runs what a handler has asked for by `continueWith`: next, before anything that waits, as a batch of its own, once whatever is
   * killed. If it throws, the worker crashes, as in OTP, and its next life tries again; one that always does so is ended by the
   * intensity of its supervisor.
   */
  readonly handleContinue?: (context: TransferContext<Tables, Args>, argument: unknown) => void | Promise<void>;
  /**
   * Runs when the life of the worker ends in order, as a batch of its own, behind all calls that it has; and when it crashes because a
   * handler threw: then `reason` is that error. The process exits when its batch is stored, or it has thrown, which is logged, or its time
   * is over: that of the supervisor's shutdown, or of a handler. It does not run when the process is killed, or exits by itself.
   */
  readonly terminate?: (context: TransferContext<Tables, Args>, reason: TerminateReason) => void | Promise<void>;
  /**
   * The version of what the worker has stored as a whole, a positive integer; without one it is 1. A store that was written by a
   * higher one is refused at the start (ERR_WORKER_VERSION). Tables have versions of their own, for the form of their rows.
   */
  readonly version?: number;
  /**
   * Brings what is stored from a lower version to this one, as a batch of its own, once, before `init` and behind the `migrate` of
   * tables. If it throws, the start fails (ERR_WORKER_MIGRATION), and nothing was changed by it. New stores have nothing to migrate.
   */
  readonly migrate?: (context: TransferContext<Tables, Args>, from: number) => void | Promise<void>;
  /** The handlers. Each call is one transaction over all tables: it commits as a whole, or throws and changes nothing. */
  readonly calls: Calls;
  /**
   * What the timers run that handlers start by `timers.start`: each gets the arguments of its timer, as a batch of its own, once,
   * whatever is killed meanwhile. If one throws, its changes are undone, the error is logged, and the timer is over all the same.
   */
  readonly timers?: TimerHandlers<Tables, Args>;
  /** How long one handler may run before the worker is killed, in milliseconds; default HANDLER_TIMEOUT_MS_DEFAULT. */
  readonly handlerTimeoutMs?: number | 'infinity';
  /**
   * What happens when a handler throws, beside its changes being undone: `'reply'` (default) gives the error to the caller;
   * `'crash'` does so too and then restarts the worker.
   */
  readonly onError?: 'reply' | 'crash';
}

/** What a worker is; made by `defineWorker`, frozen. A worker's module has it as its default export. */
export interface WorkerDefinition<
  Tables extends NamedTables,
  Calls extends CallSignatures,
  Args extends readonly unknown[] = readonly [],
> {
  readonly kind: 'worker';
  readonly tables: Tables;
  readonly handlers: Readonly<Record<string, AnyHandler>>;
  readonly timers: Readonly<Record<string, AnyHandler>>;
  readonly init: ((context: never) => unknown) | undefined;
  readonly tableTransferred?: ((transfer: TableTransfer, context: never) => unknown) | undefined;
  readonly handleContinue?: ((context: never, argument: unknown) => unknown) | undefined;
  readonly terminate?: ((context: never, reason: TerminateReason) => unknown) | undefined;
  /** Undefined if it says none. */
  readonly version?: number | undefined;
  readonly migrate?: ((context: never, from: number) => unknown) | undefined;
  /** In milliseconds, 0 for none. */
  readonly handlerTimeoutMs: number;
  readonly onError: 'reply' | 'crash';
  /** Never present: it carries the types of the calls. */
  readonly '~calls'?: Calls;
  /** Never present: it carries the types of the arguments. */
  readonly '~args'?: Args;
}

/** Any worker definition, for code that does not know its types. */
export type AnyWorkerDefinition = WorkerDefinition<TableDefinitions, CallSignatures, readonly unknown[]>;

/** The calls of a definition, as its callers see them. */
export type CallsOf<Definition extends AnyWorkerDefinition> = NonNullable<Definition['~calls']>;
/** The arguments of a definition's workers. */
export type ArgsOf<Definition extends AnyWorkerDefinition> = NonNullable<Definition['~args']>;
/** The table definitions of a definition. */
export type TablesOf<Definition extends AnyWorkerDefinition> = Definition['tables'];

/**
 * Defines a worker; all types are inferred from the options.
 * Throws WorkerError ERR_WORKER_DEFINITION for a malformed option.
 */
export function defineWorker<
  const Tables extends NamedTables,
  Calls extends Handlers<Tables, Args>,
  Args extends readonly unknown[] = readonly [],
>(
  options: WorkerOptions<Tables, Calls, Args>,
  // Written out, as a named mapped type would be shown with the handlers and their contexts inside.
): WorkerDefinition<Tables, { readonly [Name in keyof Calls]: SignatureOf<Calls[Name]> }, Args> {
  if (typeof options !== 'object' || (options as unknown) === null) {
    throw malformed('…', options, 'Call defineWorker({ tables, calls }).');
  }
  checkTables(options.tables);
  checkHandlers('calls', options.calls);
  const { timers = {} } = options;
  checkHandlers('timers', timers);
  if (options.init !== undefined && typeof options.init !== 'function') {
    throw malformed('init', options.init, 'Give a function, or leave it out.');
  }
  if (options.args !== undefined && (options.args as { kind?: unknown } | null)?.kind !== 'args') {
    throw malformed('args', options.args, 'Give what args<[…]>() returns, or leave it out.');
  }
  const { tableTransferred, handleContinue, terminate, version, migrate } = options;
  if (version !== undefined && (!Number.isSafeInteger(version) || version < 1)) {
    throw malformed('version', version, 'Give a positive integer.');
  }
  for (const [option, callback] of Object.entries({ tableTransferred, handleContinue, terminate, migrate })) {
    if (callback !== undefined && typeof callback !== 'function') {
      throw malformed(option, callback, 'Give a function, or leave it out.');
    }
  }
  const onError = options.onError ?? 'reply';
  if (onError !== 'reply' && onError !== 'crash') throw malformed('onError', onError, "Give 'reply' or 'crash'.");
  return Object.freeze({
    kind: 'worker',
    tables: Object.freeze({ ...options.tables }),
    handlers: named(options.calls),
    timers: named(timers),
    init: options.init,
    tableTransferred,
    handleContinue,
    terminate,
    version,
    migrate,
    handlerTimeoutMs: checkTimeout(options.handlerTimeoutMs ?? HANDLER_TIMEOUT_MS_DEFAULT),
    onError,
  });
}

/** Whether a module's default export came from `defineWorker`. */
export function isWorkerDefinition(value: unknown): value is AnyWorkerDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, handlers, tables } = value as Partial<AnyWorkerDefinition>; // Any object may be asked for its fields.
  return kind === 'worker' && typeof handlers === 'object' && typeof tables === 'object' && Object.isFrozen(value);
}

function malformed(option: string, value: unknown, advice: string): WorkerError {
  return new WorkerError('ERR_WORKER_DEFINITION', `The worker option '${option}' is ${showValue(value)}. ${advice}`, {
    option,
  });
}

function checkTables(tables: unknown): void {
  if (typeof tables !== 'object' || tables === null) {
    throw malformed('tables', tables, 'Give an object with a table({ … }) under each name, or {}.');
  }
  for (const [name, definition] of Object.entries(tables)) {
    checkName('tables', name);
    // Any object may be asked for its fields.
    if ((definition as { kind?: unknown } | null | undefined)?.kind !== 'table') {
      throw malformed(`tables.${name}`, definition, 'Give what table({ … }) returns.');
    }
  }
}

function checkHandlers(option: 'calls' | 'timers', handlers: unknown): void {
  if (typeof handlers !== 'object' || handlers === null) {
    throw malformed(option, handlers, 'Give an object with a handler under each name, or {}.');
  }
  for (const [name, handler] of Object.entries(handlers)) {
    checkName(option, name);
    if (typeof handler !== 'function')
      throw malformed(`${option}.${name}`, handler, 'Give a function (context, …args) => result.');
  }
}

/** Without a prototype, so that none can be named `constructor` by a caller who never defined one. */
function named(handlers: Readonly<Record<string, AnyHandler>>): Readonly<Record<string, AnyHandler>> {
  return Object.freeze(Object.assign(Object.create(null) as Record<string, AnyHandler>, handlers));
}

function checkName(option: 'tables' | 'calls' | 'timers', name: string): void {
  const isSendable = !LONE_SURROGATE.test(name);
  const isFree = !name.startsWith('$') && !RESERVED_NAMES.includes(name);
  // A timer's is part of the name of a call.
  const charsMax = option === 'timers' ? NAME_CHARS_MAX - TIMER_CALL_PREFIX.length : NAME_CHARS_MAX;
  if (name !== '' && name.length <= charsMax && isSendable && isFree) return;
  const advice = `Choose a name of 1 to ${charsMax} characters, without lone surrogates, that does not begin with $ and is none of ${RESERVED_NAMES.join(', ')}.`;
  throw new WorkerError(
    'ERR_WORKER_DEFINITION',
    `${option} has a name that is not allowed: ${showValue(name)}. ${advice}`,
    {
      option,
      name,
    },
  );
}

function checkTimeout(timeout: unknown): number {
  if (timeout === 'infinity') return 0;
  if (
    typeof timeout === 'number' &&
    Number.isSafeInteger(timeout) &&
    timeout >= 1 &&
    timeout <= HANDLER_TIMEOUT_MS_MAX
  ) {
    return timeout;
  }
  const advice = `Give a whole number of milliseconds from 1 to ${HANDLER_TIMEOUT_MS_MAX}, or 'infinity'.`;
  throw malformed('handlerTimeoutMs', timeout, advice);
}
