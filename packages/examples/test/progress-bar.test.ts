import { describe, expect, it } from 'vitest';
import { ProgressBar, progressText } from '../src/progress-bar.js';

const HALF = { flights: 500, total: 1_000, workerKills: 33, keeperKills: 1, lastRecoveryMs: 5.26 };

function output(isTTY: boolean): { isTTY: boolean; columns: number; text: string; write(text: string): void } {
  return {
    isTTY,
    columns: 60,
    text: '',
    write(text: string) {
      this.text += text;
    },
  };
}

describe('progressText', () => {
  it('shows the share, the kills and the last recovery', () => {
    expect(progressText(HALF, 200)).toBe(
      `  ${'█'.repeat(14)}${'░'.repeat(14)}  50%  500 flights · killed 33 workers, 1 keeper · last recovery 5.3 ms`,
    );
  });

  it('fits the width and knows no flights at all', () => {
    expect(progressText(HALF, 20)).toHaveLength(20);
    expect(progressText({ ...HALF, flights: 0, total: 0 }, 200)).toContain('100%');
  });
});

describe('ProgressBar', () => {
  it('redraws one line on a terminal, not too often, and removes it', () => {
    let now = 0;
    const terminal = output(true);
    const bar = new ProgressBar(terminal, () => now);
    bar.show(HALF);
    now = 10;
    bar.show(HALF);
    expect(terminal.text).toBe(`\r\u001B[2K${progressText(HALF, 59)}`);
    bar.clear();
    bar.clear();
    expect(terminal.text).toBe(`\r\u001B[2K${progressText(HALF, 59)}\r\u001B[2K`);
  });

  it('writes a line at every quarter elsewhere', () => {
    const file = output(false);
    const bar = new ProgressBar(file, () => 0);
    for (let flights = 1; flights <= 1_000; flights += 1) bar.show({ ...HALF, flights });
    bar.clear();
    const shares = file.text
      .trimEnd()
      .split('\n')
      .map((line) => /(\d+%)/.exec(line)?.[1]);
    expect(shares).toEqual(['25%', '50%', '75%', '100%']);
    expect(file.text).not.toContain('\u001B');
  });
});
