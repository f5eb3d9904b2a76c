/**
 * Whole frames of every kind as the processes of a runtime send them, and what decodes each kind.
 */
import {
  activate,
  active,
  adopt,
  ask,
  ByteWriter,
  changed,
  continued,
  crash,
  createToken,
  decodeBatch,
  decodeCall,
  decodeControl,
  decodeDelivery,
  decodeNumber,
  decodeReplies,
  decodeReply,
  decodeTotals,
  encodeError,
  encodeValue,
  expect,
  fenced,
  FrameKind,
  FrameWriter,
  ignored,
  initFailed,
  keeper,
  keeperFailed,
  keeperLost,
  keeperReady,
  leave,
  loadFailed,
  mail,
  moved,
  ready,
  requestMessage,
  response,
  resume,
  RowCodec,
  sendControl,
  shutdown,
  stop,
  stopped,
  timerDue,
  violated,
  welcome,
  WireError,
  writeBatch,
  writeDelivery,
  writeOutcome,
  writeOutcomeKey,
  writeReplies,
  writeTotals,
  writeValue,
} from '@heirloom/wire';
import type {
  Batch,
  Cast,
  ControlMessage,
  Delivery,
  FrameSink,
  Outcome,
  OutcomeKeeping,
  OwnershipStep,
  TableDeclaration,
} from '@heirloom/wire';

export interface FrameSample {
  readonly kind: number;
  readonly body: Uint8Array;
}

const outcomes: readonly Outcome[] = [
  { callId: 7, threw: false, payload: encodeValue({ balance: 12.5, tags: ['a', 'é'] }) },
  { callId: 2 ** 40, threw: true, payload: encodeValue(encodeError(new TypeError('no such account'))) },
  { callId: 8, threw: false, payload: new Uint8Array() },
];

const table: TableDeclaration = {
  name: 'accounts',
  type: 'ordered_set',
  access: 'protected',
  survives: 'power_loss',
  key: ['tenant', 'id'],
  publicName: undefined,
  version: 3,
  keepBytes: 65_536,
  heir: 'auditor',
};

function batch(): Batch {
  const codec = new RowCodec();
  const rows = [
    { tenant: 'x', id: 1, balance: 3 },
    { tenant: 'x', id: 2, balance: 4.25, note: 'é'.repeat(40) },
  ].map((row) => new Uint8Array(codec.encodeRow(row)));
  const changes = [
    ...rows.map((rowBytes, index) => ({ keyBytes: Uint8Array.of(5, index), sequence: 0, rowBytes })),
    { keyBytes: Uint8Array.of(5, 200), sequence: 70_000, rowBytes: undefined },
  ];
  const shapes = codec.takeNewShapes();
  return {
    number: 12,
    isInit: false,
    outcomes,
    tables: [
      { tableId: 1, size: 300, nextSequence: 5, cleared: true, shapes, changes },
      { tableId: 2, size: 0, nextSequence: 1, cleared: false, shapes: [], changes: [] },
    ],
  };
}

const keeping: OutcomeKeeping = {
  key: 'payment-42 é',
  digest: Uint8Array.from({ length: 32 }, (_, index) => index),
  keepMs: 86_400_000,
  hasWritten: true,
};

const steps: readonly OwnershipStep[] = [
  { kind: 'give', tableId: 1, to: 'auditor', data: { reason: 'year end', amount: 7n } },
  { kind: 'heir', tableId: 2, to: undefined, data: undefined },
  { kind: 'accept', tableId: 3, to: undefined, data: undefined },
];

const casts: readonly Cast[] = [
  { to: 'auditor', name: 'note', arguments: encodeValue(['alice', 100, { at: new Date(0) }]) },
  { to: 'bank', name: 'é'.repeat(40), arguments: encodeValue([]) },
];

const deliveries: readonly Delivery[] = [
  { callId: 9, id: 2 ** 40, kind: 'cast', name: 'note', arguments: encodeValue(['alice', 100n]) },
  { callId: 10, id: 3, kind: 'letter', name: 'é', arguments: new Uint8Array() },
];

