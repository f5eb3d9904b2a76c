/**
 * One life of a worker: takes calls from the mailbox, runs them one at a time, and sends what they did on its way.
 *
 *   new ──activate──▶ initializing ──init's batch released──▶ active ──stop, and all released──▶ over: onStopped
 *                     (what is stored of a lower version is migrated first: migration.ts, worker-version.ts)
 *                          │                                     │
 *                          ├─init throws──▶ over: onInitFailed   └─a handler throws (onError 'crash'), and all released──▶
 *                          └─'ignore'─────▶ over: onIgnored        over: onCrash
 *
 * 1. Handlers run one at a time in the order of arrival, after the batch of `init` was released and `onActive` was told.
 * 2. G2: a handler that returns commits everything it did as one batch; one that throws leaves no change. An error is an
 *    answer too: it goes the same way as a result.
 * 3. G4: what changed a table that has an heir, cast, or was cast, goes into the journal with its outcome, and the keeper
 *    answers. All else answers directly when every batch before it is released (output-gate.ts), so a reply never tells of a
 *    state that could still be lost. An outcome that is kept under an idempotency key always goes into the journal.
 * 4. At most SUSPECT_WINDOW handled calls have left no trace on a socket: frames leave then, before waiting for an async
 *    handler, and when the mailbox is empty. While there is no keeper batches wait here, and the window may be exceeded.
 * 5. No handler begins while the gate is full or the router does not read.
 * 6. A table that is this worker's own now is taken in between two handlers, before calls that came behind it, and once:
 *    `tableTransferred` runs as a batch that also tells the keeper that this worker took note (inheritance.ts).
 * 7. What a handler continues with runs next, before (6) and before any call. Behind `init` it runs when the worker is active, and
 *    `onContinued` is told behind it: no call is sent before, so that none is suspected of its death.
 * 8. Before it is over, `terminate` runs, once, if it was active: behind everything that is done and released, and its own batch is
 *    released before the process ends (termination.ts).
 *
 * A failed invariant is a bug and is thrown through, which ends the process: its half-done batch is in no buffer.
 */
import { InvariantError, invariant } from '@heirloom/tables';
import type { AnyTableDefinition } from '@heirloom/tables';
import { decodeCall, failpoint } from '@heirloom/wire';
import type {
  ActivateMessage,
  Adoption,
  CallMessage,
  CastTotals,
  Delivery,
  Outcome,
  OutcomeKeeping,
  OutcomeKey,
  TableGrant,
} from '@heirloom/wire';
import { Asks } from './ask-session.js';
import type { AskSession } from './ask-session.js';
import { BatchEncoder } from './batch-encoder.js';
import type { AnsweredCall, HandlerEffects } from './batch-encoder.js';
import { IGNORE } from './definition.js';
import type { Continuation, ContinueOrigin } from './continuations.js';
import type { AnyHandler, AnyWorkerDefinition } from './definition.js';
import { callOf, endingOf, isForbidden, resultOf } from './delivered-call.js';
import { WorkerError } from './errors.js';
import type {
  HandlerContext,
  InitContext,
  TableDefinitions,
  TransferContext,
  WorkerIdentity,
} from './handler-context.js';
import { Inheritance } from './inheritance.js';
import { Life } from './life.js';
import type { IncarnationPorts } from './incarnation-ports.js';
import { Mailbox } from './mailbox.js';
import type { Mail } from './mailbox.js';
import { MigrationRun } from './migration-run.js';
import { SUSPECT_WINDOW } from './output-gate.js';
import type { OutputGate } from './output-gate.js';
import { Outbox } from './outbox.js';
import { remoteWorker } from './remote-handle.js';
import { TABLE_CALL_PREFIX } from './table-call-names.js';
import { tableCalls } from './table-calls.js';
import { terminateReason, terminateTimeoutMs } from './termination.js';
import type { TerminateReason } from './termination.js';
import { isThenable } from './thenable.js';
import { firedTimer, timerCalls } from './timer-calls.js';
import type { FiredTimer } from './timer-calls.js';
import { Transaction } from './transaction.js';
import { decodeArgs } from './worker-args.js';
import { referredWorker } from './worker-ref.js';
import { migrationFailed } from './worker-version.js';

