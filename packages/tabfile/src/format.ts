/**
 * The format of a table file, version 1.
 *
 *   file      magic (8 bytes) · u16 version · header section · block sections · footer section, and nothing behind it
 *   section   u8 kind · u32 length of the body · u32 check · body · u32 check
 *   header    'H': a value, the TableHeader of table-header.ts
 *   block     'B': a value, the list of shapes [number, names] that its rows are the first to use · varuint count · rows
 *   footer    'F': a value { objectCount, digests: { md5sum?: bytes, sha256sum?: bytes } }
 *
 * Numbers are big-endian; values, varuints and rows are those of @heirloom/wire.
 *
 * 1. A check is the CRC-32 of everything in the file before it, other checks left out. So a block that was removed, moved or
 *    taken from another file does not pass, although its own bytes are right; and a length is checked before it is believed.
 * 2. A block holds at least one row, and none begins behind BLOCK_BYTES of rows. So it ends with the row that fills it.
 * 3. `objectCount` is the number of rows in the file. Digests are those that the header promises, over all bytes before the
 *    footer section.
 * 4. A reader takes no other version. What a reader of version 1 could skip does not exist.
 *
 * Limits: a row has ROW_BYTES_MAX bytes as in a table, a section SECTION_BYTES_MAX; rows and bytes of a file have none.
 */
import { Buffer } from 'node:buffer';

/** Not text in any encoding, and changed by whatever converts line ends. */
export const MAGIC: Uint8Array = Buffer.from('\x89HLTAB\r\n', 'latin1');
export const FORMAT_VERSION = 1;
export const PREAMBLE_BYTES = 10;

export const HEADER_KIND = 0x48;
export const BLOCK_KIND = 0x42;
export const FOOTER_KIND = 0x46;

/** Kind and length: what the first check of a section is behind. */
export const SECTION_START_BYTES = 5;
export const CHECK_BYTES = 4;
export const SECTION_HEAD_BYTES: number = SECTION_START_BYTES + CHECK_BYTES;

/** The rows of a block: enough that a block's own bytes do not count, few enough to be encoded in about a millisecond. */
export const BLOCK_BYTES: number = 128 * 1024;
/** A nearly full block, one more row of the longest (16 MiB), and all shapes that a table may have (8 MiB). */
export const SECTION_BYTES_MAX: number = 25 * 1024 * 1024;

/** What a file can promise in its header and say in its footer, for `verify` to compare. */
export const EXTENDED_INFO_KINDS = ['objectCount', 'md5sum', 'sha256sum'] as const;
/** One of EXTENDED_INFO_KINDS: OTP's `object_count` and `md5sum`, and a digest that nobody can forge. */
export type ExtendedInfo = (typeof EXTENDED_INFO_KINDS)[number];
/** The kinds that are digests. */
export type DigestKind = Exclude<ExtendedInfo, 'objectCount'>;
