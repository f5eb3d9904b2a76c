/**
 * Types flow from a worker's definition to its callers: what is misspelt or of a wrong type does not compile.
 *
 * The checks are the `@ts-expect-error` lines, which fail the type check of the tests when the line below them compiles. The
 * function is never called.
 */
import type { Runtime, WorkerReference } from 'heirloom';
import { supervisor, worker } from 'heirloom';
import { args, defineWorker, row, table, workerRef } from 'heirloom/worker';
import { expectTypeOf, it } from 'vitest';
import type bankWorker from './workers/bank.worker.js';
import type troubleWorker from './workers/trouble.worker.js';

declare const runtime: Runtime;
declare const bankRef: WorkerReference<typeof bankWorker>;
declare const troubleRef: WorkerReference<typeof troubleWorker>;

export function callsAndTables(): void {
  const bank = runtime.worker(bankRef);
  const trouble = runtime.worker(troubleRef);

  expectTypeOf(bank.call.deposit).toEqualTypeOf<
    (operation: number, account: string, amount: number) => Promise<number>
  >();
  expectTypeOf(bank.call.slowDeposit).returns.toEqualTypeOf<Promise<number>>();
  expectTypeOf(bank.tables.accounts.lookup('a')).toEqualTypeOf<
    Promise<Readonly<{ id: string; balance: number; operations: number }> | undefined>
  >();

  // @ts-expect-error A misspelt worker.
  runtime.worker(bnakRef);
  // @ts-expect-error A name is not a reference.
  runtime.worker('bank');
  // @ts-expect-error A misspelt call.
  void bank.call.depositt(1, 'a', 1);
  // @ts-expect-error An argument of a wrong type.
  void bank.call.deposit(1, 'a', '1');
  // @ts-expect-error A missing argument.
  void bank.call.deposit(1, 'a');
  // @ts-expect-error A misspelt table.
  void bank.tables.acounts.lookup('a');
  // @ts-expect-error A key of a wrong type.
  void bank.tables.accounts.lookup(1);
  // @ts-expect-error A misspelt field in a condition.
  void bank.tables.accounts.select({ where: { balnce: { gt: 1 } } });
  // @ts-expect-error A condition of a wrong type.
  void bank.tables.accounts.select({ where: { balance: { gt: 'much' } } });
  // @ts-expect-error A protected table has no writes for others.
  void bank.tables.accounts.insert({ id: 'a', balance: 1, operations: 1 });
  // @ts-expect-error A private table has no reads for others.
  void trouble.tables.secrets.lookup('a');
  void trouble.tables.notes.insert({ name: 'a', value: 'b' });
  // @ts-expect-error A row with a field of a wrong type.
  void trouble.tables.notes.insert({ name: 'a', value: 1 });
  // @ts-expect-error A misspelt option.
  bank.with({ timeout: 5 });
}

export function workerArguments(): void {
  const definition = defineWorker({
    args: args<[region: string, limit: number]>(),
    tables: { counts: table({ row: row<{ id: string; count: number }>(), key: 'id' }) },
    init({ tables, args: [region, limit] }) {
      expectTypeOf(region).toEqualTypeOf<string>();
      tables.counts.insert({ id: region, count: limit });
    },
    calls: {
      region(context, suffix: string) {
        expectTypeOf(context.args).toEqualTypeOf<readonly [region: string, limit: number]>();
        return `${context.args[0]}${suffix}`;
      },
    },
  });
  const module = new URL('file:///argued.worker.js');
  const reference = worker<typeof definition>('argued', module, { args: ['eu', 5], restart: 'transient' });
  expectTypeOf(runtime.worker(reference).call.region).toEqualTypeOf<(suffix: string) => Promise<string>>();
  // A template may have the first ones only.
  worker<typeof definition>('argued', module, { args: ['eu'] });
  worker<typeof definition>('argued', module, { args: [] });
  // @ts-expect-error Its arguments are missing.
  worker<typeof definition>('argued', module);
  // @ts-expect-error They are missing among the options.
  worker<typeof definition>('argued', module, { restart: 'transient' });
  // @ts-expect-error An argument of a wrong type.
  worker<typeof definition>('argued', module, { args: [5] });
  // @ts-expect-error One too many.
  worker<typeof definition>('argued', module, { args: ['eu', 5, 6] });
  // @ts-expect-error A worker that takes none.
  worker<typeof bankWorker>('bank', module, { args: ['eu'] });
  // @ts-expect-error One that may be left out has a type, too.
  worker<typeof optional>('argued', module, { args: [5] });
  const optional = defineWorker({ args: args<[region?: string]>(), tables: {}, calls: {} });
  worker<typeof optional>('argued', module);
  const branch = runtime.supervisor(supervisor({ strategy: 'simple_one_for_one' }, [reference]));
  void branch.startInstance<typeof definition>('one', 5);
  void branch.startInstance<typeof definition>('two', 'eu', 5);
  void branch.startInstance('three', { any: 'thing' });
  // @ts-expect-error An argument of a wrong type.
  void branch.startInstance<typeof definition>('one', 'eu');
}