export interface IncarnationOptions {
  readonly name: string;
  readonly definition: AnyWorkerDefinition;
  readonly gate: OutputGate;
  readonly ports: IncarnationPorts;
}

/** A run of the user's code that nobody has called: what it is, and what becomes of it. */
interface Turn {
  readonly running: Running;
  readonly run: (context: TransferContext<TableDefinitions>) => unknown;
  readonly returned: (result: unknown) => void;
  readonly threw: (error: unknown) => void;
}

/** The handler that has begun and not settled. */
interface Running {
  /** Undefined for what is no call. */
  readonly callId: number | undefined;
  /** Whether the worker dies if it throws. */
  readonly isFatal: boolean;
  /** The stored cast or dead letter that is run. */
  readonly delivery?: Delivery | undefined;
  /** Under which its outcome is kept. */
  readonly outcomeKey?: OutcomeKey | undefined;
  /** The timer that it is the handler of. */
  readonly timer?: FiredTimer | undefined;
  /** On whose behalf it may continue; undefined for what has no next handler. */
  readonly origin: ContinueOrigin | undefined;
  /** In milliseconds, 0 for none; the definition's without it. */
  readonly timeoutMs?: number;
}

interface Death {
  readonly error: unknown;
  readonly callId: number;
}

const INIT: Running = { callId: undefined, isFatal: false, origin: 'init' };
const MIGRATE: Running = { callId: undefined, isFatal: false, origin: undefined };
const TRANSFER: Running = { callId: undefined, isFatal: true, origin: 'handler' };
/** What is said to have been running where it was no call; calls are numbered from 1. */
const NO_CALL = 0;
const NO_EFFECTS: HandlerEffects = Object.freeze({ commits: [], steps: [], casts: [] });

export class Incarnation {
  private readonly definition: AnyWorkerDefinition;
  private readonly gate: OutputGate;
  private readonly ports: IncarnationPorts;
  private readonly mailbox: Mailbox<Uint8Array | (Delivery & Mail)> = new Mailbox();
  private readonly transaction: Transaction;
  private readonly handlers: ReadonlyMap<string, AnyHandler>;
  private encoder: BatchEncoder = new BatchEncoder([]);
  private identity: WorkerIdentity;
  /** What the program has given this worker. */
  private args: readonly unknown[] = [];
  private state: 'new' | 'initializing' | 'active' | 'over' = 'new';
  private running: Running | undefined;
  private isInitialized = false;
  private isStopping = false;
  private isTerminating = false;
  /** Whether what `init` or a former life has left to do is not done yet: no calls come meanwhile. */
  private isContinuing = false;
  private isPumpDue = false;
  private isCutOff = false;
  private death: Death | undefined;
  private readonly inheritance: Inheritance;
  private readonly migration: MigrationRun;
  private readonly asks: Asks;
  private readonly outbox: Outbox;
  private readonly life: Life;
  private session: AskSession | undefined;
  /** The workers of the runtime. */
  private workers: ReadonlySet<string> = new Set();
  /** The version that the worker is migrated from, if it is. */
  private fromVersion: number | undefined;
  /** The number of the last batch when `init` was done, 0 if there was none. */
  private initBatch = 0;
  /** Calls handled since the last flush. */
  private untraced = 0;

