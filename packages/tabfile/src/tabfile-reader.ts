/**
 * Reads a table file from front to back, and believes nothing before its check was compared.
 *
 * 1. Rows are given out only in whole blocks whose check is right, in the order in which they were written, and none is left
 *    out: the check of each section covers everything before it.
 * 2. That the file is whole is known when the footer was read and nothing is behind it; `nextBlock` returns undefined only then.
 * 3. With `verify`, the footer is compared too: the number of rows, and the digests that the header promises. Where the header
 *    promises none of them, the number of rows must be the size that the table had at the start, as in ETS.
 * 4. No more memory is taken than the file has bytes left, and than SECTION_BYTES_MAX.
 */
import { Buffer } from 'node:buffer';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { RowCodec } from '@heirloom/wire';
import { decodeBlock } from './block.js';
import { beginDigests } from './digest.js';
import type { Digest } from './digest.js';
import { misshapen, TabfileError } from './errors.js';
import { decodeFooter } from './footer.js';
import type { Footer } from './footer.js';
import * as format from './format.js';
import { decodeHeader } from './table-header.js';
import type { TableHeader } from './table-header.js';

interface Section {
  readonly kind: number;
  readonly body: Buffer;
}

export class TabfileReader {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #isVerifying: boolean;
  #position = 0;
  #chain = 0;
  #objectCount = 0;
  #codec = new RowCodec();
  #digests: readonly Digest[] = [];

  private constructor(path: string, handle: FileHandle, size: number, isVerifying: boolean) {
    this.path = path;
    this.#handle = handle;
    this.#size = size;
    this.#isVerifying = isVerifying;
  }

