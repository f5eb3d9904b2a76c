/**
 * Damaged frames of every kind, a quarter of a million or as many as are asked for, through the parser and the decoder of the kind that each then claims to be.
 *
 * Shown: every one is a message or a WireError, in bounded memory (G9). What is taken for a message of the hot path is byte for
 * byte what a sender of that message writes, and what is taken for a control message is well-formed: it means the same when it
 * is written and read once more. So nothing is taken for something else.
 *
 * Mutations that make this fail, each tried: varuints that take more bytes than they must are read; bytes that are left behind a
 * batch are ignored; an outcome may have any status; the request's type is looked up with inherited names.
 *
 * HEIRLOOM_SEED replays a run, HEIRLOOM_FRAMES asks for a longer one.
 */
import { FrameKind, FrameParser, WireError } from '@heirloom/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frameOf, frameSamples, understood } from './frame-samples.js';
import { chunks, mutate, randomFrom, runSeed } from './mutate.js';
import type { Random } from './mutate.js';

const seed = runSeed();
const TOTAL = Number(process.env['HEIRLOOM_FRAMES'] ?? 250_000);
const BODIES = TOTAL * 0.8;
const FRAMES = TOTAL * 0.2;

/** The kinds whose every message has one encoding. HELLO has too; its decoder is behind acceptHello. */
const CANONICAL: ReadonlySet<number> = new Set([
  FrameKind.batch,
  FrameKind.reply,
  FrameKind.answer,
  FrameKind.replies,
  FrameKind.ack,
  FrameKind.confirm,
]);
const samples = frameSamples().filter(({ kind }) => kind !== FrameKind.hello);
const kinds: ReadonlySet<number> = new Set(samples.map(({ kind }) => kind));

/** Whether the body was understood; throws if it was by mistake, or if the decoder failed in another way than it should. */
function isUnderstood(kind: number, body: Uint8Array): boolean {
  try {
    const again = understood(kind, body);
    if (CANONICAL.has(kind)) expectSame(again, body);
    else expectSame(understood(kind, again), again);
    return true;
  } catch (error) {
    if (error instanceof WireError) return false;
    const hex = Buffer.from(body).toString('hex');
    throw new Error(`HEIRLOOM_SEED=${seed}: kind ${kind}, body ${hex}`, { cause: error });
  }
}

function expectSame(actual: Uint8Array, wanted: Uint8Array): void {
  if (Buffer.compare(actual, wanted) !== 0) {
    throw new Error(`It was taken for ${Buffer.from(actual).toString('hex')}.`);
  }
}

/** Puts the head of one body before the tail of another. */
function splice(left: Uint8Array, right: Uint8Array, random: Random): Uint8Array {
  return Buffer.concat([left.subarray(0, random(left.length + 1)), right.subarray(random(right.length + 1))]);
}

describe('damaged frames (G9, G12)', { timeout: 60_000 + TOTAL / 5 }, () => {
  // Most of the frames end in an error that nobody reads; its stack would take most of the time.
  const { stackTraceLimit } = Error;
  beforeAll(() => {
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  it('with a good header are a message that a sender writes, or a WireError', () => {
    const random = randomFrom(seed);
    const counts = { run: 0, understood: 0 };
    for (; counts.run < BODIES; counts.run++) {
      const sample = samples[counts.run % samples.length];
      const other = samples[random(samples.length)];
      if (sample === undefined || other === undefined) break;
      const kind = random(10) === 0 ? other.kind : sample.kind;
      const body = random(8) === 0 ? splice(sample.body, other.body, random) : mutate(sample.body, random);
      if (isUnderstood(kind, body)) counts.understood++;
    }
    expect(counts.run).toBe(BODIES);
    expect(counts.understood, `HEIRLOOM_SEED=${seed}`).toBeGreaterThan(BODIES / 100);
    expect(counts.understood, `HEIRLOOM_SEED=${seed}`).toBeLessThan(BODIES / 2);
  });

  it('in a stream are delivered whole or end it, in pieces of any length', () => {
    const random = randomFrom(seed + 1);
    const frames = samples.map(frameOf);
    const perStream = 4;
    const counts = { sent: 0, delivered: 0, violations: 0 };
    while (counts.sent < FRAMES) {
      const stream = Buffer.concat(
        Array.from({ length: perStream }, () => mutateSometimes(frames[random(frames.length)], random)),
      );
      counts.sent += perStream;
      const parser = new FrameParser({
        kinds,
        frameBytesMax: 4_096,
        onFrame: (kind, body) => {
          counts.delivered++;
          isUnderstood(kind, body);
        },
      });
      try {
        for (const chunk of chunks(stream, random)) parser.push(chunk);
      } catch (error) {
        if (!(error instanceof WireError)) throw new Error(`HEIRLOOM_SEED=${seed}`, { cause: error });
        counts.violations++;
      }
      expect(parser.pendingBytes).toBeLessThanOrEqual(4_104);
    }
    expect(counts.sent).toBe(FRAMES);
    expect(counts.delivered, `HEIRLOOM_SEED=${seed}`).toBeGreaterThan(FRAMES / 4);
    expect(counts.violations, `HEIRLOOM_SEED=${seed}`).toBeGreaterThan(FRAMES / perStream / 4);
  });
});

/** Leaves a quarter of the frames whole, so that some streams go on to their end. */
function mutateSometimes(frame: Uint8Array = new Uint8Array(), random: Random): Uint8Array {
  return random(4) === 0 ? frame : mutate(frame, random);
}
