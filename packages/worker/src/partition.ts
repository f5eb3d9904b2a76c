/**
 * The partitions of a worker: which one a key belongs to, and how they are named.
 *
 * 1. The partition of a key is the same on every machine, in every process and in every version, as its rows lie in that
 *    partition's tables: the first 48 bits of the SHA-256 of the key's bytes (`encodeKey` of @heirloom/tables, not exact), taken as
 *    a big-endian number, modulo the number of partitions. Fixed vectors in the tests hold it.
 * 2. Keys that any type of table takes for the same are in the same partition: `1`, `1n` and, for zero, `-0`.
 * 3. The name of a partition says its number, from 0, and how many there are: `sessions:3of8`. So the tables of a start with another
 *    number are told apart. No other worker has a name of this form.
 */
import { encodeKey } from '@heirloom/tables';
import type { TableKey } from '@heirloom/tables';
import { createHash } from 'node:crypto';

/** The most partitions of one worker: each is a process, and with a standby two. */
export const PARTITIONS_MAX = 1_024;

/** How many bytes of a hash are used: as many as an exact integer has. */
const HASH_BYTES = 6;
const NAME = /^(.+):(0|[1-9]\d{0,3})of([1-9]\d{0,3})$/;

/** Which partition a worker is. */
export interface Partition {
  /** The name that all of them share. */
  readonly of: string;
  /** From 0. */
  readonly number: number;
  readonly count: number;
}

/** The worker that is this partition. */
export function partitionName({ of, number, count }: Partition): string {
  return `${of}:${number}of${count}`;
}

/** Which partition a worker of this name is; undefined when it is none. */
export function partitionIn(worker: string): Partition | undefined {
  const [, of, number, count] = NAME.exec(worker) ?? [];
  if (of === undefined) return undefined;
  const partition = Object.freeze({ of, number: Number(number), count: Number(count) });
  return partition.number < partition.count && partition.count <= PARTITIONS_MAX ? partition : undefined;
}

/** What the partition of a key follows from. Throws TableError ERR_TABLE_VALUE or ERR_TABLE_LIMIT for what is no key. */
export function partitionHash(key: TableKey): number {
  return createHash('sha256').update(encodeKey(key, false)).digest().readUIntBE(0, HASH_BYTES);
}

/** The number of the partition that a key belongs to. Throws as `partitionHash` does. */
export function partitionNumber(key: TableKey, count: number): number {
  return partitionHash(key) % count;
}
