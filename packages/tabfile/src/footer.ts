/** The footer of a table file: how many rows were really written, and the digests that the header promises. */
import { binary, decodeValue, encodeValue, natural, optional, record } from '@heirloom/wire';
import type { FieldCheck } from '@heirloom/wire';
import { misshapen } from './errors.js';
import type { DigestKind } from './format.js';
import type { TableHeader } from './table-header.js';

export interface Footer {
  readonly objectCount: number;
  readonly digests: { readonly [Kind in DigestKind]?: Uint8Array | undefined };
}

const footerCheck: FieldCheck<Footer> = record({
  objectCount: natural,
  digests: record({ md5sum: optional(binary), sha256sum: optional(binary) }),
});

export function encodeFooter(footer: Footer): Uint8Array {
  return encodeValue(footer);
}

/** Decodes a footer whose check was right. Throws ERR_TABFILE_FORMAT, also if it lacks what the header promises. */
export function decodeFooter(path: string, bytes: Uint8Array, header: TableHeader): Footer {
  let footer: unknown;
  try {
    footer = decodeValue(bytes);
  } catch (cause) {
    throw misshapen(path, 'has a footer that cannot be decoded', cause);
  }
  if (!footerCheck(footer)) throw misshapen(path, 'has a footer without its fields');
  for (const kind of header.extendedInfo) {
    if (kind !== 'objectCount' && footer.digests[kind] === undefined) {
      throw misshapen(path, `promises ${kind} in its header and has none in its footer`);
    }
  }
  return footer;
}