  /** Opens a file. Throws ERR_TABFILE_MISSING, ERR_TABFILE_READ, ERR_TABFILE_NOT_TABFILE. */
  static async open(path: string, options: { readonly verify: boolean }): Promise<TabfileReader> {
    // Without waiting, or opening a pipe would take until somebody writes into it.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error) => {
      throw unreadable(path, error);
    });
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw noTabfile(path, 'it is no regular file');
      return new TabfileReader(path, handle, stats.size, options.verify);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  /** How many rows were read. */
  get objectCount(): number {
    return this.#objectCount;
  }

  /** Reads the header, from the front of the file. Throws the errors of a file's content. */
  async readHeader(): Promise<TableHeader> {
    this.#position = 0;
    this.#chain = 0;
    this.#objectCount = 0;
    this.#codec = new RowCodec();
    this.#digests = [];
    const preamble = await this.#readPreamble();
    this.#chain = crc32(preamble, this.#chain);
    const head = await this.#readHead();
    const { kind, body } = await this.#readSection(head);
    if (kind !== format.HEADER_KIND) throw misshapen(this.path, 'does not begin with a header');
    const header = decodeHeader(this.path, body);
    if (this.#isVerifying) this.#beginDigests(header, preamble, head, body);
    return header;
  }

  /** Reads the next rows; undefined when there are no more, and the file is whole. Throws the errors of a file's content. */
  async nextBlock(header: TableHeader): Promise<readonly object[] | undefined> {
    const head = await this.#readHead();
    const { kind, body } = await this.#readSection(head);
    if (kind === format.FOOTER_KIND) {
      this.#finish(decodeFooter(this.path, body, header), header);
      return undefined;
    }
    if (kind !== format.BLOCK_KIND) throw misshapen(this.path, `has a section of kind ${kind}`);
    for (const [, hash] of this.#digests) hash.update(head).update(body).update(this.#checkBytes());
    const { path } = this;
    const rows = decodeBlock(body, { path, header, codec: this.#codec, objectCount: this.#objectCount });
    this.#objectCount += rows.length;
    return rows;
  }

  async #readPreamble(): Promise<Buffer> {
    const magic = await this.#read(Math.min(format.MAGIC.length, this.#size));
    if (!magic.equals(format.MAGIC.subarray(0, magic.length))) throw noTabfile(this.path, 'it begins in another way');
    const version = await this.#read(format.PREAMBLE_BYTES - magic.length);
    const number = version.readUInt16BE(0);
    if (number === format.FORMAT_VERSION) return Buffer.concat([magic, version]);
    const message = `The table file ${this.path} is of version ${number}; this is version ${format.FORMAT_VERSION}. Read it with a version of Heirloom that knows it.`;
    throw new TabfileError('ERR_TABFILE_VERSION', message, { path: this.path, version: number });
  }

  async #readHead(): Promise<Buffer> {
    const head = await this.#read(format.SECTION_HEAD_BYTES);
    this.#check(head.subarray(0, format.SECTION_START_BYTES), head.readUInt32BE(format.SECTION_START_BYTES));
    return head;
  }

  async #readSection(head: Buffer): Promise<Section> {
    const length = head.readUInt32BE(1);
    if (length > format.SECTION_BYTES_MAX) throw misshapen(this.path, `has a section of ${length} bytes`);
    const bytes = await this.#read(length + format.CHECK_BYTES);
    const body = bytes.subarray(0, length);
    this.#check(body, bytes.readUInt32BE(length));
    return { kind: head.readUInt8(0), body };
  }

  #check(bytes: Buffer, expected: number): void {
    this.#chain = crc32(bytes, this.#chain);
    if (this.#chain === expected) return;
    const message = `The table file ${this.path} is damaged before byte ${this.#position}: the checksum is wrong. Use another copy, or write it again from its table.`;
    throw new TabfileError('ERR_TABFILE_CHECKSUM', message, { path: this.path, position: this.#position });
  }

  /** The check that was just compared, as it stands in the file. */
  #checkBytes(): Buffer {
    const bytes = Buffer.allocUnsafe(format.CHECK_BYTES);
    bytes.writeUInt32BE(this.#chain);
    return bytes;
  }

  async #read(length: number): Promise<Buffer> {
    if (length > this.#size - this.#position) throw this.#truncated();
    const bytes = Buffer.allocUnsafe(length);
    for (let filled = 0; filled < length;) {
      const { bytesRead } = await this.#handle
        .read(bytes, filled, length - filled, this.#position + filled)
        .catch((error) => {
          throw unreadable(this.path, error);
        });
      // The file became shorter since it was opened.
      if (bytesRead === 0) throw this.#truncated();
      filled += bytesRead;
    }
    this.#position += length;
    return bytes;
  }

  #truncated(): TabfileError {
    const message = `The table file ${this.path} ends before its end marker, behind ${this.#objectCount} whole rows. Use another copy, or write it again from its table.`;
    return new TabfileError('ERR_TABFILE_TRUNCATED', message, { path: this.path, objectCount: this.#objectCount });
  }

  #beginDigests(header: TableHeader, ...parts: readonly Buffer[]): void {
    this.#digests = beginDigests(header.extendedInfo);
    for (const [, hash] of this.#digests) for (const part of [...parts, this.#checkBytes()]) hash.update(part);
  }

  #finish(footer: Footer, header: TableHeader): void {
    if (this.#position !== this.#size) throw misshapen(this.path, 'has bytes behind its end marker');
    if (!this.#isVerifying) return;
    const expected = header.extendedInfo.length === 0 ? header.size : footer.objectCount;
    if (this.#objectCount !== expected) throw this.#miscounted(expected, header);
    for (const [kind, hash] of this.#digests) {
      if (hash.digest().equals(footer.digests[kind] ?? Buffer.alloc(0))) continue;
      const message = `The ${kind} of the table file ${this.path} is another one than the file promises. Use another copy, or write it again.`;
      throw new TabfileError('ERR_TABFILE_DIGEST', message, { path: this.path, kind });
    }
  }

  #miscounted(expected: number, header: TableHeader): TabfileError {
    const advice =
      header.extendedInfo.length > 0
        ? 'Use another copy, or write it again.'
        : "It may have changed while it was written: write it with extendedInfo: ['objectCount'].";
    return new TabfileError(
      'ERR_TABFILE_OBJECT_COUNT',
      `The table file ${this.path} has ${this.#objectCount} rows, and promises ${expected}. ${advice}`,
      { path: this.path, objectCount: this.#objectCount, expected },
    );
  }
}

function noTabfile(path: string, reason: string): TabfileError {
  return new TabfileError('ERR_TABFILE_NOT_TABFILE', `${path} is not a table file: ${reason}. Check the path.`, {
    path,
  });
}

function unreadable(path: string, cause: NodeJS.ErrnoException): TabfileError {
  if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') {
    const message = `There is no table file ${path}. Check the path, or write one with tab2file.`;
    return new TabfileError('ERR_TABFILE_MISSING', message, { path }, { cause });
  }
  const message = `The table file ${path} cannot be read: ${cause.message}. Check its permissions and its disk.`;
  return new TabfileError('ERR_TABFILE_READ', message, { path }, { cause });
}
