/** One flight as its record in the file has it; `number` is the number of its line, so no two flights share one. */
export interface Flight {
  readonly number: number;
  /** Local time of departure, `YYYY/MM/DD HH:MM`. */
  readonly date: string;
  /** The airport's code. */
  readonly origin: string;
  readonly destination: string;
  /** In statute miles. */
  readonly distance: number;
  /** In minutes; negative when the flight was early. */
  readonly delay: number;
}
