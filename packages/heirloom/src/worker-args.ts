/**
 * The arguments that a program gives to a worker with its reference: encoded at once, so that every life gets the same ones,
 * whatever becomes of the values meanwhile.
 */
import { encodeValue } from '@heirloom/wire';
import type { AnyWorkerDefinition, ArgsOf } from '@heirloom/worker';
import { wrongOption } from './option-check.js';

/** The most bytes of a worker's arguments, encoded: they are sent with every start, and are no place for data. */
export const WORKER_ARGS_BYTES_MAX: number = 64 * 1024;

/** The first arguments of a worker, or all. */
export type FirstArgs<Definition extends AnyWorkerDefinition> = Readonly<Partial<ArgsOf<Definition>>>;

/** The last arguments of a list, or all. */
type Ending<Args extends readonly unknown[]> = Args extends readonly [unknown, ...infer Last]
  ? Args | Ending<Last>
  : Args;

/** What an instance is given behind the arguments of its template. */
export type InstanceArgs<Definition extends AnyWorkerDefinition> = Ending<ArgsOf<Definition>>;

/** The option `args` of a worker: it may be left out where all of them may be. */
export type ArgsOption<Definition extends AnyWorkerDefinition> =
  [] extends ArgsOf<Definition> ? { readonly args?: FirstArgs<Definition> } : { readonly args: FirstArgs<Definition> };

/** Encodes arguments, each by itself. Throws RuntimeError ERR_RUNTIME_OPTION. */
export function encodeArgs(worker: string, args: unknown): readonly Uint8Array[] {
  const option = `args of worker ${worker}`;
  if (!Array.isArray(args)) throw wrongOption(option, args, 'must be an array');
  const encoded = args.map((arg: unknown, index) => {
    try {
      return encodeValue(arg);
    } catch (error) {
      const why = error instanceof Error ? error.message : 'reading it threw what is no error';
      throw wrongOption(`${option}, number ${index + 1}`, arg, `cannot be sent: ${why}`);
    }
  });
  const bytes = encoded.reduce((sum, { length }) => sum + length, 0);
  if (bytes <= WORKER_ARGS_BYTES_MAX) return encoded;
  throw wrongOption(
    option,
    `${bytes} bytes`,
    `must have at most ${WORKER_ARGS_BYTES_MAX}: keep data in a table, and pass what names it`,
  );
}
