/**
 * Damages valid bytes as a broken or hostile peer would, from a seed, so that a failure can be replayed.
 */

/** A small seeded generator (mulberry32): numbers from 0 up to, not including, `below`. */
export type Random = (below: number) => number;

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * below);
  };
}

/** The seed of this run: HEIRLOOM_SEED, or a new one. Tests put it into their failure messages. */
export function runSeed(): number {
  const given = process.env['HEIRLOOM_SEED'];
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}

/** Values at which codecs change their mind: tags, length bounds, sign bits. */
const EDGES = [0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xcf, 0xd0, 0xd2, 0xd3, 0xd5, 0xd6, 0xff];

/** A copy of the bytes with one to four changes: flipped bits, edge values, cuts, repeats, insertions, long numbers and lengths. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (let changes = 1 + random(4); changes > 0; changes--) result = change(result, random);
  return result;
}

function change(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const at = random(bytes.length + 1);
  switch (random(7)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = EDGES[random(EDGES.length)] ?? 0;
      return bytes;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return concat(bytes.subarray(0, at), bytes.subarray(random(at + 1)));
    case 4:
      return concat(bytes.subarray(0, at), Uint8Array.of(random(256), random(256)), bytes.subarray(at));
    case 5:
      // A variable-length number that takes a byte more than it must.
      return concat(bytes.subarray(0, at), Uint8Array.of((bytes[at] ?? 0) | 0x80, 0), bytes.subarray(at + 1));
    default:
      bytes.fill(0xff, at, at + 1 + random(8));
      return bytes;
  }
}

/** Cuts bytes into pieces of random length. */
export function chunks(bytes: Uint8Array, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random(random(4) === 0 ? bytes.length : 9);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

export function concat(...pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    result.set(piece, at);
    at += piece.length;
  }
  return result;
}
