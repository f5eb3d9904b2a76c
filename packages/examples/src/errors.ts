/** What can go wrong in the demonstration before or beside the runtime; each names the file, column, option or worker. */
export type FlightBoardErrorCode =
  /** The command line is wrong; the process exits with 2. */
  | 'ERR_FLIGHT_BOARD_OPTION'
  /** The input cannot be read, or is not what its name says. */
  | 'ERR_FLIGHT_BOARD_INPUT'
  /** The input lacks a column, or has one twice. */
  | 'ERR_FLIGHT_BOARD_COLUMN'
  /** A process did not die, or did not answer again, within its limit. */
  | 'ERR_FLIGHT_BOARD_KILL'
  /** So many calls failed that going on would show nothing new. */
  | 'ERR_FLIGHT_BOARD_CALLS'
  /** A person stopped the run. */
  | 'ERR_FLIGHT_BOARD_INTERRUPTED';

/** The demonstration cannot go on; `message` is written for the person who started it. */
export class FlightBoardError extends Error {
  override readonly name: string = 'FlightBoardError';
  readonly code: FlightBoardErrorCode;

  constructor(code: FlightBoardErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
