import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINE_CHARACTERS_MAX, readLines } from '../src/line-reader.js';

async function* chunked(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}

async function linesOf(...chunks: string[]): Promise<(string | undefined)[]> {
  const lines: (string | undefined)[] = [];
  for await (const { number, text } of readLines(chunked(chunks))) {
    lines.push(text);
    expect(number).toBe(lines.length);
  }
  return lines;
}

describe('readLines', () => {
  it('yields a last line with and without an end', async () => {
    expect(await linesOf('a\nb\n')).toEqual(['a', 'b']);
    expect(await linesOf('a\nb')).toEqual(['a', 'b']);
    expect(await linesOf()).toEqual([]);
  });

  it('takes CR LF for an end, also when a chunk ends between the two', async () => {
    expect(await linesOf('a\r', '\nb\r\n', '\r\nc')).toEqual(['a', 'b', '', 'c']);
  });

  it('gives a line that is too long without its text, and the next one whole', async () => {
    const long = 'x'.repeat(LINE_CHARACTERS_MAX);
    expect(await linesOf(`${long}\r\n${long}x\nb\n`)).toEqual([long, undefined, 'b']);
    expect(await linesOf(long, long, long, 'x\nb')).toEqual([undefined, 'b']);
    expect(await linesOf('a\n', `${long}xx`)).toEqual(['a', undefined]);
  });

  it('gives the same lines however the text is cut', async () => {
    const lineText = fc.string({ unit: fc.constantFrom('a', ',', '1'), maxLength: 6 });
    const cut = fc.array(fc.nat(60), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(lineText, { maxLength: 8 }), cut, async (lines, cuts) => {
        const text = lines.map((line) => `${line}\n`).join('');
        const places = [0, ...cuts.filter((place) => place < text.length).sort((a, b) => a - b), text.length];
        const chunks = places.slice(1).map((end, index) => text.slice(places[index], end));
        expect(await linesOf(...chunks)).toEqual(lines);
      }),
    );
  });
});
