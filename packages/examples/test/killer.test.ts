import { describe, expect, it, vi } from 'vitest';
import { Condition } from '../src/condition.js';
import type { PlannedKill } from '../src/kill-schedule.js';
import { KEEPER } from '../src/kill-schedule.js';
import type { Victim } from '../src/killer.js';
import { KILL_TIMEOUT_MS, Killer } from '../src/killer.js';
import { RecoveryWatch } from '../src/recovery-watch.js';

/** A killer of one worker `a` (incarnation = pid) and a keeper, whose deaths and answers the test decides. */
class Stage {
  readonly struck: number[] = [];
  readonly condition = new Condition();
  readonly recoveries = new RecoveryWatch(() => 0);
  readonly killer: Killer;
  pids: Record<string, number | undefined> = { a: 1, [KEEPER]: 1_000 };
  kill: (pid: number) => void = (pid) => {
    this.struck.push(pid);
  };

  constructor(plan: readonly PlannedKill[]) {
    this.killer = new Killer({
      plan,
      victims: new Map<string, Victim>([
        // The probe never answers: the test does.
        ['a', { pid: () => this.pids['a'], probe: () => new Promise(() => {}) }],
        [KEEPER, { pid: () => this.pids[KEEPER] }],
      ]),
      kill: (pid) => this.kill(pid),
      now: () => 0,
      recoveries: this.recoveries,
      condition: this.condition,
    });
  }

  crash(victim: string, signal: string | null = 'SIGKILL'): void {
    const pid = this.pids[victim] ?? 0;
    this.pids[victim] = pid + 1;
    this.killer.crashed({ victim, pid, signal, incarnation: victim === KEEPER ? 0 : pid });
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const A0: PlannedKill = { after: 0, victim: 'a' };

describe('Killer', () => {
  it('strikes when the progress is reached and holds the feed until the death was seen', async () => {
    const stage = new Stage([{ after: 5, victim: 'a' }]);
    const run = stage.killer.run();
    stage.killer.advance(4);
    await turn();
    expect(stage.struck).toEqual([]);
    expect(stage.killer.isBehind).toBe(false);

    stage.killer.advance(5);
    expect(stage.killer.isBehind).toBe(true);
    await turn();
    expect(stage.struck).toEqual([1]);
    stage.crash('a');
    await turn();
    expect(stage.killer.isBehind).toBe(false);
    stage.recoveries.answered('a', 2);
    await run;
    expect(stage.killer.workerKills).toBe(1);
  });

  it('strikes the same worker again only after a later incarnation answered, another victim at once', async () => {
    const stage = new Stage([A0, { after: 0, victim: KEEPER }, A0]);
    const run = stage.killer.run();
    await turn();
    stage.crash('a');
    await turn();
    expect(stage.struck).toEqual([1, 1_000]);
    stage.crash(KEEPER);
    stage.killer.revived(KEEPER);
    stage.killer.revived('a');
    stage.recoveries.answered('a', 1);
    await turn();
    expect(stage.struck).toEqual([1, 1_000]);

    stage.recoveries.answered('a', 2);
    await turn();
    expect(stage.struck).toEqual([1, 1_000, 2]);
    stage.crash('a');
    stage.recoveries.answered('a', 3);
    await run;
    expect([stage.killer.workerKills, stage.killer.keeperKills, stage.killer.otherCrashes]).toEqual([2, 1, 0]);
  });

  it('counts no death that it did not cause, and strikes again', async () => {
    const stage = new Stage([A0]);
    stage.kill = (pid) => {
      stage.struck.push(pid);
      if (pid === 1) throw new Error('ESRCH');
    };
    const run = stage.killer.run();
    await turn();
    stage.crash('a', null);
    await turn();
    expect(stage.killer.workerKills).toBe(0);
    stage.killer.revived('a');
    await turn();
    expect(stage.struck).toEqual([1, 2]);
    stage.crash('a');
    stage.recoveries.answered('a', 3);
    await run;
    expect([stage.killer.workerKills, stage.killer.otherCrashes]).toEqual([1, 1]);
  });

  it('waits for a process before it strikes', async () => {
    const stage = new Stage([A0]);
    stage.pids['a'] = undefined;
    const run = stage.killer.run();
    await turn();
    expect(stage.struck).toEqual([]);
    stage.pids['a'] = 7;
    stage.killer.revived('a');
    await turn();
    expect(stage.struck).toEqual([7]);
    stage.crash('a');
    stage.recoveries.answered('a', 8);
    await run;
  });

  it('ends with a typed error that names a victim which does not die', async () => {
    vi.useFakeTimers();
    try {
      const run = new Stage([{ after: 0, victim: KEEPER }]).killer.run();
      const rejected = expect(run).rejects.toMatchObject({
        code: 'ERR_FLIGHT_BOARD_KILL',
        message: expect.stringMatching(/^keeper did not die within 30 seconds/),
      });
      await vi.advanceTimersByTimeAsync(KILL_TIMEOUT_MS);
      await rejected;
    } finally {
      vi.useRealTimers();
    }
  });

  it('ends with the reason when the run fails', async () => {
    const stage = new Stage([{ after: 1, victim: 'a' }]);
    const run = stage.killer.run();
    stage.condition.fail(new Error('over'));
    await expect(run).rejects.toThrow('over');
  });
});
