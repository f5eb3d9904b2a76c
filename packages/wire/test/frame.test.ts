import { ByteReader, ByteWriter, FRAME_BYTES_MAX, FrameParser, FrameWriter } from '@heirloom/wire';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunks, concat, randomFrom } from './mutate.js';

const violation: unknown = expect.objectContaining({ code: 'ERR_WIRE_FRAME' });
type Frame = readonly [kind: number, body: readonly number[]];

function encode(frames: readonly Frame[]): Uint8Array {
  const writer = new FrameWriter();
  for (const [kind, body] of frames) {
    writer.begin(kind).raw(Uint8Array.from(body));
    writer.end();
  }
  return writer.take();
}

function collector(options: { frameBytesMax?: number; afterFrame?: () => void } = {}): {
  parser: FrameParser;
  frames: Frame[];
  bodies: Uint8Array[];
} {
  const frames: Frame[] = [];
  const bodies: Uint8Array[] = [];
  const parser = new FrameParser({
    kinds: new Set([1, 2, 3]),
    ...(options.frameBytesMax !== undefined && { frameBytesMax: options.frameBytesMax }),
    onFrame: (kind, body) => {
      frames.push([kind, [...body]]);
      bodies.push(body);
      options.afterFrame?.();
    },
  });
  return { parser, frames, bodies };
}

const arbitraryFrames = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.array(fc.nat(255), { maxLength: 60 })), {
  maxLength: 12,
});

describe('FrameParser', () => {
  it('delivers the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(arbitraryFrames, fc.nat(), (frames, seed) => {
        const { parser, frames: delivered } = collector();
        for (const chunk of chunks(encode(frames), randomFrom(seed))) parser.push(chunk);
        expect(delivered).toEqual(frames);
        expect(parser.pendingBytes).toBe(0);
      }),
    );
  });

  it('delivers the same frames when it is paused after any of them', () => {
    fc.assert(
      fc.property(arbitraryFrames, fc.nat(), (frames, seed) => {
        const random = randomFrom(seed);
        const { parser, frames: delivered } = collector({ afterFrame: () => random(2) === 0 && parser.pause() });
        for (const chunk of chunks(encode(frames), random)) {
          const before = delivered.length;
          const wasPaused = parser.isPaused;
          parser.push(chunk);
          if (wasPaused) expect(delivered).toHaveLength(before);
          if (random(3) === 0) parser.resume();
        }
        while (parser.isPaused) parser.resume();
        expect(delivered).toEqual(frames);
      }),
    );
  });

  it('copies no body that lies in one chunk', () => {
    const { parser, bodies } = collector();
    const stream = encode([[1, [1, 2, 3]]]);
    parser.push(stream);
    expect(bodies[0]?.buffer).toBe(stream.buffer);
  });

  it('keeps a partial last frame without an error, as a kill leaves it', () => {
    const stream = encode([
      [1, [1, 2, 3]],
      [2, [4, 5, 6]],
    ]);
    const { parser, frames } = collector();
    parser.push(stream.subarray(0, stream.length - 1));
    expect(frames).toEqual([[1, [1, 2, 3]]]);
    expect(parser.pendingBytes).toBe(10);
  });

  it.each<[string, number[]]>([
    ['another version', [0, 0, 0, 0, 2, 1, 0, 0]],
    ['a kind that is not expected', [0, 0, 0, 0, 1, 4, 0, 0]],
    ['reserved bits', [0, 0, 0, 0, 1, 1, 0, 1]],
    ['a length over the limit', [0, 0, 0, 17, 1, 1, 0, 0]],
    ['a length that looks negative', [0xff, 0xff, 0xff, 0xff, 1, 1, 0, 0]],
  ])('refuses %s, byte by byte as well as at once, and takes nothing more', (_what, header) => {
    const atOnce = collector({ frameBytesMax: 16 });
    expect(() => atOnce.parser.push(Uint8Array.from(header))).toThrow(violation);
    atOnce.parser.push(encode([[1, [1]]]));
    expect(atOnce.frames).toEqual([]);
    const byByte = collector({ frameBytesMax: 16 });
    expect(() => header.forEach((byte) => byByte.parser.push(Uint8Array.of(byte)))).toThrow(violation);
  });

  it('allocates for what arrived, not for what a header promises (G9)', () => {
    const { parser } = collector();
    const before = process.memoryUsage().arrayBuffers;
    parser.push(Uint8Array.of(0x03, 0xff, 0xff, 0xff, 1, 1, 0, 0, 1, 2, 3));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
    expect(parser.pendingBytes).toBe(11);
  });

  it('joins a large body that comes in pieces', () => {
    const body = Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251);
    const writer = new FrameWriter();
    writer.begin(1).raw(body);
    writer.end();
    const stream = writer.take();
    const { parser, bodies } = collector();
    for (let at = 0; at < stream.length; at += 65_536) parser.push(stream.subarray(at, at + 65_536));
    expect(Buffer.compare(concat(...bodies), body)).toBe(0);
  });
});

describe('FrameWriter', () => {
  it('drops a frame over its limit and keeps the others', () => {
    const writer = new FrameWriter(4);
    writer.begin(1).raw(new Uint8Array(4));
    writer.end();
    writer.begin(2).raw(new Uint8Array(5));
    expect(() => writer.end()).toThrow(violation);
    const { parser, frames } = collector();
    parser.push(writer.take());
    expect(frames).toEqual([[1, [0, 0, 0, 0]]]);
    expect(FRAME_BYTES_MAX).toBe(67_108_864);
  });
});

describe('ByteWriter and ByteReader', () => {
  it('give primitives back', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.double(),
        fc.string({ unit: 'grapheme' }),
        fc.uint8Array(),
        fc.nat(),
        (natural, double, text, bytes, word) => {
          const writer = new ByteWriter(1);
          writer.varuint(natural);
          writer.uint53(natural);
          writer.f64(double);
          writer.string(text);
          writer.lengthPrefixed(bytes);
          writer.u32(word);
          writer.u16(word % 65_536);
          writer.u8(word % 256);
          const reader = new ByteReader(writer.take());
          const read = [reader.varuint(), reader.uint53(), reader.f64(), reader.string(), [...reader.lengthPrefixed()]];
          expect([...read, reader.u32(), reader.u16(), reader.u8()]).toEqual([
            natural,
            natural,
            double,
            text,
            [...bytes],
            word,
            word % 65_536,
            word % 256,
          ]);
          reader.finish();
        },
      ),
    );
  });

  it.each([0, 127, 128, 2 ** 28, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 35, Number.MAX_SAFE_INTEGER])(
    'give %d back as a varuint',
    (value) => {
      const writer = new ByteWriter();
      writer.varuint(value);
      expect(new ByteReader(writer.take()).varuint()).toBe(value);
    },
  );

  it('refuse numbers that are no safe integer of at least 0', () => {
    expect(() => new ByteWriter().varuint(-1)).toThrow(/varuint/);
    expect(() => new ByteWriter().uint53(2 ** 53)).toThrow(/uint53/);
  });

  it('refuse bytes left over', () => {
    expect(() => new ByteReader(Uint8Array.of(1)).finish()).toThrow(
      expect.objectContaining({ code: 'ERR_WIRE_DECODE' }),
    );
  });
});
