import {
  ByteReader,
  ByteWriter,
  decodeControl,
  decodeReplies,
  encodeValue,
  expectMessage,
  record,
  requestMessage,
  text,
  writeReplies,
  WireError,
} from '@heirloom/wire';
import type { Outcome } from '@heirloom/wire';
import { describe, expect, it } from 'vitest';
import { frameSamples, understood } from './frame-samples.js';

const INHERITED = ['constructor', 'toString', 'hasOwnProperty', '__proto__'];

describe('a message', () => {
  it.each(frameSamples().filter(({ kind }) => kind !== 1))('of kind $kind is read as it was written', (sample) => {
    expect(Buffer.from(understood(sample.kind, sample.body)).toString('hex')).toBe(
      Buffer.from(sample.body).toString('hex'),
    );
  });

  it.each(INHERITED)('with a field %s that only its prototype has is refused', (name) => {
    const value = JSON.parse(`{"reason":"x","${name}":1}`) as unknown; // JSON makes an own field of __proto__.
    expect(() => expectMessage('fenced', record({ reason: text }), value)).toThrow(WireError);
  });

  it.each([...INHERITED, 'unknown', 7, undefined, { toString: 'x' }])(
    'that asks for %j, which is no request, is refused',
    (type) => {
      const body = encodeValue({ requestId: 1, request: { type } });
      expect(() => decodeControl(requestMessage, body)).toThrow(WireError);
    },
  );
});

describe('replies', () => {
  const outcome = (callId: number): Outcome => ({ callId, threw: false, payload: Uint8Array.of(1) });

  it('say of each outcome from which worker it came (G12)', () => {
    const writer = new ByteWriter();
    const outcomes = new Map([
      ['bank', [outcome(1), outcome(3)]],
      ['routes', [outcome(2)]],
    ]);
    writeReplies(writer, 9, outcomes);
    expect(decodeReplies(new Uint8Array(writer.take()))).toEqual({ lsn: 9, outcomes });
  });

  it('that name a worker twice are refused', () => {
    const writer = new ByteWriter();
    writer.uint53(9);
    writer.varuint(2);
    for (let i = 0; i < 2; i++) {
      writer.string('bank');
      writer.varuint(0);
    }
    expect(() => decodeReplies(writer.take())).toThrow('twice');
  });
});

it.each([
  ['one byte too long', [0x80, 0x00]],
  ['many bytes too long', [0x85, 0x80, 0x80, 0x00]],
  ['over the largest safe integer', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
])('a variable-length number that is %s is refused', (_name, bytes) => {
  expect(() => new ByteReader(Uint8Array.from(bytes)).varuint()).toThrow(WireError);
});
