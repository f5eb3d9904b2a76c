/**
 * What every kind of trace has in common: sequences that pass or differ at a step, and how they are counted and told.
 */

/** The first step of a sequence whose outcome was not the recorded one. */
export interface Difference {
  /** Counted from 1; 0 is what comes before the first. */
  readonly step: number;
  /** The step as it is in the trace, for people. */
  readonly operation: string;
  readonly expected: string;
  readonly got: string;
}

/** What came of one sequence. */
export interface Verdict {
  readonly id: number | string;
  readonly difference: Difference | undefined;
}

/** What is said about a difference: everything that is needed to look at it. */
export function showVerdict({ id, difference }: Verdict): string {
  if (difference === undefined) return `sequence ${id}: passed`;
  const { step, operation, expected, got } = difference;
  return `sequence ${id}, step ${step}: ${operation}\n  expected ${expected}\n  got      ${got}`;
}

/** The last line of a run. */
export function showSummary(verdicts: readonly Verdict[]): string {
  const failed = verdicts.filter(({ difference }) => difference !== undefined).length;
  return `${verdicts.length - failed} passed, ${failed} failed`;
}
