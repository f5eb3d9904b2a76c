/** An incarnation whose ports are recorded, with a keeper that releases when it is told to. */
import { row, table } from '@heirloom/tables';
import type { AnyTableDefinition } from '@heirloom/tables';
import { ByteWriter, decodeBatch, decodeError, decodeValue, encodeValue, writeOutcomeKey } from '@heirloom/wire';
import type { AskMessage, Batch, Outcome, OutcomeKey, TableGrant, TimerDueMessage } from '@heirloom/wire';
import { defineWorker } from '../src/definition.js';
import type { AnyWorkerDefinition } from '../src/definition.js';
import type { WorkerLog } from '../src/handler-context.js';
import type { RowReader } from '../src/hydration.js';
import { Incarnation } from '../src/incarnation.js';
import { OutputGate } from '../src/output-gate.js';

/** A reply as a caller would see it. */
export interface SeenReply {
  readonly callId: number;
  readonly value?: unknown;
  readonly error?: Error;
}

const silent: WorkerLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

const noStore = (): RowReader => {
  throw new Error('this test has no store');
};

export class Harness {
  readonly gate = new OutputGate();
  readonly events: string[] = [];
  /** Direct replies, in order. */
  readonly replies: SeenReply[] = [];
  /** What was flushed to the journal. */
  readonly journal: Batch[] = [];
  /** What handlers asked of other workers, as it left. */
  readonly asked: AskMessage[] = [];
  /** What was said to the router of timers. */
  readonly due: TimerDueMessage[] = [];
  readonly incarnation: Incarnation;
  /** The time, which a test sets. */
  clock = 1_000;
  alarm: { readonly at: number; readonly task: () => void } | undefined;
  isCongested = false;
  private sent = 0;
  private nextCallId = 1;
  private changed: (() => void)[] = [];

  constructor(definition: AnyWorkerDefinition, reader: () => RowReader = noStore) {
    this.incarnation = new Incarnation({
      name: 'tested',
      definition,
      gate: this.gate,
      ports: {
        reply: (outcome) => this.replied(outcome),
        ask: (message) => {
          this.asked.push(message);
          this.event(`ask ${message.operation}`);
        },
        leave: ({ ordinal }) => this.event(`leave ${ordinal}`),
        timerDue: (message) => {
          this.due.push(message);
          this.event(`due ${message.name}`);
        },
        setAlarm: (delayMs, task) => {
          this.alarm = delayMs === undefined ? undefined : { at: this.clock + delayMs, task };
        },
        flush: () => this.flush(),
        isCongested: () => this.isCongested,
        defer: (task) => queueMicrotask(task),
        handlerBegins: (callId, timeoutMs) => this.event(`begin ${callId} ${timeoutMs}`),
        handlerEnded: () => this.event('end'),
        now: () => this.clock,
        log: silent,
        reader,
        onActive: (isContinuing) => this.event(isContinuing ? 'active, continuing' : 'active'),
        onContinued: () => this.event('continued'),
        onIgnored: () => this.event('ignored'),
        onInitFailed: (error) => this.event(`initFailed ${String(error)}`),
        onStopped: () => this.event('stopped'),
        onBug: (error) => {
          throw error;
        },
        onCrash: (error, callId) => this.event(`crash ${callId} ${String(error)}`),
      },
    });
  }

  /** Activates with empty tables; on a first start the batch of `init` is then to be released. */
  activate(restarted = false, grants: readonly TableGrant[] = grantsOf(this.tables), epoch = 7): void {
    this.incarnation.activate({ epoch, lsn: 0, restarted, tables: grants });
  }

  private get tables(): Readonly<Record<string, AnyTableDefinition>> {
    return this.incarnation['definition'].tables;
  }

  call(name: string, ...callArguments: unknown[]): number {
    return this.send(name, callArguments);
  }

  /** A call whose outcome is kept for 5 ms. */
  keyed(key: string, name: string, ...callArguments: unknown[]): number {
    return this.send(name, callArguments, { key, digest: new Uint8Array(32).fill(3), keepMs: 5 });
  }

  private send(name: string, callArguments: readonly unknown[], outcomeKey?: OutcomeKey): number {
    const callId = this.nextCallId++;
    const writer = new ByteWriter();
    writer.uint53(callId);
    writer.string(name);
    writer.raw(encodeValue(callArguments));
    if (outcomeKey !== undefined) writeOutcomeKey(writer, outcomeKey);
    this.incarnation.receive(writer.take());
    return callId;
  }

  /** Releases everything that is in the journal. */
  releaseAll(): void {
    this.incarnation.release(this.sent);
  }

  /** The outcome of a call, wherever it went. */
  outcome(callId: number): SeenReply | undefined {
    const journalled = this.journal.flatMap(({ outcomes }) => outcomes).find((outcome) => outcome.callId === callId);
    return journalled === undefined ? this.replies.find((reply) => reply.callId === callId) : seen(journalled);
  }

  /** Waits until something holds; asked again after each event. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => void this.changed.push(resolve));
  }

  private replied(outcome: Outcome): void {
    this.replies.push(seen(outcome));
    this.event(`reply ${outcome.callId}`);
  }

  private flush(): void {
    while (this.sent < this.gate.lastNumber) this.journal.push(decodeBatch(this.gate.batch(++this.sent)));
    this.event('flush');
  }

  private event(event: string): void {
    this.events.push(event);
    const waiting = this.changed;
    this.changed = [];
    for (const wake of waiting) wake();
  }
}

export function seen({ callId, threw, payload }: Outcome): SeenReply {
  const value = decodeValue(payload);
  return threw ? { callId, error: decodeError(value) } : { callId, value };
}

export function grantsOf(tables: Readonly<Record<string, AnyTableDefinition>>): TableGrant[] {
  return Object.entries(tables)
    .filter(([, { survives }]) => survives !== 'nothing')
    .map(([name], index) => ({ name, tableId: index + 1, extent: index + 1, size: 0, nextSequence: 1, shapes: [] }));
}

/** Tasks that are waiting in this turn have run. */
export const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** A worker with three tables, one of which nobody inherits. */
export function bankDefinition(options: { readonly onError?: 'reply' | 'crash' } = {}) {
  return defineWorker({
    ...options,
    tables: {
      accounts: table({ row: row<{ id: string; balance: number }>(), key: 'id' }),
      entries: table({
        row: row<{ account: string; amount: number }>(),
        type: 'duplicate_bag',
        key: 'account',
        access: 'public',
      }),
      cache: table({ row: row<{ id: string; hits: number }>(), type: 'ordered_set', key: 'id', survives: 'nothing' }),
    },
    calls: {
      deposit({ tables }, account: string, amount: number) {
        tables.entries.insert({ account, amount });
        return tables.accounts.updateCounter(account, 'balance', amount, { default: { id: account, balance: 0 } });
      },
      balance({ tables }, account: string) {
        return tables.accounts.lookup(account)?.balance;
      },
      hit({ tables }, id: string) {
        return tables.cache.updateCounter(id, 'hits', 1, { default: { id, hits: 0 } });
      },
      everythingThenThrow({ tables }) {
        tables.accounts.insert({ id: 'ghost', balance: 1 });
        tables.entries.insert({ account: 'ghost', amount: 1 });
        tables.cache.insert({ id: 'ghost', hits: 1 });
        throw new RangeError('no');
      },
      sizes({ tables }) {
        return [tables.accounts.size, tables.entries.size, tables.cache.size];
      },
      unsendable() {
        return () => 1;
      },
    },
  });
}
