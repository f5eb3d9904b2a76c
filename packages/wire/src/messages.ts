/**
 * The messages between the processes of a runtime: which frame kinds there are, who sends them, and how they are checked.
 *
 * Connections (each begins with a HELLO that carries a single-use token):
 *
 *   role      from → to         frames
 *   calls     worker ↔ router   ready, loadFailed, active, initFailed, ignored, reply, stopped, crash, keeperLost, ask, leave,
 *                               timerDue, continued | activate, call, keeper, stop, adopt, answer, delivery
 *   control   keeper ↔ router   keeperReady, keeperFailed, response, replies, violated, changed, moved, mail | expect, request,
 *                               resume, confirm, shutdown
 *   journal   worker → keeper   batch          one way: the keeper never writes to it, so a dying worker loses nothing it sent
 *   acks      keeper → worker   welcome, ack, fenced, consumed    one way
 *
 * Frames that occur once a call (call, delivery, reply, answer, batch, replies, ack, consumed, confirm) have a binary body,
 * described at their codec in call-messages.ts, batch.ts and cast.ts. All others are control messages: one plain object as a
 * value, checked field by field. Those of the connection of calls are in worker-messages.ts, those that the keeper sends or gets
 * in keeper-messages.ts.
 */
import type { ByteWriter } from './byte-writer.js';
import type { FieldCheck } from './field.js';
import { anything, expectMessage, record } from './field.js';
import { decodeValue, writeValue } from './value-codec.js';

/** The byte of each frame kind. A number is never used again for something else. */
export const FrameKind = {
  hello: 1,
  // worker → router
  ready: 10,
  loadFailed: 11,
  active: 12,
  initFailed: 13,
  reply: 14,
  stopped: 15,
  crash: 16,
  keeperLost: 17,
  ask: 18,
  leave: 19,
  // router → worker
  activate: 20,
  call: 21,
  keeper: 22,
  stop: 23,
  adopt: 24,
  answer: 25,
  // keeper → router
  keeperReady: 30,
  keeperFailed: 31,
  response: 32,
  replies: 33,
  violated: 34,
  changed: 35,
  moved: 36,
  // router → keeper
  expect: 40,
  request: 41,
  resume: 42,
  confirm: 43,
  shutdown: 44,
  // worker → keeper
  batch: 50,
  // keeper → worker
  welcome: 60,
  ack: 61,
  fenced: 62,
  // keeper → router
  mail: 70,
  // keeper → worker
  consumed: 71,
  // router → worker
  delivery: 72,
  // worker → router
  ignored: 95,
  timerDue: 75,
  continued: 76,
} as const;

/** What a client says it is in its HELLO. */
export type Role = 'calls' | 'control' | 'journal' | 'acks';

/** A control message: its frame kind with the check of its body. */
export interface ControlMessage<T> {
  readonly name: string;
  readonly kind: number;
  readonly check: FieldCheck<T>;
}
/** The control message of a frame kind, with the check of its body. */
export function control<T>(name: keyof typeof FrameKind, check: FieldCheck<T>): ControlMessage<T> {
  return { name, kind: FrameKind[name], check };
}

/** An error as plain data, by `encodeError`. */
export interface ErrorMessage {
  readonly error: unknown;
}
/** The check of a body that is only an error. */
export const errorMessage: FieldCheck<ErrorMessage> = record({ error: anything });

/** Something that can send a frame: a Connection. */
export interface FrameSink {
  send(kind: number, encode: (writer: ByteWriter) => void): void;
}
/** Queues a control message on a connection. */
export function sendControl<T>(sink: FrameSink, message: ControlMessage<T>, body: NoInfer<T>): void {
  sink.send(message.kind, (writer) => writeValue(writer, body));
}
/** Decodes and checks the body of a control message; throws WireError ERR_WIRE_DECODE or ERR_WIRE_MESSAGE. */
export function decodeControl<T>(message: ControlMessage<T>, body: Uint8Array): T {
  return expectMessage(message.name, message.check, decodeValue(body));
}