function castBatches(): Batch[] {
  const empty = { isInit: false, outcomes: outcomes.slice(0, 1), tables: [] };
  return [
    { ...batch(), isInit: true, steps, casts },
    { ...empty, number: 1, casts: casts.slice(0, 1), ending: { id: 2 ** 40, how: 'done' } },
    { ...empty, number: 2, ending: { id: 1, how: 'threw' } },
    { ...empty, number: 3, ending: { id: 0, how: 'unknown_call' } },
  ];
}

function migrations(): Batch[] {
  const codec = new RowCodec();
  const rowBytes = new Uint8Array(codec.encodeRow({ tenant: 'x', id: 1 }));
  const changes = [{ keyBytes: Uint8Array.of(5, 1), sequence: 3, rowBytes }];
  const rows = { tableId: 1, size: 7, nextSequence: 9, cleared: false, shapes: codec.takeNewShapes(), changes };
  const cursor = Uint8Array.of(5, 1, 0, 0, 0, 0, 0, 0, 0, 4);
  const empty = { isInit: false, outcomes: [], tables: [] };
  return [
    { ...empty, number: 1, migration: { step: 'rows', rows, cursor, hasMoved: true, isComplete: false } },
    { ...empty, number: 2, migration: { step: 'rows', rows, cursor, hasMoved: false, isComplete: true } },
    { ...empty, number: 3, migration: { step: 'flip' } },
    { ...empty, number: 4, migration: { step: 'abandon' } },
  ];
}

/** One sample or more of every kind of frame. */
export function frameSamples(): FrameSample[] {
  const samples: FrameSample[] = [];
  const sink: FrameSink = {
    send: (kind, encode) => {
      const writer = new ByteWriter();
      encode(writer);
      samples.push({ kind, body: new Uint8Array(writer.take()) });
    },
  };
  const token = createToken();
  sink.send(FrameKind.hello, (writer) => {
    writer.string('journal');
    writer.lengthPrefixed(token);
  });
  sink.send(FrameKind.call, (writer) => {
    writer.uint53(9);
    writer.string('deposit');
    writeValue(writer, ['alice', 100, { at: new Date(0), big: 2n ** 70n, seen: new Set([1, 'é']) }]);
  });
  sink.send(FrameKind.call, (writer) => {
    writer.uint53(10);
    writer.string('pay');
    writeValue(writer, ['alice', 100]);
    writeOutcomeKey(writer, keeping);
  });
  for (const outcome of outcomes) {
    for (const kind of [FrameKind.reply, FrameKind.answer]) sink.send(kind, (writer) => writeOutcome(writer, outcome));
  }
  const byWorker = new Map([
    ['bank', outcomes],
    ['routes', outcomes.slice(0, 1)],
  ]);
  sink.send(FrameKind.replies, (writer) => writeReplies(writer, 77, byWorker));
  const kept = { ...batch(), outcomes: outcomes.slice(0, 1), keeping };
  const batches = [batch(), { ...batch(), isInit: true, steps }, kept, ...castBatches(), ...migrations()];
  for (const sample of batches) sink.send(FrameKind.batch, (writer) => writeBatch(writer, sample));
  for (const kind of [FrameKind.ack, FrameKind.confirm]) sink.send(kind, (writer) => writer.uint53(2 ** 33 + 5));
  for (const sample of deliveries) sink.send(FrameKind.delivery, (writer) => writeDelivery(writer, sample));
  sink.send(FrameKind.consumed, (writer) => writeTotals(writer, { count: 70_000, bytes: 2 ** 40 }));
  sendControls(sink, token);
  return samples;
}

