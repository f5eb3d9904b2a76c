/**
 * Cuts a stream of bytes into lines.
 *
 * 1. No byte is lost: the lines, with the line ends between them, are what came. Only at the very end a line may be without one.
 * 2. A line over LINE_BYTES_MAX comes in parts, each as soon as it is there, so that output without line ends fills no memory. A
 *    part ends between two characters, as far as the bytes are UTF-8.
 * 3. Each byte is looked at once and copied at most twice.
 */

/** The longest line, in bytes: what a worker's own log writes at most, with its line end. */
export const LINE_BYTES_MAX = 524_288;

/** One line, or a part of one: its number, from 1. */
export interface Line {
  readonly bytes: Buffer;
  readonly part: number | undefined;
}

const LINE_FEED = 0x0a;

export class LineSplitter {
  #chunks: Buffer[] = [];
  #length = 0;
  /** How many parts of the present line were given out. */
  #parts = 0;

  /** The lines that are complete with these bytes. */
  push(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      const at = rest.subarray(0, LINE_BYTES_MAX - this.#length + 1).indexOf(LINE_FEED);
      if (at >= 0) {
        this.#keep(rest.subarray(0, at));
        lines.push(...this.end());
        rest = rest.subarray(at + 1);
      } else {
        const taken = rest.subarray(0, LINE_BYTES_MAX - this.#length);
        this.#keep(taken);
        rest = rest.subarray(taken.length);
        if (this.#length === LINE_BYTES_MAX && rest.length > 0) lines.push(this.#cutPart());
      }
    }
    return lines;
  }

  /** What is there of the present line, which ends here; none if it is empty. */
  end(): Line[] {
    const bytes = Buffer.concat(this.#chunks, this.#length);
    const part = this.#parts === 0 ? undefined : this.#parts + 1;
    this.#chunks = [];
    this.#length = 0;
    this.#parts = 0;
    return bytes.length === 0 ? [] : [{ bytes, part }];
  }

  #keep(bytes: Buffer): void {
    if (bytes.length > 0) this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  #cutPart(): Line {
    const bytes = Buffer.concat(this.#chunks, this.#length);
    const end = endOfCharacters(bytes);
    const rest = bytes.subarray(end);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    return { bytes: bytes.subarray(0, end), part: ++this.#parts };
  }
}

/** Where the last character ends that is complete; the end of all, where the bytes are no UTF-8. */
function endOfCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    // The first byte of a character says how many it has.
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 0;
    if (length > 0) return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