export function definitions(): void {
  // @ts-expect-error A key field that rows do not have.
  table({ row: row<{ id: string }>(), key: 'name' });
  // @ts-expect-error A key field that is not a key.
  table({ row: row<{ id: { nested: string } }>(), key: 'id' });
  // @ts-expect-error A misspelt type.
  table({ row: row<{ id: string }>(), key: 'id', type: 'orderd_set' });
  // @ts-expect-error A misspelt level of durability.
  table({ row: row<{ id: string }>(), key: 'id', survives: 'power-loss' });

  defineWorker({
    tables: { counts: table({ row: row<{ id: string; count: number; label: string }>(), key: 'id' }) },
    calls: {
      add({ tables }, id: string) {
        // @ts-expect-error A misspelt table inside a handler.
        tables.cuonts.lookup(id);
        // @ts-expect-error A misspelt field.
        tables.counts.updateCounter(id, 'cuont');
        // @ts-expect-error A field that is no number cannot be counted.
        tables.counts.updateCounter(id, 'label');
        // @ts-expect-error A row is frozen.
        (tables.counts.lookup(id) ?? { count: 0 }).count = 1;
        return tables.counts.updateCounter(id, 'count');
      },
    },
  });

  const reference = worker<typeof bankWorker>('bank', new URL('file:///bank.worker.js'));
  expectTypeOf(reference).toEqualTypeOf<WorkerReference<typeof bankWorker>>();
}

/** Two workers that name each other: what their handlers return is written down, or each type would be inferred from the other. */
const left = defineWorker({
  tables: { a: table({ row: row<{ id: string; left: number }>(), key: 'id', access: 'public' }) },
  calls: {
    async ask({ remote }, id: string): Promise<number | undefined> {
      const { b } = remote(workerRef<typeof right>('right')).tables;
      // @ts-expect-error A field that the other's rows do not have.
      await b.insert({ id, left: 1 });
      return (await b.lookup(id))?.right;
    },
  },
});
const right = defineWorker({
  tables: { b: table({ row: row<{ id: string; right: number }>(), key: 'id', access: 'public' }) },
  calls: {
    async ask({ remote }, id: string): Promise<number | undefined> {
      return (await remote(workerRef<typeof left>('left')).tables.a.lookup(id))?.left;
    },
  },
});

export function workersInHandlers(): void {
  const bank = workerRef<typeof bankWorker>('bank');
  const trouble = workerRef<typeof troubleWorker>('trouble');
  expectTypeOf(left.handlers).toExtend<object>();
  defineWorker({
    tables: {},
    calls: {
      async ask({ remote, worker }, id: string) {
        expectTypeOf(worker.name).toEqualTypeOf<string>();
        const { accounts } = remote(bank).with({ timeoutMs: 5, signal: AbortSignal.timeout(5) }).tables;
        expectTypeOf(accounts.lookup('a')).toEqualTypeOf<
          Promise<Readonly<{ id: string; balance: number; operations: number }> | undefined>
        >();
        const { notes, secrets } = remote(trouble).tables;
        await notes.insert({ name: id, value: 'b' });
        for await (const { name } of notes.rows({ fields: ['name'] })) expectTypeOf(name).toEqualTypeOf<string>();
        expectTypeOf(await secrets.info()).toExtend<{ readonly size: number }>();
        // @ts-expect-error A name is not a reference.
        remote('bank');
        // @ts-expect-error A reference of the embedding program is not one for workers.
        remote(bankRef);
        // @ts-expect-error A misspelt table.
        await remote(bank).tables.acounts.lookup('a');
        expectTypeOf(remote(bank).call.deposit).toEqualTypeOf<
          (operation: number, account: string, amount: number) => Promise<number>
        >();
        // @ts-expect-error A misspelt call.
        await remote(bank).call.depositt(1, 'a', 1);
        // @ts-expect-error An argument of a wrong type.
        await remote(bank).call.deposit(1, 'a', '1');
        // @ts-expect-error A key of a wrong type.
        await accounts.lookup(1);
        // @ts-expect-error A protected table has no writes for others.
        await accounts.insert({ id: 'a', balance: 1, operations: 1 });
        // @ts-expect-error A private table has no reads for others.
        await secrets.lookup('a');
        // @ts-expect-error A row with a field of a wrong type.
        await notes.insert({ name: 'a', value: 1 });
        // @ts-expect-error Following a table is for the embedding process.
        notes.watch();
        // @ts-expect-error A function does not travel.
        await notes.foldl(() => 1, 1);
        // @ts-expect-error Whether a question is asked again is not for the handler to say.
        remote(bank).with({ retry: 'never' });
        return accounts.size();
      },
    },
  });
}

it('is checked by the compiler', () => {
  expectTypeOf(workersInHandlers).toBeFunction();
  expectTypeOf(callsAndTables).toBeFunction();
});