function sendControls(sink: FrameSink, token: Uint8Array): void {
  const error = encodeError(
    new WireError('ERR_WIRE_MESSAGE', 'It is not one.', { kind: 3 }, { cause: new Error('x') }),
  );
  const grant = {
    name: 'accounts',
    tableId: 1,
    extent: 4,
    size: 9,
    nextSequence: 1,
    shapes: [{ id: 0, fields: ['id'] }],
  };
  sendControl(sink, ready, {
    pid: 4_711,
    calls: ['deposit', 'transfer'],
    tables: [table, { ...table, migrates: true }],
  });
  for (const message of [loadFailed, initFailed, keeperFailed]) sendControl(sink, message, { error });
  for (const message of [continued, ignored, stopped, stop, shutdown]) sendControl(sink, message, {});
  sendControl(sink, crash, { error, callId: 3 });
  sendControl(sink, active, { isContinuing: true });
  sendControl(sink, timerDue, { name: 'remind/7', handler: 'remind', generation: '7.12' });
  sendControl(sink, keeperLost, { socketPath: '/tmp/heirloom-1/keeper-1.sock' });
  const question = {
    requestId: 12,
    callId: 3,
    ordinal: 2,
    worker: 'audit',
    table: 'entries',
    operation: 'insert',
    arguments: encodeValue([{ account: 'alice', amount: 3n }]),
    timeoutMs: 5_000,
  };
  sendControl(sink, ask, question);
  sendControl(sink, ask, { ...question, callId: undefined, operation: 'select', timeoutMs: undefined });
  sendControl(sink, ask, { ...question, table: undefined, operation: 'deposit' });
  sendControl(sink, leave, { callId: 3, ordinal: 2 });
  const migration = {
    fromVersion: 1,
    fromType: 'bag',
    extent: 5,
    size: 3,
    nextSequence: 4,
    cursor: Uint8Array.of(5, 1),
    hasMoved: true,
    isComplete: false,
  } as const;
  const notice = { from: 'bank', data: [1n, 'gift'] };
  const adoption = { worker: 'bank', declaration: table, grant, moves: 3, owner: 'auditor', epoch: 2, notice };
  const standing = { inherited: [adoption], elsewhere: [{ name: 'entries', owner: 'auditor' }], workers: ['bank'] };
  sendControl(sink, activate, {
    epoch: 2,
    lsn: 88,
    restarted: true,
    tables: [grant, { ...grant, migration }],
    ...standing,
    outbox: { made: { count: 9, bytes: 2_000 }, consumed: { count: 3, bytes: 700 } },
    args: [encodeValue('eu'), encodeValue({ limit: 5 })],
  });
  sendControl(sink, adopt, { ...adoption, notice: undefined });
  sendControl(sink, moved, { tables: [{ worker: 'bank', name: 'accounts', owner: 'auditor' }], adoptions: [adoption] });
  const paths = { socketPath: '/tmp/heirloom-1/keeper-1.sock', storePath: '/var/lib/bank/data.mdb' };
  sendControl(sink, keeper, { ...paths, journalToken: token, acksToken: token });
  sendControl(sink, keeperReady, { ...paths, pid: 4_712, timeline: 1, lsn: 9_000, instance: 3, lastMail: 12 });
  sendControl(sink, mail, { receivers: ['bank', 'auditor'], hasLetters: true });
  sendControl(sink, response, { requestId: 4, error: undefined, result: [new Map([['a', 1]]), null] });
  sendControl(sink, changed, { tables: [{ worker: 'bank', table: 'accounts' }] });
  sendControl(sink, violated, { attachment: 3, reason: 'Batch 12 came behind batch 10.' });
  sendControl(sink, expect, { token, role: 'acks', worker: 'bank', attachment: 3, pid: 4_711 });
  sendControl(sink, resume, { instance: 3, seenLsn: 88, live: [{ worker: 'bank', epoch: 2, attachment: 3 }] });
  sendControl(sink, welcome, { epoch: 2, lastBatch: 12 });
  sendControl(sink, fenced, { reason: 'Epoch 3 has begun.' });
  const requests = [
    { type: 'openEpoch', worker: 'bank', attachment: 3, tables: [table] },
    { type: 'closeEpoch', worker: 'bank', epoch: 2, drainTimeoutMs: 1_000, isClosing: true },
    { type: 'rename', worker: 'bank', table: 'accounts', name: 'ledger' },
    { type: 'whereis', name: 'ledger' },
    { type: 'tables' },
    { type: 'outcome', worker: 'bank', key: 'payment-42' },
    { type: 'read', worker: 'bank', table: 'accounts', operation: 'lookup', arguments: [['x', 1]] },
    {
      type: 'read',
      worker: 'bank',
      table: 'accounts',
      operation: 'select',
      arguments: [{ where: { tenant: 'x' } }],
      snapshot: { id: 7, after: { keyBytes: Uint8Array.of(5, 1), sequence: 0, count: 9 }, rowsMax: 500 },
    },
    { type: 'endSnapshot', snapshot: 7 },
    { type: 'changes', worker: 'bank', table: 'accounts', timeline: 1, lsn: 88 },
    { type: 'changes', worker: 'bank', table: 'accounts', timeline: undefined, lsn: undefined },
    { type: 'image', worker: 'bank', table: 'accounts', after: Uint8Array.of(5, 1) },
    { type: 'keep', number: 3, record: Uint8Array.of(1, 2) },
    { type: 'keep', number: 3, record: undefined },
    { type: 'kept', after: 2 },
    { type: 'inspect' },
    { type: 'barrier' },
    ...castRequests(),
  ] as const;
  for (const request of requests) sendControl(sink, requestMessage, { requestId: 5, request });
}

