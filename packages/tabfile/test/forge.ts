/** Table files as somebody makes them who knows the format: any sections, with checks that are right. */
import { crc32 } from 'node:zlib';
import { ByteWriter, encodeValue } from '@heirloom/wire';

export interface Section {
  readonly kind: string;
  readonly body: Uint8Array;
}

export const MAGIC: Buffer = Buffer.from('\x89HLTAB\r\n', 'latin1');
const PREAMBLE_BYTES = 10;
const HEAD_BYTES = 9;

/** Puts sections together. */
export function forge(sections: readonly Section[], version: number = 1): Buffer {
  const preamble = Buffer.concat([MAGIC, Buffer.from([version >> 8, version & 255])]);
  const parts: Uint8Array[] = [preamble];
  let chain = crc32(preamble);
  for (const { kind, body } of sections) {
    const start = Buffer.alloc(5);
    start.write(kind, 0, 'latin1');
    start.writeUInt32BE(body.length, 1);
    chain = crc32(start, chain);
    parts.push(start, number(chain));
    chain = crc32(body, chain);
    parts.push(Buffer.from(body), number(chain));
  }
  return Buffer.concat(parts);
}

/** Takes a file that is right apart. */
export function sectionsOf(file: Buffer): Section[] {
  const sections: Section[] = [];
  for (let at = PREAMBLE_BYTES; at < file.length;) {
    const length = file.readUInt32BE(at + 1);
    const bodyStart = at + HEAD_BYTES;
    sections.push({
      kind: String.fromCharCode(file.readUInt8(at)),
      body: file.subarray(bodyStart, bodyStart + length),
    });
    at = bodyStart + length + 4;
  }
  return sections;
}

/** Where each section begins, and where the file ends. */
export function boundaries(file: Buffer): number[] {
  const found = [PREAMBLE_BYTES];
  for (const { body } of sectionsOf(file)) found.push((found.at(-1) ?? 0) + HEAD_BYTES + body.length + 4);
  return found;
}

/** A header section; a field that is given as undefined is still there. */
export function header(fields: Readonly<Record<string, unknown>> = {}): Section {
  const info = { name: undefined, type: 'set', key: 'id', access: 'protected', survives: 'power_loss' };
  return { kind: 'H', body: encodeValue({ ...info, version: 1, size: 1, extendedInfo: [], ...fields }) };
}

/** A block section of encoded rows, which may be anything. */
export function block(
  rows: readonly Uint8Array[],
  { count = rows.length, shapes = [] }: { readonly count?: number; readonly shapes?: unknown } = {},
): Section {
  const writer = new ByteWriter();
  writer.raw(encodeValue(shapes));
  writer.varuint(count);
  for (const row of rows) writer.raw(row);
  return { kind: 'B', body: writer.take() };
}

export function footer(fields: unknown = { objectCount: 1, digests: {} }): Section {
  return { kind: 'F', body: encodeValue(fields) };
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
