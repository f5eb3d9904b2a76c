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
    describe.each(WORKER_POINTS)('worker at %s', (point) => {
      // The first hit of some points is the start's own.
      it.each([2, 3, 8])('hit %i, also of the next two incarnations', async (hit) => {
        const faults = { 'bank 1': [kill(point, hit)], 'bank 2': [kill(point, hit + 1)], 'bank 3': [kill(point, hit)] };
        await killRun({ ...base, faults, workerDeaths: 3, keeperDeaths: 0 });
      });
    });

    describe.each(KEEPER_POINTS)('keeper at %s', (point) => {
      it.each([1, 2, 5])('hit %i, also of the next keeper', async (hit) => {
        const faults = { 'keeper 1': [kill(point, hit)], 'keeper 2': [kill(point, hit)] };
        await killRun({ ...base, faults, workerDeaths: 0, keeperDeaths: 2 });
      });
    });

    describe.each(COMMIT_POINTS)('keeper at %s', (point) => {
      it.each([3, 4, 7])('hit %i, also of the next keeper', async (hit) => {
        const faults = { 'keeper 1': [kill(point, hit)], 'keeper 2': [kill(point, hit - 1)] };
        await killRun({ ...base, faults, workerDeaths: 0, keeperDeaths: 2 });
      });
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
      it.each([3, 5])('hit %i', async (hit) => {
        const faults = { 'bank 1': [kill(workerPoint, hit)], 'keeper 1': [kill(keeperPoint, hit)] };
        await killRun({ ...base, faults, workerDeaths: 1, keeperDeaths: 1 });
      });
    });
  },
);