function castRequests() {
  const bytes = encodeValue(['alice', 1n]);
  const error = encodeValue(encodeError(new RangeError('no')));
  const submit = { type: 'submit', number: 7, settledBefore: 3 } as const;
  return [
    { ...submit, submission: { kind: 'cast', to: 'bank', name: 'note', arguments: bytes } },
    { ...submit, submission: { kind: 'letter', worker: 'bank', name: 'note', arguments: bytes, error, tries: 3 } },
    { ...submit, submission: { kind: 'bury', worker: 'bank', id: 9, error, tries: 3 } },
    { ...submit, submission: { kind: 'delete', id: 9 } },
    { type: 'casts', worker: 'bank', after: 9 },
    { type: 'letters', worker: undefined, after: 0, limit: 100, isWhole: true },
  ] as const;
}

/** A whole frame, header included. */
export function frameOf({ kind, body }: FrameSample): Uint8Array {
  const frames = new FrameWriter();
  frames.begin(kind).raw(body);
  frames.end();
  return frames.take();
}

const controls: readonly ControlMessage<unknown>[] = [
  activate,
  adopt,
  ask,
  leave,
  mail,
  moved,
  active,
  changed,
  continued,
  crash,
  expect,
  fenced,
  ignored,
  initFailed,
  keeper,
  keeperFailed,
  continued,
  timerDue,
  keeperLost,
  keeperReady,
  loadFailed,
  ready,
  requestMessage,
  response,
  resume,
  shutdown,
  stop,
  stopped,
  timerDue,
  violated,
  welcome,
];

/**
 * Decodes a body as the receiver of its kind does, and encodes what was understood again.
 * Throws WireError for a body that no sender writes.
 */
export function understood(kind: number, body: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  const control = controls.find((message) => message.kind === kind);
  if (control !== undefined) writeValue(writer, decodeControl(control, body));
  else if (kind === FrameKind.batch) writeBatch(writer, decodeBatch(body));
  else if (kind === FrameKind.delivery) writeDelivery(writer, decodeDelivery(body));
  else if (kind === FrameKind.consumed) writeTotals(writer, decodeTotals(body));
  else if (kind === FrameKind.reply || kind === FrameKind.answer) writeOutcome(writer, decodeReply(body));
  else if (kind === FrameKind.replies) {
    const { lsn, outcomes: byWorker } = decodeReplies(body);
    writeReplies(writer, lsn, byWorker);
  } else if (kind === FrameKind.call) {
    const call = decodeCall(body);
    writer.uint53(call.callId);
    writer.string(call.name);
    writeValue(writer, call.arguments);
    if (call.outcomeKey !== undefined) writeOutcomeKey(writer, call.outcomeKey);
  } else writer.uint53(decodeNumber(body));
  return writer.take();
}
