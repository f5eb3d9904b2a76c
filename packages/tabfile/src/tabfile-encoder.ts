/**
 * Makes the bytes of a table file, in pieces; pure, but for the hashes. The format is in format.ts.
 *
 * 1. Pieces are written in the order in which they are made: `begin`, then any number of blocks, then `end`.
 * 2. What is held between them is one block of rows and the shapes of the table.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { ByteWriter, encodeValue, RowCodec } from '@heirloom/wire';
import { beginDigests } from './digest.js';
import type { Digest } from './digest.js';
import * as format from './format.js';
import { encodeFooter } from './footer.js';
import { encodeHeader } from './table-header.js';
import type { TableHeader } from './table-header.js';

export class TabfileEncoder {
  readonly #codec = new RowCodec();
  readonly #rows = new ByteWriter();
  readonly #digests: readonly Digest[];
  readonly #header: TableHeader;
  #rowsInBlock = 0;
  #objectCount = 0;
  #chain = 0;

  /** Throws ERR_TABFILE_ARGUMENT for a digest that this Node does not have. */
  constructor(header: TableHeader) {
    this.#header = header;
    this.#digests = beginDigests(header.extendedInfo);
  }

  /** How many rows were added. */
  get objectCount(): number {
    return this.#objectCount;
  }

  /** The first piece. */
  begin(): Uint8Array {
    const preamble = Buffer.alloc(format.PREAMBLE_BYTES);
    preamble.set(format.MAGIC);
    preamble.writeUInt16BE(format.FORMAT_VERSION, format.MAGIC.length);
    this.#chain = crc32(preamble, this.#chain);
    const header = this.#section(format.HEADER_KIND, [encodeHeader(this.#header)]);
    return this.#hashed(Buffer.concat([preamble, header]));
  }

  /** Adds a row to the block; whether the block is full. Throws WireError ERR_WIRE_VALUE for what no table holds. */
  add(row: unknown): boolean {
    this.#codec.encode(row, this.#rows);
    this.#rowsInBlock++;
    this.#objectCount++;
    return this.#rows.length >= format.BLOCK_BYTES;
  }

  /** The rows since the last block as a piece; undefined when there are none. */
  takeBlock(): Uint8Array | undefined {
    if (this.#rowsInBlock === 0) return undefined;
    const shapes = encodeValue(this.#codec.takeNewShapes().map(({ id, fields }) => [id, fields]));
    const count = new ByteWriter(8);
    count.varuint(this.#rowsInBlock);
    this.#rowsInBlock = 0;
    return this.#hashed(this.#section(format.BLOCK_KIND, [shapes, count.take(), this.#rows.take()]));
  }

  /** The last piece. */
  end(): Uint8Array {
    const digests = Object.fromEntries(this.#digests.map(([kind, hash]) => [kind, new Uint8Array(hash.digest())]));
    return this.#section(format.FOOTER_KIND, [encodeFooter({ objectCount: this.#objectCount, digests })]);
  }

  #section(kind: number, body: readonly Uint8Array[]): Uint8Array {
    const length = body.reduce((sum, part) => sum + part.length, 0);
    const bytes = Buffer.allocUnsafe(format.SECTION_HEAD_BYTES + length + format.CHECK_BYTES);
    bytes.writeUInt8(kind, 0);
    bytes.writeUInt32BE(length, 1);
    this.#chain = crc32(bytes.subarray(0, format.SECTION_START_BYTES), this.#chain);
    let at = bytes.writeUInt32BE(this.#chain, format.SECTION_START_BYTES);
    for (const part of body) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#chain = crc32(bytes.subarray(format.SECTION_HEAD_BYTES, at), this.#chain);
    bytes.writeUInt32BE(this.#chain, at);
    return bytes;
  }

  #hashed(bytes: Uint8Array): Uint8Array {
    for (const [, hash] of this.#digests) hash.update(bytes);
    return bytes;
  }
}
