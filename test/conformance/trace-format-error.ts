/** Why a file of traces cannot be replayed: it is damaged, or not in the format of test/traces/README.md. */
import { HeirloomError } from '@heirloom/tables';

/** A file of traces is malformed; `details` has the file's line and the path in it, where they are known. */
export class TraceFormatError extends HeirloomError<'ERR_TRACE_FORMAT'> {
  override readonly name: string = 'TraceFormatError';

  constructor(place: string, problem: string, options?: { cause?: unknown }) {
    super('ERR_TRACE_FORMAT', `${place}: ${problem}`, { place }, options);
  }
}
