/** When a long read has to leave the event loop to others. */

/** How long a turn may take, in milliseconds, and one row more: a commit waits for it. */
export const TURN_MS = 1;

export class Turn {
  private began: number = performance.now();

  get isOver(): boolean {
    return performance.now() - this.began >= TURN_MS;
  }

  /** To be called when the next turn begins. */
  begin(): void {
    this.began = performance.now();
  }
}
