/** Shows the progress of a run on a terminal, or as a line now and then where there is none. */
import { count } from './report.js';

/** Redrawing more often than this would only flicker. */
const REDRAW_MS = 80;
/** Where no line can be redrawn, one is written whenever so many more percent are done. */
const LINE_PERCENT = 25;
const BAR_WIDTH = 28;

/** Where progress goes; `process.stderr` is one. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** How far a run is. */
export interface Progress {
  readonly flights: number;
  readonly total: number;
  readonly workerKills: number;
  readonly keeperKills: number;
  readonly lastRecoveryMs: number | undefined;
}

/** The bar as text of at most `width` characters. */
export function progressText(progress: Progress, width: number): string {
  const { flights, total, workerKills, keeperKills, lastRecoveryMs } = progress;
  const share = total === 0 ? 1 : flights / total;
  const full = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full);
  const recovery = lastRecoveryMs === undefined ? '' : ` · last recovery ${lastRecoveryMs.toFixed(1)} ms`;
  const killed = `killed ${count(workerKills, 'worker')}, ${count(keeperKills, 'keeper')}`;
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  return `  ${bar} ${percent}  ${count(flights, 'flight')} · ${killed}${recovery}`.slice(0, width);
}

/** Writes the progress of one run. */
export class ProgressBar {
  readonly #output: ProgressOutput;
  readonly #now: () => number;
  #drawnAtMs = -Infinity;
  #percentShown = 0;
  #isDrawn = false;

  constructor(output: ProgressOutput, now: () => number) {
    this.#output = output;
    this.#now = now;
  }

  /** Shows `progress`, unless it was shown a moment ago. */
  show(progress: Progress): void {
    if (this.#output.isTTY === true) this.#draw(progress);
    else this.#writeLine(progress);
  }

  /** Removes the bar, so that other text can follow. */
  clear(): void {
    if (this.#isDrawn) this.#output.write('\r\u001B[2K');
    this.#isDrawn = false;
    this.#drawnAtMs = -Infinity;
  }

  #draw(progress: Progress): void {
    const now = this.#now();
    if (now - this.#drawnAtMs < REDRAW_MS) return;
    this.#drawnAtMs = now;
    this.#isDrawn = true;
    this.#output.write(`\r\u001B[2K${progressText(progress, (this.#output.columns ?? 80) - 1)}`);
  }

  #writeLine(progress: Progress): void {
    if (progress.total === 0) return;
    const percent = Math.floor((100 * progress.flights) / progress.total);
    if (percent < this.#percentShown + LINE_PERCENT) return;
    this.#percentShown = percent - (percent % LINE_PERCENT);
    this.#output.write(`${progressText(progress, 200).trim()}\n`);
  }
}
