import {
  ByteReader,
  ByteWriter,
  decodeValue,
  encodeValue,
  FrameParser,
  FrameWriter,
  RowCodec,
  WireError,
} from '@heirloom/wire';
import { describe, expect, it } from 'vitest';
import { chunks, mutate, randomFrom, runSeed } from './mutate.js';
import type { Random } from './mutate.js';

const seed = runSeed();
const VALUE_RUNS = 100_000;
const STREAM_RUNS = 20_000;
const FRAMES_PER_STREAM = 5;

const values: readonly unknown[] = [
  {
    id: 'alice',
    balance: -12.5,
    tags: ['a', 'é', '語'.repeat(30)],
    at: new Date(0),
    nested: { deep: [null, undefined, true] },
  },
  new Map<unknown, unknown>([
    ['k', new Set([1, 2n ** 70n, -(2n ** 70n)])],
    [{ a: 1 }, /a+/g],
  ]),
  [new Float64Array([1, 2]), new Uint8Array(20).buffer, 'x'.repeat(100), 70_000, -5, 1e300, 5n],
  Array.from({ length: 40 }, (_, i) => ({ i, text: `t${i}` })),
];

/** Runs something that may only return or throw a WireError. */
function survives(run: () => void, describeRun: () => string): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw new Error(`HEIRLOOM_SEED=${seed}: ${describeRun()}`, { cause: error });
  }
}

function readRandomly(reader: ByteReader, random: Random): void {
  const reads = [
    () => reader.u8(),
    () => reader.u16(),
    () => reader.u32(),
    () => reader.uint53(),
    () => reader.f64(),
    () => reader.varuint(),
    () => reader.lengthPrefixed(),
    () => reader.string(),
  ];
  for (let i = 0; i < 20; i++) reads[random(reads.length)]?.();
}

describe('hostile bytes', () => {
  it('decode to a value or a WireError, and what decodes can be encoded again', () => {
    const random = randomFrom(seed);
    const encoded = values.map((value) => encodeValue(value));
    let refused = 0;
    for (let run = 0; run < VALUE_RUNS; run++) {
      const bytes = mutate(encoded[run % encoded.length] ?? new Uint8Array(), random);
      const decodes = survives(
        () => encodeValue(decodeValue(bytes)),
        () => `value ${Buffer.from(bytes).toString('hex')}`,
      );
      if (!decodes) refused++;
    }
    expect(refused, `HEIRLOOM_SEED=${seed}`).toBeGreaterThan(VALUE_RUNS / 4);
    expect(refused, `HEIRLOOM_SEED=${seed}`).toBeLessThan(VALUE_RUNS);
  });

  it('decode as rows to a row or a WireError', () => {
    const random = randomFrom(seed + 1);
    const codec = new RowCodec();
    const encoded = values.map((value) => codec.encodeRow(value));
    let refused = 0;
    for (let run = 0; run < VALUE_RUNS / 2; run++) {
      const bytes = mutate(encoded[run % encoded.length] ?? new Uint8Array(), random);
      if (
        !survives(
          () => codec.decodeRow(bytes),
          () => `row ${Buffer.from(bytes).toString('hex')}`,
        )
      )
        refused++;
    }
    expect(refused, `HEIRLOOM_SEED=${seed}`).toBeGreaterThan(VALUE_RUNS / 8);
  });

  it('are read by primitives within their bounds', () => {
    const random = randomFrom(seed + 2);
    for (let run = 0; run < VALUE_RUNS / 4; run++) {
      const bytes = Uint8Array.from({ length: random(40) }, () => random(256));
      const reader = new ByteReader(bytes);
      survives(
        () => readRandomly(reader, random),
        () => `bytes ${Buffer.from(bytes).toString('hex')}`,
      );
      expect(reader.position, `HEIRLOOM_SEED=${seed}`).toBeLessThanOrEqual(bytes.length);
    }
  });

  it('in a stream of frames deliver frames or violate, in bounded memory (G9)', () => {
    const random = randomFrom(seed + 3);
    let violations = 0;
    for (let run = 0; run < STREAM_RUNS; run++) {
      const stream = mutate(randomFrames(random), random);
      const parser = new FrameParser({
        kinds: new Set([1, 2, 3]),
        frameBytesMax: 512,
        onFrame: (_kind, body) =>
          survives(
            () => decodeValue(body),
            () => `body ${Buffer.from(body).toString('hex')}`,
          ),
      });
      const pushAll = (): void => {
        for (const chunk of chunks(stream, random)) {
          parser.push(chunk);
          if (parser.pendingBytes > 520) throw new Error(`The parser keeps ${parser.pendingBytes} bytes.`);
        }
      };
      if (!survives(pushAll, () => `stream ${Buffer.from(stream).toString('hex')}`)) violations++;
    }
    expect(violations, `HEIRLOOM_SEED=${seed}`).toBeGreaterThan(STREAM_RUNS / 4);
    expect(violations, `HEIRLOOM_SEED=${seed}`).toBeLessThan(STREAM_RUNS);
  });
});

function randomFrames(random: Random): Uint8Array {
  const frames = new FrameWriter();
  for (let i = 0; i < FRAMES_PER_STREAM; i++) {
    const body = new ByteWriter();
    body.raw(encodeValue({ i, text: 'x'.repeat(random(60)) }));
    frames.begin(1 + random(3)).raw(body.take());
    frames.end();
  }
  return frames.take();
}