  /** Prepares everything that does not depend on the epoch, so that a standby is warm. */
  constructor({ name, definition, gate, ports }: IncarnationOptions) {
    this.definition = definition;
    this.gate = gate;
    this.ports = ports;
    this.identity = { name, incarnation: 0 };
    this.transaction = new Transaction(definition.tables);
    const inherited = (key: string): AnyTableDefinition | undefined => this.transaction.holding(key)?.definition;
    this.life = new Life({ definition, transaction: this.transaction, ports });
    this.handlers = new Map([
      ...Object.entries(definition.handlers),
      ...tableCalls(definition.tables, inherited),
      ...timerCalls(definition.timers, this.life.timers),
    ]);
    this.inheritance = new Inheritance(name, this.transaction, {
      reader: ports.reader,
      log: ports.log,
      onBug: ports.onBug,
      isBusy: () => this.running !== undefined || this.mailbox.size > 0,
    });
    this.migration = new MigrationRun({ definitions: definition.tables, gate, ports });
    this.outbox = new Outbox((bytes) => this.transaction.charge(bytes));
    const cast: Outbox['add'] = (...made) => this.outbox.add(...made);
    this.asks = new Asks({ gate, ask: ports.ask, leave: ports.leave, cast });
  }

  /** Whether this is a standby. */
  get isNew(): boolean {
    return this.state === 'new';
  }

  /** The id of the call whose handler has begun and not settled. */
  get runningCallId(): number | undefined {
    return this.running?.callId;
  }

  /** Takes the tables as of the last committed batch and runs `init`. */
  activate(message: ActivateMessage): void {
    const { epoch } = message;
    if (this.state !== 'new') {
      throw new WorkerError('ERR_WORKER_PROTOCOL', `A worker was activated as epoch ${epoch} that is ${this.state}.`);
    }
    this.state = 'initializing';
    this.identity = Object.freeze({ name: this.identity.name, incarnation: epoch });
    this.workers = new Set(message.workers);
    this.args = decodeArgs(message.args);
    failpoint('worker.activate');
    this.encoder = new BatchEncoder(message.tables);
    this.outbox.begin(message.outbox);
    const tables = this.life.load(epoch, message.tables, this.encoder);
    try {
      this.fromVersion = this.life.versionToMigrate(this.identity.name, message.restarted);
    } catch (error) {
      return this.initFailed(error);
    }
    if (tables.some(({ migration }) => migration !== undefined))
      this.migrate({ ...message, tables }).catch(this.ports.onBug);
    else this.begun({ ...message, tables });
  }

  private begun(message: ActivateMessage): void {
    const { restarted, elsewhere = [] } = message;
    try {
      this.inheritance.begin(message, this.encoder);
    } catch (error) {
      return this.initFailed(error);
    }
    const initialize = (): void =>
      this.initialize(restarted, new Map(elsewhere.map(({ name, owner }) => [name, owner])));
    if (this.fromVersion === undefined) initialize();
    else this.migrateWorker(this.fromVersion, initialize);
  }

  /** Has the definition migrate the worker as a whole, as a batch before that of `init`. */
  private migrateWorker(from: number, initialize: () => void): void {
    const { version } = this.definition;
    // The definition has erased the type of its own tables.
    const migrate = this.definition.migrate as
      ((context: TransferContext<TableDefinitions>, from: number) => unknown) | undefined;
    this.play({
      running: MIGRATE,
      run: (context) => {
        this.life.storeVersion();
        return migrate?.(context, from);
      },
      returned: () => {
        failpoint('worker.version:migrated');
        this.commitOwn();
        initialize();
      },
      threw: (error) =>
        this.initFailed(isBug(error) ? error : migrationFailed(this.identity.name, from, version, error)),
    });
  }

  /** Takes note of a table that is this worker's own now. */
  adopt(adoption: Adoption): void {
    this.inheritance.push(adoption);
    this.schedule();
  }

  /** What throws in here beside the migration itself is a bug. */
  private async migrate(message: ActivateMessage): Promise<void> {
    let migrated: readonly TableGrant[];
    try {
      migrated = await this.migration.run(message.tables, this.encoder);
    } catch (error) {
      return this.initFailed(error);
    }
    if (!this.isCutOff) this.begun({ ...message, tables: migrated });
  }

  /** Takes the answer to what a handler has asked. */
  answered(answer: Outcome): void {
    this.asks.answered(answer);
  }

