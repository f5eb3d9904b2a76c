/**
 * One incarnation of a worker as a child of the supervision tree: from taking a process to the verdict on its calls.
 *
 *   taken ─▶ loaded ─▶ epoch opened ─▶ activated ─(`init` done)─▶ up ─▶ gone ─▶ retired
 *                                            └─(`init` ignores, so it is never up)─▶┘
 *
 * Invariants
 * 1. G6: the epoch is closed, durably, before the calls in flight are judged and before anyone starts the next incarnation.
 * 2. G3: the replies of the epoch come before the answer to its closing, so a call that is still open then left no trace.
 * 3. An incarnation that was given up without its exit being seen is retired like a dead one: its connection is cut first, so
 *    that nothing it still sends is heard.
 * 4. `exited` settles after the retirement, so a supervisor that learns of a death finds the tables with the heir.
 * 5. Calls are sent only once the worker has said that it is active, its `init` done and released, and that it has done what it
 *    continues with: a death before that is no call's doing, and is charged to none.
 */
import type { ChildExit, StartContext, StartingChild } from '@heirloom/supervisor';
import type { EpochClosed, EpochOpened, Outcome, ReadyMessage } from '@heirloom/wire';
import { activate, decodeError, sendControl, stop } from '@heirloom/wire';
import type { Suspicion } from './call-queue.js';
import type { ProcessDeath } from './child-process.js';
import { exitOf } from './child-process.js';
import { WorkerReferenceError } from './errors.js';
import { checkPartitions } from './partition-check.js';
import type { EndedLife, Life } from './lives.js';
import { linkError } from './link-error.js';
import { LifeRecord } from './life-record.js';
import type { Router } from './router.js';
import type { WorkerSlot } from './worker-slot.js';
import { timerOf } from './timer-desk.js';
import { definitionChanged } from './worker-slot.js';
import type { WorkerProcess, WorkerSource } from './worker-source.js';

/** What the death of one incarnation leaves for the next to report. */
export interface Recovery {
  readonly diedAt: number;
  rerun: number;
}

export class WorkerLife implements StartingChild {
  readonly ready: Promise<void>;
  readonly exited: Promise<ChildExit>;
  readonly #router: Router;
  readonly #slot: WorkerSlot;
  readonly #source: WorkerSource;
  readonly #args: readonly Uint8Array[];
  #process: WorkerProcess | undefined;
  #opening: Promise<EpochOpened> | undefined;
  #retired: Promise<{ counted: boolean; rerun: number }> | undefined;
  #recovery: Recovery | undefined;
  /** How its process ended; undefined until that was seen. */
  #exit: ChildExit | undefined;
  /** The end of a life that it was linked to, by which it was ended. */
  #endedBy: EndedLife | undefined;
  readonly #record: LifeRecord;
  #isStopping = false;

