/**
 * Mutations that make this fail, each tried: an end reaches a life that has unlinked itself meanwhile, the next life of a worker that
 * was linked, or one that is being stopped; a life is ended twice; a notice is made for a life that is over.
 */
import { describe, expect, it } from 'vitest';
import type { EndedLife, Life, WorkerDown } from '../src/lives.js';
import { Lives } from '../src/lives.js';

class World {
  readonly notices: { worker: string; epoch: number; call: string; message: unknown }[] = [];
  readonly downs: WorkerDown[] = [];
  readonly ended: [worker: string, epoch: number, by: string][] = [];
  readonly stopping = new Set<string>();
  isClosing = false;
  readonly lives: Lives;
  #later: (() => void)[] = [];

  constructor() {
    this.lives = new Lives({
      notify: ({ worker, epoch }, call, message) => this.notices.push({ worker, epoch, call, message }),
      later: (task) => this.#later.push(task),
      onDown: (down) => this.downs.push(down),
      isClosing: () => this.isClosing,
    });
  }

  begin(worker: string, epoch: number, trapsExits: boolean = false): void {
    const { stopping, ended } = this;
    const life: Life = {
      worker,
      epoch,
      trapsExits,
      get isStopping() {
        return stopping.has(worker);
      },
      endBy: (by: EndedLife) => ended.push([worker, epoch, by.worker]),
    };
    this.lives.began(life);
  }

  ask(worker: string, operation: 'monitor' | 'link' | 'unlink', target: string): unknown {
    return this.lives.perform(worker, { operation, worker: target, table: '' }, []);
  }

  /** A turn of the program passes. */
  turn(): void {
    const due = this.#later;
    this.#later = [];
    for (const task of due) task();
  }
}

function linkedWorld(): World {
  const world = new World();
  for (const worker of ['a', 'b', 'c']) world.begin(worker, 1);
  world.ask('a', 'link', 'b');
  world.ask('c', 'link', 'a');
  return world;
}

describe('the end of a life reaches those that are linked to it', () => {
  it('in a later turn, once', () => {
    const world = linkedWorld();
    world.lives.ended('a', 1, { reason: 'killed' });
    world.lives.ended('a', 1, { reason: 'killed' });
    expect(world.ended).toEqual([]);
    world.turn();
    world.turn();
    expect(world.ended).toEqual([
      ['b', 1, 'a'],
      ['c', 1, 'a'],
    ]);
    expect(world.downs).toHaveLength(1);
  });

  it('but not one that has unlinked itself, is being stopped, is over, or begins anew by then', () => {
    const world = linkedWorld();
    world.begin('d', 1);
    world.begin('e', 1);
    world.ask('d', 'link', 'a');
    world.ask('e', 'link', 'a');
    world.lives.ended('a', 1, { reason: 'killed' });
    world.ask('b', 'unlink', 'a');
    world.stopping.add('c');
    world.lives.ended('d', 1, { reason: 'crash' });
    world.begin('d', 2);
    world.turn();
    expect(world.ended).toEqual([['e', 1, 'a']]);
  });

  it('and nobody while the runtime closes', () => {
    const world = linkedWorld();
    world.ask('b', 'monitor', 'a');
    world.lives.ended('c', 1, { reason: 'killed' });
    world.isClosing = true;
    world.lives.ended('a', 1, { reason: 'shutdown' });
    world.turn();
    expect([world.ended, world.notices]).toEqual([[], []]);
    expect(world.downs).toHaveLength(2);
  });
});

it('notices are for lives that go on', () => {
  const world = new World();
  world.begin('a', 1);
  world.begin('b', 1);
  world.begin('t', 7, true);
  world.ask('a', 'monitor', 'b');
  world.ask('t', 'monitor', 'b');
  world.ask('t', 'link', 'b');
  world.lives.ended('a', 1, { reason: 'killed' });
  world.begin('a', 2);
  world.lives.ended('b', 1, { reason: 'normal' });
  world.turn();
  world.ask('t', 'link', 'b');
  expect(world.notices).toMatchObject([
    { worker: 't', epoch: 7, call: '$down', message: { worker: 'b', epoch: 1, reason: 'normal', monitor: 2 } },
    { worker: 't', epoch: 7, call: '$exit', message: { worker: 'b', epoch: 1, reason: 'normal' } },
    { worker: 't', epoch: 7, call: '$exit', message: { worker: 'b', reason: 'noproc' } },
  ]);
  expect(() => world.begin('a', 3)).toThrow('before its last one has ended');
});
