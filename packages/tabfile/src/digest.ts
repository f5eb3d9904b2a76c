/** The digests that a table file can carry, as they are computed. */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { TabfileError } from './errors.js';
import type { DigestKind, ExtendedInfo } from './format.js';

/** A digest on its way. */
export type Digest = readonly [kind: DigestKind, hash: Hash];

/** The names of the digests as node:crypto has them. */
const ALGORITHMS: Readonly<Record<DigestKind, string>> = { md5sum: 'md5', sha256sum: 'sha256' };

/** Begins the digests among some kinds of extended info. Throws ERR_TABFILE_ARGUMENT where this Node lacks one, as md5 under FIPS. */
export function beginDigests(kinds: readonly ExtendedInfo[]): readonly Digest[] {
  return kinds.flatMap((kind) => (kind === 'objectCount' ? [] : [[kind, begin(kind)] as const]));
}

function begin(kind: DigestKind): Hash {
  try {
    return createHash(ALGORITHMS[kind]);
  } catch (cause) {
    const message = `This Node has no ${ALGORITHMS[kind]}. Use sha256sum, or read without verify.`;
    throw new TabfileError('ERR_TABFILE_ARGUMENT', message, { kind }, { cause });
  }
}
