/** What a step of a trace came to when it was recorded, and what it came to now. */
import { TableError } from '@heirloom/tables';
import type { TraceFields } from './trace-fields.js';

/** Recorded: a value, or that Erlang raised `badarg`. */
export type RecordedResult = { readonly kind: 'ok'; readonly value: unknown } | { readonly kind: 'error' };

/** Now: a value, a typed refusal, or a failure that no trace can expect. */
export type Outcome =
  | { readonly kind: 'ok'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: TableError }
  | { readonly kind: 'failure'; readonly error: unknown };

/** Reads `{ ok: value }` or `{ error: true }`. */
export function readResult(fields: TraceFields): RecordedResult {
  const result = fields.object('result');
  if (result.has('error')) {
    if (!result.boolean('error')) result.refuse('error', false, 'true');
    result.done();
    return { kind: 'error' };
  }
  const value = result.value('ok');
  result.done();
  return { kind: 'ok', value };
}

/** Runs a step and says what it came to. */
export async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { kind: 'ok', value: await run() };
  } catch (error) {
    const refusal = refusalIn(error);
    return refusal === undefined ? { kind: 'failure', error } : { kind: 'error', error: refusal };
  }
}

/** The table's refusal: the error itself, or what a call of a worker gives as the reason. */
function refusalIn(error: unknown): TableError | undefined {
  if (error instanceof TableError) return error;
  if (error instanceof Error && error.cause instanceof TableError) return error.cause;
  return undefined;
}

/** An outcome in one line, as traces write it. */
export function showResult(result: RecordedResult | Outcome): string {
  if (result.kind === 'ok') return JSON.stringify({ ok: result.value });
  if (!('error' in result)) return '{"error":true}';
  const { kind, error } = result;
  const shown = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return kind === 'error' ? `{"error":true} (${shown})` : `the failure ${shown}`;
}