  /** So many of all casts that this worker ever made are not stored any more. */
  consumed(totals: CastTotals): void {
    this.outbox.consume(totals);
  }

  /** Takes the body of a call's frame, or a stored cast. It runs behind those that came before it. */
  receive(call: Uint8Array | (Delivery & Mail)): void {
    // What comes after `stop` leaves no trace, so it is run again elsewhere.
    if (this.isStopping || this.death !== undefined || this.state === 'over') return;
    this.mailbox.push(call);
    this.schedule();
  }

  /** Every batch up to `number` is released: what was held leaves, and handlers go on that had to wait. */
  release(number: number): void {
    const outcomes = this.gate.release(number);
    for (const outcome of outcomes) this.reply(outcome);
    this.asks.released();
    this.becomeActive();
    if (this.mailbox.size > 0) this.schedule();
    else if (outcomes.length > 0) this.ports.flush();
    this.finish();
    if (this.state !== 'over') this.migration.released();
  }

  /** The router reads again. */
  resume(): void {
    this.schedule();
  }

  /** Finishes what has arrived, then tells `onStopped`. */
  stop(): void {
    this.isStopping = true;
    this.life.timers.stop();
    this.finish();
  }

  /**
   * Ends this life where no process ends with it: what a handler that still runs does from now on is dropped, its tables refuse
   * it, and no other handler begins.
   */
  cutOff(): void {
    if (this.isCutOff) return;
    this.isCutOff = true;
    this.state = 'over';
    this.session?.close(true);
    if (this.running !== undefined) this.rollback();
    this.life.timers.stop();
    this.ports.handlerEnded();
    this.inheritance.cutOff();
    this.migration.cutOff();
  }

  private initialize(restarted: boolean, elsewhere: ReadonlyMap<string, string>): void {
    // The definition has erased the type of its own tables.
    const init = this.definition.init as ((context: InitContext<TableDefinitions>) => unknown) | undefined;
    this.play({
      running: INIT,
      run: (context) => {
        this.life.storeVersion();
        return init?.({ ...context, elsewhere, restarted });
      },
      returned: (result) => this.initialized(restarted, result),
      threw: (error) => this.initFailed(error),
    });
  }

  private initialized(restarted: boolean, result: unknown): void {
    if (result === IGNORE) return this.ignored();
    this.end();
    const effects = this.commit();
    // The first one is stored even if it did nothing: the next life is a restart.
    if (!restarted || !isNothing(effects)) {
      this.append(undefined, effects, {}, true);
    }
    this.initBatch = this.gate.lastNumber;
    this.isInitialized = true;
    this.becomeActive();
    this.pump();
  }

  /** Nothing of this `init` is stored, and the next life is told as if it had never been. */
  private ignored(): void {
    this.state = 'over';
    this.end(true);
    this.rollback();
    this.ports.onIgnored();
  }

  private initFailed(error: unknown): void {
    if (this.isCutOff) return;
    if (isBug(error)) throw error;
    this.state = 'over';
    this.ports.onInitFailed(error);
  }

  private becomeActive(): void {
    if (this.state !== 'initializing' || !this.isInitialized || this.gate.released < this.initBatch) return;
    this.state = 'active';
    this.isContinuing = this.life.continuations.isPending;
    this.ports.onActive(this.isContinuing);
    this.life.timers.start();
    if (this.isContinuing) this.schedule();
  }

  private schedule(): void {
    if (this.isPumpDue) return;
    this.isPumpDue = true;
    this.ports.defer(this.pumpDue);
  }

  private readonly pumpDue = (): void => {
    this.isPumpDue = false;
    this.pump();
  };

  private pump(): void {
    while (this.canBegin()) {
      const continuation = this.life.continuations.next();
      if (continuation !== undefined) {
        // What has asked for it leaves first, and is not to blame if the worker dies of it.
        this.flush();
        this.continue(continuation);
        continue;
      }
      const adoption = this.inheritance.next(this.encoder);
      if (adoption !== undefined) {
        this.transferred(adoption);
        continue;
      }
      const body = this.mailbox.shift();
      if (body === undefined) break;
      if (body instanceof Uint8Array) this.run(decodeCall(body));
      else this.deliver(body);
      this.untraced++;
      if (this.untraced + this.gate.heldCount >= SUSPECT_WINDOW) this.flush();
    }
    this.flush();
    this.finish();
  }

