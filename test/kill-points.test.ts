/**
 * G1, G2, G3 at every named point of the program: a worker, the keeper or both are killed there, at several hits of the point.
 *
 * Mutations that make this fail, each tried:
 * - G1: the keeper sends replies before it commits (the keeper at `keeper.commit:before` or `during`, and the worker with it).
 * - G2: the worker does not roll back when a handler throws, or journals each table by itself.
 * - G3: the router runs calls again without waiting for the close of their epoch (worker at `worker.journal:after`); a new
 *   keeper does not send the stored replies again, or deletes them before they are confirmed (`keeper.replies:before`).
 *
 * The points of what handlers ask of other workers (`worker.ask:before`, `worker.answer:before`) are in worker-handles-kills, those
 * of moves (`worker.transfer:end`) in ownership-kills.
 *
 * One that does not: a worker sends every batch again and the keeper takes those that it has. Batches hold rows, not steps, so
 * a repeated tail leaves the tables as they were; both halves are held by keeper/test/keeper and worker/test/journal.
 */
import type { Fault, FaultAction } from 'heirloom/testing';
import { describe, it } from 'vitest';
import { killRun } from './support/kill-run.js';

const kill = (point: string, hit: number, action: FaultAction = 'kill'): Fault => ({ point, hit, action });
const base = { operations: 80, concurrency: 8, seed: 20_261_120 };
/** For runs with more deaths. */
const longer = { ...base, operations: 300 };

/** One life after the other of a worker or the keeper, each of which ends at its hit of the point. */
function lives(name: string, point: string, hits: readonly number[]): Record<string, readonly Fault[]> {
  return Object.fromEntries(hits.map((hit, index) => [`${name} ${index + 1}`, [kill(point, hit)]]));
}

const WORKER_POINTS = [
  'worker.handler:start',
  'worker.handler:change',
  'worker.handler:end',
  'worker.journal:before',
  'worker.journal:after',
];
const KEEPER_POINTS = ['keeper.batch:received', 'keeper.replies:before', 'keeper.replies:after'];
/** Points of every transaction, those of the start among them: a marker, and the epoch that is opened. */
const COMMIT_POINTS = ['keeper.commit:before', 'keeper.commit:during', 'keeper.commit:after'];

describe.concurrent(
  'killed at a named point, nothing acknowledged is lost and nothing happens twice (G1, G2, G3)',
  () => {
    // The first hit of some points is the start's own.
    it.each(WORKER_POINTS)('worker at %s, hits 2 to 9 of its incarnations', async (point) => {
      const hits = [8, 2, 9, 3, 4];
      await killRun({ ...longer, faults: lives('bank', point, hits), workerDeaths: hits.length, keeperDeaths: 0 });
    });

    it.each(KEEPER_POINTS)('keeper at %s, hits 1 to 5 of one after the other', async (point) => {
      const hits = [5, 5, 2, 2, 1, 1];
      await killRun({ ...longer, faults: lives('keeper', point, hits), workerDeaths: 0, keeperDeaths: hits.length });
    });

    it.each(COMMIT_POINTS)('keeper at %s, hits 2 to 7 of one after the other', async (point) => {
      const hits = [7, 6, 4, 3, 3, 2];
      await killRun({ ...longer, faults: lives('keeper', point, hits), workerDeaths: 0, keeperDeaths: hits.length });
    });

    describe.each(['keeper.batch:received', 'keeper.commit:before', 'keeper.commit:during', 'keeper.replies:after'])(
      'keeper at %s, and the worker before it can send anything again',
      (point) => {
        it('hit 6, also of the next keeper', async () => {
          const faults = { 'keeper 1': [kill(point, 6)], 'keeper 2': [kill(point, 6)] };
          await killRun({ ...base, faults, workerDeaths: 2, keeperDeaths: 2, together: true });
        });
      },
    );

    describe.each([
      'keeper.epoch.close:before',
      'keeper.epoch.close:after',
      'keeper.epoch.open:before',
      'keeper.epoch.open:after',
    ])('keeper at %s, while a worker is replaced', (point) => {
      it('hit of the first replacement', async () => {
        const hit = point.includes('open') ? 2 : 1;
        const faults = { 'bank 1': [kill('worker.handler:change', 9)], 'keeper 1': [kill(point, hit)] };
        await killRun({ ...base, faults, workerDeaths: 1, keeperDeaths: 1 });
      });
    });

    it('worker while it is activated', async () => {
      const faults = { 'bank 1': [kill('worker.handler:end', 5)], 'bank 2': [kill('worker.activate', 1)] };
      await killRun({ ...base, faults, workerDeaths: 2, keeperDeaths: 0 });
    });

    it('worker while a new keeper welcomes it', async () => {
      const faults = { 'bank 1': [kill('worker.welcome', 2)], 'keeper 1': [kill('keeper.commit:after', 4)] };
      await killRun({ ...base, faults, workerDeaths: 1, keeperDeaths: 1 });
    });

    describe.each([
      ['worker.journal:after', 'keeper.batch:received'],
      ['worker.journal:before', 'keeper.commit:before'],
      ['worker.handler:change', 'keeper.commit:during'],
      ['worker.handler:end', 'keeper.replies:before'],
    ])('worker at %s and keeper at %s together', (workerPoint, keeperPoint) => {
      it('hits 3 and 5', async () => {
        const hits = [3, 5];
        const faults = { ...lives('bank', workerPoint, hits), ...lives('keeper', keeperPoint, hits) };
        await killRun({ ...longer, faults, workerDeaths: 2, keeperDeaths: 2 });
      });
    });
  },
);
