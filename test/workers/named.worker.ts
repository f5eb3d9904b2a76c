/** A worker that enters itself in registries as a test wants. */
import { defineWorker, row, table } from 'heirloom/worker';
import type { RegisteredName, RegistryEntry, RegistrySelection } from 'heirloom/worker';

export default defineWorker({
  tables: { lives: table({ row: row<{ life: number }>(), key: 'life' }) },
  async init({ registry, worker }) {
    const { AS } = process.env;
    if (AS !== undefined) await registry('names').register(AS, { life: worker.incarnation });
  },
  calls: {
    register: ({ registry }, name: string, key: string | number, value?: unknown) =>
      registry(name).register(key, value),
    unregister: ({ registry }, name: string, key: string) => registry(name).unregister(key),
    updateValue: ({ registry }, name: string, key: string, value: unknown) => registry(name).updateValue(key, value),
    lookup: ({ registry }, name: string, key: string): Promise<readonly RegistryEntry[]> => registry(name).lookup(key),
    keys: ({ registry }, name: string, worker?: string): Promise<readonly unknown[]> => registry(name).keys(worker),
    count: ({ registry }, name: string) => registry(name).count(),
    select: ({ registry }, name: string, selection?: RegistrySelection): Promise<readonly RegisteredName[]> =>
      registry(name).select(selection),
    async registerAndThrow({ registry }, name: string, key: string) {
      await registry(name).register(key);
      throw new Error('after the entry');
    },
    /** Writes first, so that the entry has to wait until that is stored. */
    async changeThenRegister({ tables, registry }, key: string) {
      tables.lives.insert({ life: 1 });
      await registry('names').register(key);
    },
    async registerMany({ registry }, name: string, count: number) {
      await Promise.all(Array.from({ length: count }, (_, index) => registry(name).register(index)));
    },
    wait: (_context, milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds)),
  },
});