  private canBegin(): boolean {
    if (this.state !== 'active' || this.running !== undefined) return false;
    if (this.death !== undefined || this.isTerminating) return false;
    return !this.gate.isFull && !this.ports.isCongested();
  }

  private flush(): void {
    this.untraced = 0;
    this.ports.flush();
  }

  private deliver(delivery: Delivery): void {
    let call: CallMessage;
    try {
      call = callOf(delivery);
    } catch (error) {
      return this.emit(this.encoder.threw(delivery.callId, error), NO_EFFECTS, { ending: endingOf(delivery, 'threw') });
    }
    this.run(call, delivery);
  }

  private run(call: CallMessage, delivery?: Delivery): void {
    const { callId, outcomeKey } = call;
    // A handler is called with what its caller sent: its types hold as far as the caller kept to them.
    const handler = this.handlers.get(call.name) as UntypedHandler | undefined;
    if (handler === undefined || (delivery !== undefined && isForbidden(delivery))) {
      const outcome = this.encoder.threw(callId, this.unknownCall(call.name));
      return this.emit(outcome, NO_EFFECTS, { ending: endingOf(delivery, 'unknown_call') });
    }
    const isFatal = this.definition.onError === 'crash' && !call.name.startsWith(TABLE_CALL_PREFIX);
    this.begin({ callId, isFatal, timer: firedTimer(call), delivery, origin: 'handler', outcomeKey });
    const context = this.lend();
    let result: unknown;
    let isAsync = false;
    try {
      result = handler({ ...context, call: { id: callId, idempotencyKey: outcomeKey?.key } }, ...call.arguments);
      isAsync = isThenable(result);
    } catch (error) {
      return this.failed(callId, error);
    }
    if (isAsync) this.wait(callId, result);
    else this.succeeded(callId, result);
  }

  private wait(callId: number, result: unknown): void {
    this.settle(
      result,
      (value) => this.succeeded(callId, value),
      (error) => this.failed(callId, error),
    );
  }

  /** Goes on when a handler settles, and then with the next one; what throws in here is a bug. */
  private settle(result: unknown, then: (value: unknown) => void, otherwise: (error: unknown) => void): void {
    const goOn =
      <T>(step: (settled: T) => void) =>
      (settled: T): void => {
        if (this.isCutOff) return;
        step(settled);
        this.pump();
      };
    Promise.resolve(result).then(goOn(then), goOn(otherwise)).catch(this.ports.onBug);
  }

  private play({ running, run, returned, threw }: Turn): void {
    this.begin(running);
    const context = this.lend();
    let result: unknown;
    let isAsync = false;
    try {
      result = run(context);
      isAsync = isThenable(result);
    } catch (error) {
      return threw(error);
    }
    if (!isAsync) return returned(result);
    this.settle(result, returned, threw);
  }

  private begin(running: Running): void {
    this.running = running;
    // A timer outlives the embedding process, in which what a call has written elsewhere is known.
    this.session = this.asks.session(running.timer === undefined ? running.callId : undefined);
    this.ports.handlerBegins(running.callId ?? 0, running.timeoutMs ?? this.definition.handlerTimeoutMs);
    failpoint('worker.handler:start');
  }

  /** Begins the transaction of the handler that has begun, and gives what every handler gets. */
  private lend(): TransferContext<TableDefinitions> {
    const { ports, session, workers, running } = this;
    invariant(session !== undefined, 'tables are lent to no handler');
    return {
      ...this.transaction.begin(async (table, name) => {
        await session.ask({ ...table, operation: 'rename' }, [name], {});
      }),
      ...this.life.begin(running?.origin),
      remote: (reference) => remoteWorker(session, referredWorker(reference, workers), {}),
      now: ports.now,
      log: ports.log,
      args: this.args,
      worker: this.identity,
    };
  }

