/**
 * What the router keeps of a worker across its incarnations: its calls, and the connection they go to at the moment.
 */
import type { Connection, ReadyMessage, TableDeclaration } from '@heirloom/wire';
import { FrameKind, isHiddenTable, writeDelivery, writeOutcomeKey } from '@heirloom/wire';
import type { CallQueueLimits, DeathVerdict, Suspicion } from './call-queue.js';
import { CallQueue } from './call-queue.js';
import type { CallOutcome } from './errors.js';
import { WorkerReferenceError } from './errors.js';
import type { PendingCall } from './pending-call.js';

/** The incarnation that calls are sent to. */
export interface Recipient {
  readonly connection: Connection;
  readonly epoch: number;
  readonly pid: number | undefined;
  readonly threadId: number | undefined;
  /** Ends it at once, as SIGKILL does. */
  readonly kill: () => void;
}

export class WorkerSlot {
  readonly name: string;
  readonly queue: CallQueue<PendingCall>;
  #recipient: Recipient | undefined;
  #definition: ReadyMessage | undefined;
  #isPumpScheduled = false;
  #whenAllSent: (() => void) | undefined;
  /** Whether the worker is down and stays so: nobody will answer. */
  isFinished = false;
  /** The tables of its definition, without what it hides. */
  tables: readonly TableDeclaration[] = [];

  constructor(name: string, limits: CallQueueLimits) {
    this.name = name;
    this.queue = new CallQueue(limits);
  }

  get recipient(): Recipient | undefined {
    return this.#recipient;
  }

  /** What the worker's module defines; undefined until it was loaded once. */
  get definition(): ReadyMessage | undefined {
    return this.#definition;
  }

  /** Takes note of what a process of this worker has loaded; a later one must define the same tables. */
  define(definition: ReadyMessage): void {
    this.#definition = definition;
    this.tables = definition.tables.filter(({ name }) => !isHiddenTable(name));
  }

  /** A table of its definition. */
  table(name: string): TableDeclaration | undefined {
    return this.tables.find((table) => table.name === name);
  }

  offer(call: PendingCall): boolean {
    if (!this.queue.offer(call)) return false;
    this.pump();
    return true;
  }

  /** Takes a stored cast; there are as many as its feed lets through. */
  admit(call: PendingCall): void {
    this.queue.admit(call);
    this.pump();
  }

  cancel(call: PendingCall): CallOutcome {
    return this.queue.cancel(call);
  }

  settled(call: PendingCall): void {
    this.queue.settle(call.callId);
    this.pump();
  }

  /** From now on calls go to this incarnation, those that are run again first. */
  bind(recipient: Recipient): void {
    this.#recipient = recipient;
    this.#sendSendable();
  }

  /** No call is sent any more until the next `bind`. */
  unbind(): void {
    this.#recipient = undefined;
    this.#whenAllSent = undefined;
  }

  /** Calls `then` once everything that waits was sent to the current incarnation: for an orderly stop. */
  whenAllSent(then: () => void): void {
    this.#whenAllSent = then;
    this.#sendSendable();
  }

  died(suspicion: Suspicion): DeathVerdict<PendingCall> {
    return this.queue.died(suspicion);
  }

  /** Sends what may be sent, once for all calls of a turn. */
  pump(): void {
    if (this.#isPumpScheduled || this.#recipient === undefined) return;
    this.#isPumpScheduled = true;
    queueMicrotask(() => {
      this.#isPumpScheduled = false;
      this.#sendSendable();
    });
  }

  #sendSendable(): void {
    const recipient = this.#recipient;
    if (recipient === undefined || recipient.connection.isCongested) return;
    for (const call of this.queue.takeSendable()) send(recipient.connection, call);
    if (this.#whenAllSent === undefined || !this.queue.isAllSent) return;
    const then = this.#whenAllSent;
    this.#whenAllSent = undefined;
    then();
  }
}

function send(connection: Connection, call: PendingCall): void {
  const { callId, name, argumentBytes, delivery } = call;
  if (delivery !== undefined) {
    const { id, kind } = delivery;
    connection.send(FrameKind.delivery, (writer) =>
      writeDelivery(writer, { callId, id, kind, name, arguments: argumentBytes }),
    );
    return;
  }
  connection.send(FrameKind.call, (writer) => {
    writer.uint53(callId);
    writer.string(name);
    writer.raw(argumentBytes);
    if (call.outcomeKey !== undefined) writeOutcomeKey(writer, call.outcomeKey);
  });
}

/** The error for tables that changed between two processes of one worker. */
export function definitionChanged(worker: string): WorkerReferenceError {
  return new WorkerReferenceError(
    'ERR_WORKER_START',
    `Worker ${worker} now defines other tables than when the runtime started: its module must not depend on when it is loaded.`,
    { worker },
  );
}