  constructor(
    router: Router,
    slot: WorkerSlot,
    source: WorkerSource,
    context: StartContext,
    previous: WorkerLife | undefined,
    args: readonly Uint8Array[],
  ) {
    this.#router = router;
    this.#slot = slot;
    this.#source = source;
    this.#args = args;
    slot.isFinished = false;
    this.#record = new LifeRecord(slot.name);
    router.exits.begins(context, this.#record);
    let exit: (exit: ChildExit) => void = () => {};
    this.exited = new Promise((resolve) => {
      exit = resolve;
    });
    this.ready = this.#bringUp(context, previous, exit);
  }

  stop(): void {
    this.#isStopping = true;
    this.#record.isToldToStop();
    const connection = this.#process?.connection;
    // What is stored can wait for the next life; what is in the queue is finished.
    this.#router.mail.feed(this.#slot).pause();
    // Without a keeper, what the worker still has can never be stored, and it would wait for that.
    if (this.#router.link.hasFailed || connection === undefined) return this.kill();
    // One that continues is bound when it has done so, and then gets the calls that wait.
    const isUp = this.#slot.recipient?.connection === connection || this.#process?.isContinuing === true;
    if (!isUp) return this.kill();
    this.#slot.whenAllSent(() => sendControl(connection, stop, {}));
  }

  kill(): void {
    // Its supervisor has it killed: that is no call's doing.
    this.#isStopping = true;
    this.#process?.process.kill();
  }

  /** Whether its process is gone. */
  get isGone(): boolean {
    return this.#process?.process.isGone ?? true;
  }

  /** What is known of this incarnation's end, for the next one's report. */
  get recovery(): Recovery | undefined {
    return this.#recovery;
  }

  async #bringUp(
    { signal, isRestart }: StartContext,
    previous: WorkerLife | undefined,
    exit: (exit: ChildExit) => void,
  ): Promise<void> {
    if (isRestart) this.#router.events.emit('restart', { worker: this.#slot.name });
    try {
      this.#process = this.#source.take();
    } catch (error) {
      exit({ reason: 'crash', error: error as Error }); // WorkerReferenceError: take throws nothing else.
      throw error;
    }
    const process = this.#process;
    this.#record.runsIn(process);
    void process.gone.then(async (death) => exit(await this.#gone(death)));
    const definition = await process.ready;
    const known = this.#slot.definition;
    if (known !== undefined && JSON.stringify(known.tables) !== JSON.stringify(definition.tables)) {
      throw definitionChanged(this.#slot.name);
    }
    this.#checkHeirs(definition);
    this.#slot.define(definition);
    await previous?.retire('unknown');
    await checkPartitions(this.#router.link, this.#slot.name);
    signal.throwIfAborted();
    await this.#activate(process, definition.tables);
    await process.active;
    if (process.isContinuing) process.onContinued = () => this.#bind(process);
    else this.#bind(process);
    this.#reportRecovery(process, previous?.recovery);
    this.#source.prepareSoon();
  }

  /** A misspelt heir would be found out when it is needed. */
  #checkHeirs({ tables }: ReadyMessage): void {
    for (const { name, heir } of tables) {
      if (heir === undefined || this.#router.tables.slot(heir) !== undefined) continue;
      const { workers } = this.#router.tables;
      const message = `Table ${name} of worker ${this.#slot.name} has the heir ${heir}, which is no worker of this runtime. It has: ${workers.join(', ')}.`;
      throw new WorkerReferenceError('ERR_WORKER_UNKNOWN', message, { worker: this.#slot.name, table: name, heir });
    }
  }

  async #activate(process: WorkerProcess, tables: Parameters<WorkerSlot['define']>[0]['tables']): Promise<void> {
    const { link } = this.#router;
    this.#opening = link.request({
      type: 'openEpoch',
      worker: this.#slot.name,
      attachment: process.attachment,
      tables,
      workers: this.#router.tables.takeUntold(),
    }) as Promise<EpochOpened>; // The keeper's answer to openEpoch.
    const opened = await this.#opening;
    this.#record.hasEpoch(opened.epoch);
    const { connection } = process;
    if (process.process.isGone || connection === undefined || this.#retired !== undefined) return;
    process.liveEpoch = opened.epoch;
    this.#router.lives.began(this.#life(opened.epoch));
    process.process.log.label({ incarnation: opened.epoch });
    process.onReply = (outcome: Outcome) => this.#router.calls.settle(this.#slot.name, [outcome]);
    process.onDrain = () => this.#slot.pump();
    const { epoch, lsn, restarted, tables: grants, inherited, elsewhere, outbox } = opened;
    const { workers } = this.#router.tables;
    const standing = { epoch, lsn, restarted, tables: grants, inherited, elsewhere, outbox };
    sendControl(connection, activate, { ...standing, workers, args: this.#args });
    this.#router.tables.activated(this.#slot.name, { epoch, connection });
  }

  /** As other workers see it. */
  #life(epoch: number): Life {
    const { name: worker, definition } = this.#slot;
    const isStopping = (): boolean => this.#isStopping;
    return {
      worker,
      epoch,
      trapsExits: definition?.trapsExits === true,
      get isStopping() {
        return isStopping();
      },
      endBy: (linked) => {
        this.#endedBy = linked;
        // Not told to stop by its supervisor, which is to see why.
        this.#process?.process.kill();
      },
    };
  }

  /** Calls go to the process only now that `init` is over: what dies in `init` was killed by no call. */
  #bind({ connection, liveEpoch, process }: WorkerProcess): void {
    if (connection === undefined || liveEpoch === undefined || this.#retired !== undefined) return;
    const { pid, threadId } = process;
    this.#slot.bind({ connection, epoch: liveEpoch, pid, threadId, kill: () => process.kill() });
    if (!this.#isStopping) this.#router.mail.feed(this.#slot).resume();
  }

  /** The process is gone: closes its epoch, and says how it ended. */
  async #gone(death: ProcessDeath): Promise<ChildExit> {
    const process = this.#process as WorkerProcess; // It was this process that died.
    const { lastWords } = process;
    const endedBy = lastWords === undefined && !this.#isStopping ? this.#endedBy : undefined;
    const otherwise = endedBy === undefined ? death.error : linkError(this.#slot.name, endedBy);
    const error = lastWords === undefined ? otherwise : decodeError(lastWords.error);
    const wasUp = process.liveEpoch;
    const exit = exitOf(death, this.#isStopping, error);
    this.#exit = endedBy === undefined ? exit : { ...exit, reason: endedBy.reason };
    this.#record.died(death, error);
    if (process.hasIgnored) {
      await this.retire('nobody');
      this.#router.logger.info({ worker: this.#slot.name, epoch: wasUp }, 'a worker chose not to run');
      return { ...exitOf(death, false, undefined), ignored: true };
    }
    if (!this.#isStopping && wasUp !== undefined) {
      const { pid } = process;
      const { code, signal } = death;
      this.#router.events.emit('crash', { worker: this.#slot.name, epoch: wasUp, pid, code, signal, error });
    }
    // A failed start is reported with what the process said of it.
    if (!process.wasActive) await process.process.logged;
    const { counted } = await this.retire(this.#suspicion(process, death));
    return { ...this.#exit, counted };
  }

  /** Whose doing the death may have been. */
  #suspicion({ wasActive, isContinuing, lastWords }: WorkerProcess, { overrun }: ProcessDeath): Suspicion {
    // Before its `init` was done, no call has begun; and what it was told to stop did not die of a call.
    if (!wasActive || isContinuing || this.#isStopping || this.#endedBy !== undefined) return 'nobody';
    const running = overrun ?? lastWords?.callId;
    if (running !== undefined) return { running };
    return lastWords === undefined ? 'unknown' : 'nobody';
  }

  /**
   * Closes the epoch and judges the calls in flight; once, whoever asks first. When the runtime is failing and there is no
   * keeper to ask, the calls stay as they are: the runtime rejects them.
   */
  retire(suspicion: Suspicion): Promise<{ counted: boolean; rerun: number }> {
    this.#retired ??= this.#retireAndTell(suspicion);
    return this.#retired;
  }

  async #retireAndTell(suspicion: Suspicion): Promise<{ counted: boolean; rerun: number }> {
    try {
      return await this.#retire(suspicion);
    } finally {
      await this.#told();
    }
  }

  /** Tells of its end, behind the retirement: whoever learns of it finds the tables with the heir. */
  async #told(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined);
    if (opened !== undefined)
      this.#router.lives.ended(this.#slot.name, opened.epoch, this.#exit ?? { reason: 'killed' });
  }

  async #retire(suspicion: Suspicion): Promise<{ counted: boolean; rerun: number }> {
    const recovery: Recovery = { diedAt: performance.now(), rerun: 0 };
    this.#recovery = recovery;
    this.#router.mail.feed(this.#slot).pause();
    const process = this.#process;
    if (process !== undefined) {
      if (this.#slot.recipient?.connection === process.connection) this.#slot.unbind();
      if (process.liveEpoch !== undefined) this.#router.registries.ended(this.#slot.name);
      process.liveEpoch = undefined;
      this.#router.asks.gone(process);
      this.#router.link.detach(process.attachment);
    }
    try {
      const opened = await this.#opening;
      if (opened !== undefined) await this.#closeEpoch(opened.epoch, process?.process.isGone ?? true);
      process?.process.cutOff();
    } catch {
      // The epoch could not be opened, which was reported where it was asked for, or there will be no keeper any more.
      return { counted: true, rerun: 0 };
    }
    const verdict = this.#judge(suspicion);
    recovery.rerun = verdict.rerun;
    return verdict;
  }

  async #closeEpoch(epoch: number, isGone: boolean): Promise<void> {
    if (!isGone) this.#process?.process.cutOff();
    this.#router.tables.retired(this.#slot.name, epoch);
    const { drainTimeoutMs } = this.#router.ports;
    const closed = (await this.#router.link.request({
      type: 'closeEpoch',
      worker: this.#slot.name,
      epoch,
      drainTimeoutMs,
      isClosing: this.#router.isClosing,
    })) as EpochClosed; // The keeper's answer to closeEpoch.
    this.#record.closed(closed);
    if (!closed.drained) {
      this.#router.logger.warn({ worker: this.#slot.name, epoch }, 'a journal was not read to its end within its time');
    }
  }

  #judge(suspicion: Suspicion): { counted: boolean; rerun: number } {
    const { counted, rerun, running, poisoned, abandoned, cancelled } = this.#slot.died(suspicion);
    this.#record.judged(rerun, running);
    const { calls, events, logger, mail } = this.#router;
    for (const call of poisoned) {
      const { name, tries } = call;
      const report = { worker: this.#slot.name, call: name, tries, timer: timerOf(call) };
      logger.error(report, 'a call is poisoned: its worker died whenever it ran it');
      events.emit('poisoned', report);
      void mail.bury(call);
    }
    for (const call of abandoned) {
      calls.fail(
        call,
        'ERR_CALL_NOT_RETRIED',
        'none',
        'left no trace when its worker died, and was not to be run again',
      );
    }
    for (const call of cancelled) calls.fail(call, 'ERR_CALL_ABORTED', 'none', 'was given up');
    return { counted, rerun };
  }

  #reportRecovery(process: WorkerProcess, recovery: Recovery | undefined): void {
    if (recovery === undefined || process.liveEpoch === undefined) return;
    const ms = performance.now() - recovery.diedAt;
    const { liveEpoch: epoch, pid } = process;
    const { rerun } = recovery;
    const { logger, events } = this.#router;
    logger.info(
      { worker: this.#slot.name, incarnation: epoch, pid, ms: Math.round(ms), rerun },
      'a worker is up again',
    );
    events.emit('recovered', { worker: this.#slot.name, epoch, ms, rerun });
  }
}
