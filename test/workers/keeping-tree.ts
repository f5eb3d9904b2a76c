/** A tree whose supervisors keep their children, and a list of requests with what each leaves: for keeping-program and its test. */
import { supervisor, worker } from 'heirloom';
import type { Runtime, SupervisorOptions } from 'heirloom';
import type bankWorker from './bank.worker.js';

const often = { intensity: 10_000, periodMs: 60_000 } as const;

export function keepingBank(name: string) {
  return worker<typeof bankWorker>(name, new URL('../dist/workers/bank.worker.js', builtFrom()), { standby: false });
}

/** This file runs as built and, in the test, from its source; the worker's module is the built one. */
function builtFrom(): string {
  return import.meta.url.replace(/\/dist\/workers\//, '/workers/');
}

export function keepingTree(keepChildren: SupervisorOptions['keepChildren'] = true) {
  const kept = { keepChildren, ...often };
  const a = keepingBank('a');
  const branch = supervisor({ strategy: 'simple_one_for_one', id: 'branch', ...kept }, [keepingBank('template')]);
  const root = supervisor({ strategy: 'one_for_one', id: 'root', ...kept }, [a, branch]);
  return { a, branch, root };
}

/** The requests, in their order. */
export function keepingRequests({ a, branch, root }: ReturnType<typeof keepingTree>) {
  const [b, c] = [keepingBank('b'), keepingBank('c')];
  const of = (runtime: Runtime) => runtime.supervisor(root);
  return [
    (runtime: Runtime) => of(runtime).startChild(b),
    (runtime: Runtime) => of(runtime).startChild(c),
    (runtime: Runtime) => of(runtime).terminateChild(b),
    (runtime: Runtime) => runtime.supervisor(branch).startInstance('one'),
    (runtime: Runtime) => runtime.supervisor(branch).startInstance('two'),
    (runtime: Runtime) => of(runtime).restartChild(b),
    (runtime: Runtime) => of(runtime).terminateChild(c),
    (runtime: Runtime) => runtime.supervisor(branch).terminateChild(keepingBank('one')),
    (runtime: Runtime) => of(runtime).terminateChild(a),
    (runtime: Runtime) => of(runtime).deleteChild(c),
  ];
}

/** What is there after each number of requests, in start order: those that are down have a minus. */
export const KEEPING_STATES: readonly string[] = [
  'a branch',
  'a branch b',
  'a branch b c',
  'a branch -b c',
  'a branch -b c / one',
  'a branch -b c / one two',
  'a branch b c / one two',
  'a branch b -c / one two',
  'a branch b -c / two',
  '-a branch b -c / two',
  '-a branch b / two',
];

/** What there is, in the same words. */
export function keepingState(runtime: Runtime, { branch, root }: ReturnType<typeof keepingTree>): string {
  const words = (of: typeof root): string =>
    runtime
      .supervisor(of)
      .whichChildren()
      .toReversed()
      .map(({ id, state }) => (state === 'running' ? id : `-${id}`))
      .join(' ');
  const instances = words(branch);
  return instances === '' ? words(root) : `${words(root)} / ${instances}`;
}
