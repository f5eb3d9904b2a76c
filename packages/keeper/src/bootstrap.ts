/** What the keeper's process is told before anything else, on its lifeline. */
import { binary, decodeValue, encodeValue, listOf, natural, oneOf, optional, record, text } from '@heirloom/wire';
import type { Fault, FieldCheck } from '@heirloom/wire';
import { KeeperError } from './errors.js';
import type { KeeperLimits } from './keeper-limits.js';

export interface KeeperBootstrap {
  readonly role: 'keeper';
  /** The store's directory, absolute. */
  readonly directory: string;
  /** Where this keeper listens for workers. */
  readonly socketPath: string;
  readonly routerSocketPath: string;
  readonly controlToken: Uint8Array;
  /** How often to give a sign of life; 0 for never. */
  readonly heartbeatMs: number;
  readonly faults: readonly Fault[] | undefined;
  readonly limits: Partial<KeeperLimits> | undefined;
}

const limits = record({
  lockWaitMs: optional(natural),
  groupBatchesMax: optional(natural),
  groupBytesMax: optional(natural),
  handshakeTimeoutMs: optional(natural),
  expectationsMax: optional(natural),
  readsMax: optional(natural),
  unconfirmedBytesMax: optional(natural),
});
const bootstrap = record({
  role: oneOf('keeper'),
  directory: text,
  socketPath: text,
  routerSocketPath: text,
  controlToken: binary,
  heartbeatMs: natural,
  faults: optional(listOf(record({ point: text, hit: natural, action: oneOf('kill', 'stop', 'EIO', 'ENOSPC') }))),
  // An absent limit is as good as an undefined one; both leave the default.
  limits: optional(limits) as FieldCheck<Partial<KeeperLimits> | undefined>,
});

/** Encodes a bootstrap for `frameBootstrap`. */
export function encodeBootstrap(value: KeeperBootstrap): Uint8Array {
  return encodeValue(value);
}

/** Decodes a bootstrap. Throws KeeperError ERR_KEEPER_BOOTSTRAP. */
export function decodeBootstrap(bytes: Uint8Array): KeeperBootstrap {
  const value = decodeValue(bytes);
  if (bootstrap(value)) return value;
  throw new KeeperError(
    'ERR_KEEPER_BOOTSTRAP',
    'The bootstrap has not the fields of one of a keeper. Start the keeper with startRuntime.',
  );
}