  private end(hasThrown: boolean = false): void {
    this.running = undefined;
    this.session?.close(hasThrown);
    this.ports.handlerEnded();
  }

  private succeeded(callId: number, result: unknown): void {
    const delivery = this.running?.delivery;
    let outcome: Outcome;
    try {
      failpoint('worker.handler:end');
      outcome = this.encoder.returned(callId, resultOf(delivery, result));
    } catch (error) {
      return this.failed(callId, error);
    }
    const { keeping } = this;
    this.end();
    this.emit(outcome, this.commit(), { ending: endingOf(delivery, 'done'), keeping });
  }

  /** Tells the definition of a table that is this worker's own now. */
  private transferred({ worker, declaration, grant, notice }: Adoption): void {
    if (notice === undefined) return;
    const transfer = Object.freeze({ table: `${worker}/${declaration.name}`, from: notice.from, data: notice.data });
    // The definition has erased the type of its own tables.
    const handler = this.definition.tableTransferred as
      ((of: typeof transfer, context: TransferContext<TableDefinitions>) => unknown) | undefined;
    this.play({
      running: TRANSFER,
      run: (context) => handler?.(transfer, context),
      returned: () => this.accepted(grant.tableId),
      threw: (error) => this.crashed(error),
    });
  }

  private accepted(tableId: number): void {
    failpoint('worker.transfer:end');
    this.end();
    const effects = this.commit();
    const accept = { kind: 'accept', tableId, to: undefined, data: undefined } as const;
    this.append(undefined, { ...effects, steps: [accept, ...effects.steps] });
  }

  /** Runs what is pending before anything else; the row of what was asked for goes with its batch. */
  private continue({ origin, argument }: Continuation): void {
    // The definition has erased the type of its own tables.
    const handler = this.definition.handleContinue as
      ((context: TransferContext<TableDefinitions>, argument: unknown) => unknown) | undefined;
    this.play({
      running: { ...TRANSFER, origin },
      run: (context) => {
        this.life.continuations.consume(origin);
        return handler?.(context, argument);
      },
      returned: () => this.continued(),
      threw: (error) => this.crashed(error),
    });
  }

  private continued(): void {
    failpoint('worker.continue:end');
    this.commitOwn();
    if (!this.isContinuing || this.life.continuations.isPending) return;
    this.isContinuing = false;
    this.ports.onContinued();
  }

  /** What was no call threw: nothing of it happened, and the next life does it again. */
  private crashed(error: unknown): void {
    if (isBug(error)) throw error;
    this.death = { error, callId: NO_CALL };
    this.end();
    this.rollback();
  }

  private rollback(): void {
    this.transaction.rollback();
    this.life.rollback();
    this.outbox.rollback();
  }

  /** Commits what was no call, as a batch if it did anything. */
  private commitOwn(): void {
    this.end();
    const effects = this.commit();
    if (!isNothing(effects)) this.append(undefined, effects);
  }

  private commit(): HandlerEffects {
    const commits = this.transaction.commit();
    this.life.commit();
    return { commits, steps: this.transaction.takeSteps(this.inheritance.forget), casts: this.outbox.take() };
  }

  private failed(callId: number, error: unknown): void {
    if (isBug(error)) throw error;
    const timer = this.running?.timer;
    if (this.running?.isFatal === true) this.death = { error, callId };
    const { keeping } = this;
    const delivery = this.running?.delivery;
    this.end(true);
    this.rollback();
    const effects = timer === undefined ? NO_EFFECTS : this.consume(timer, error);
    this.emit(this.encoder.threw(callId, error), effects, { ending: endingOf(delivery, 'threw'), keeping });
  }

  /** How the outcome of the handler that runs is kept; undefined if it is not. */
  private get keeping(): OutcomeKeeping | undefined {
    const key = this.running?.outcomeKey;
    return key === undefined ? undefined : { ...key, hasWritten: this.session?.hasWritten ?? false };
  }

