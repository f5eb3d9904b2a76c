/** Splits decoded text into lines, holding at most one unfinished line. */

/** A line of the input may be this long; a longer one is not a flight, and keeping it would only fill the memory. */
export const LINE_CHARACTERS_MAX = 1_000;

/** One line without its end; `text` is undefined when the line was longer than `LINE_CHARACTERS_MAX`. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string | undefined;
}

/** Yields the lines of `chunks`; a line ends with `\n` or `\r\n`, and the last one may end with the text. */
export async function* readLines(chunks: AsyncIterable<string>): AsyncGenerator<Line> {
  let number = 0;
  let rest = '';
  let isTooLong = false;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', start)) {
      number += 1;
      yield line(number, isTooLong ? undefined : rest + chunk.slice(start, end));
      rest = '';
      isTooLong = false;
      start = end + 1;
    }
    if (!isTooLong) rest += chunk.slice(start);
    if (rest.length > LINE_CHARACTERS_MAX + 1) {
      rest = '';
      isTooLong = true;
    }
  }
  if (rest !== '' || isTooLong) yield line(number + 1, isTooLong ? undefined : rest);
}

function line(number: number, raw: string | undefined): Line {
  const text = raw?.endsWith('\r') ? raw.slice(0, -1) : raw;
  return { number, text: text !== undefined && text.length > LINE_CHARACTERS_MAX ? undefined : text };
}
