import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINE_BYTES_MAX, LineSplitter } from '../src/line-splitter.js';

function linesOf(chunks: readonly Buffer[]): { readonly text: string; readonly part: number | undefined }[] {
  const splitter = new LineSplitter();
  const lines = [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
  return lines.map(({ bytes, part }) => ({ text: bytes.toString(), part }));
}

describe('the splitter of lines', () => {
  it('gives the lines of what came, however it was cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), fc.array(fc.nat(40)), (texts, cuts) => {
        const bytes = Buffer.from(texts.join('\n'));
        const chunks: Buffer[] = [];
        let from = 0;
        for (const cut of cuts) chunks.push(bytes.subarray(from, (from += cut)));
        chunks.push(bytes.subarray(from));
        const expected = bytes
          .toString()
          .split('\n')
          .filter((text) => text !== '');
        expect(linesOf(chunks)).toEqual(expected.map((text) => ({ text, part: undefined })));
      }),
    );
  });

  it.each([0, 1, 2, 3])('cuts a long line into parts between characters, from %i bytes on', (shift) => {
    const text = `${'a'.repeat(shift)}${'🎈'.repeat(LINE_BYTES_MAX / 4 + 10)}`;
    const lines = linesOf([Buffer.from(`${text}\nnext\n`)]);
    expect(lines.map(({ part }) => part)).toEqual([1, 2, undefined]);
    expect(
      lines
        .slice(0, 2)
        .map((line) => line.text)
        .join(''),
    ).toBe(text);
    expect(lines.every((line) => !line.text.includes('\uFFFD'))).toBe(true);
  });

  it('gives a line of the greatest length as one, and holds no more than that', () => {
    const text = 'x'.repeat(LINE_BYTES_MAX);
    expect(linesOf([Buffer.from(`${text}\n`)])).toEqual([{ text, part: undefined }]);
    const binary = new LineSplitter();
    const parts = Array.from({ length: 64 }, () => binary.push(Buffer.alloc(65_536, 0x80))).flat();
    expect(parts.length).toBe(7);
    expect(Buffer.concat([...parts, ...binary.end()].map(({ bytes }) => bytes)).length).toBe(64 * 65_536);
  });
});