  /** A timer is over also if its handler throws. */
  private consume(timer: FiredTimer, error: unknown): HandlerEffects {
    this.ports.log.error('the handler of a timer threw; what it had changed was undone', { timer: timer.name, error });
    this.lend();
    this.life.timers.consume(timer.name, timer.generation);
    return this.commit();
  }

  /** Sends an outcome on its way; see invariant 3. */
  private emit(outcome: Outcome, effects: HandlerEffects, answer: AnsweredCall = {}): void {
    const isRead = answer.ending === undefined && answer.keeping === undefined && isNothing(effects);
    if (isRead && this.gate.isOpen) this.reply(outcome);
    else if (isRead && this.gate.canHold) this.gate.hold(outcome);
    else this.append(outcome, effects, answer);
  }

  private append(
    outcome: Outcome | undefined,
    effects: HandlerEffects,
    answer: AnsweredCall = {},
    isInit: boolean = false,
  ): void {
    this.gate.append(this.encoder.batch(this.gate.lastNumber + 1, outcome, effects, answer, isInit));
    failpoint('worker.journal:before');
  }

  private reply(outcome: Outcome): void {
    failpoint('worker.reply:before');
    this.ports.reply(outcome);
  }

  /** Stops or dies once nothing is left to do or to release. */
  private finish(): void {
    if (this.state === 'over' || this.running !== undefined || !this.gate.isOpen) return;
    if (this.death === undefined && !this.isStopped) return;
    if (this.state === 'active' && this.definition.terminate !== undefined && !this.isTerminating)
      return this.terminate();
    this.state = 'over';
    if (this.death === undefined) this.ports.onStopped();
    else this.ports.onCrash(this.death.error, this.death.callId);
  }

  /** Runs the definition's `terminate`, once; what becomes of it does not matter for the end. */
  private terminate(): void {
    this.isTerminating = true;
    this.life.timers.stop();
    const { death } = this;
    // The definition has erased the type of its own tables.
    const terminate = this.definition.terminate as
      ((context: TransferContext<TableDefinitions>, reason: TerminateReason) => unknown) | undefined;
    this.play({
      running: { ...MIGRATE, timeoutMs: terminateTimeoutMs(this.definition, death !== undefined) },
      run: (context) => terminate?.(context, terminateReason(death)),
      returned: () => {
        failpoint('worker.terminate:end');
        this.commitOwn();
        this.terminated();
      },
      threw: (error) => {
        if (isBug(error)) throw error;
        this.ports.log.error('terminate threw; what it had changed was undone', { error });
        this.end(true);
        this.rollback();
        this.terminated();
      },
    });
  }

  private terminated(): void {
    this.flush();
    this.finish();
  }

  /** Whether it was told to stop, and everything that it has is done. */
  private get isStopped(): boolean {
    return this.isStopping && this.mailbox.size === 0 && this.canStop && !this.life.continuations.isPending;
  }

  /** A migration goes on where it was stopped; an `init` does not. */
  private get canStop(): boolean {
    return this.isInitialized || this.state === 'new' || this.migration.isWaiting;
  }

  private unknownCall(name: string): WorkerError {
    const known = Object.keys(this.definition.handlers).join(', ') || 'none';
    const message = `The worker '${this.identity.name}' has no call '${name}'. It has: ${known}.`;
    return new WorkerError('ERR_WORKER_CALL_UNKNOWN', message, { worker: this.identity.name, call: name });
  }
}

type UntypedHandler = (context: HandlerContext<TableDefinitions>, ...args: unknown[]) => unknown;

function isNothing({ commits, steps, casts }: HandlerEffects): boolean {
  return commits.length === 0 && steps.length === 0 && casts.length === 0;
}

/** Whether an error is a failed invariant; handlers may throw anything, also what cannot be asked for its class. */
function isBug(error: unknown): boolean {
  try {
    return error instanceof InvariantError;
  } catch {
    return false;
  }
}
