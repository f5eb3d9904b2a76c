/**
 * Whoever installs `heirloom` and nothing else can publish the types of workers and handles: the compiler can name each through
 * `heirloom` or `heirloom/worker`, also where packages see only their own dependencies, and other modules read them back whole.
 *
 * Fails when: a type that appears in a declaration is not exported there (the compiler then names a package that the user does
 * not have, and its readers get `any`); a worker's types need those of Node; a table without a `type` is not known as a set.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TSC_PATH, userProject } from './support/user-project.js';

const COMPILER_OPTIONS: readonly string[] = [
  ...'--module nodenext --target es2022 --lib es2023,esnext.disposable,dom'.split(' '),
  ...'--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess'.split(' '),
];
const EMIT_OPTIONS = [...COMPILER_OPTIONS, '--skipLibCheck', '--declaration', '--outDir', 'dist'];

const READER = `
import { worker } from 'heirloom';
import type { Runtime } from 'heirloom';
import { firstKey, handle, read, totals } from './dist/app.js';
import type ledgerWorker from './dist/ledger.worker.js';

export async function reader(runtime: Runtime): Promise<void> {
  const own = runtime.worker(worker<typeof ledgerWorker>('ledger', new URL('./dist/ledger.worker.js', import.meta.url)));
  const counted: number | undefined = await read('a');
  const total: number | undefined = (await totals.lookup('all'))?.total;
  const key: readonly [string, number] | undefined = await firstKey();
  await own.tables.entries.insert({ account: 'a', at: 1, amount: 1n });
  // @ts-expect-error An account is a string.
  await own.call.deposit(1, 1n);
  // @ts-expect-error There is no such call.
  await handle.call.withdraw('a', 1n);
  // @ts-expect-error A protected table has no writes for others.
  await handle.tables.totals.insert({ id: 'a', total: 1 });
  // @ts-expect-error A private table has no reads for others.
  await handle.tables.pairs.lookup('a');
  void [counted, total, key];
}
`;

it('lets programs declare their workers and handles by names of their own dependencies', async () => {
  await using project = await userProject({
    fixture: 'typed-program',
    files: { 'reader.ts': READER },
    packages: ['heirloom'],
  });
  // The declarations of what starts processes name types of Node, which this project does not have.
  const declared = await project.node(TSC_PATH, ...EMIT_OPTIONS, 'app.ts', 'ledger.worker.ts');
  expect(declared).toMatchObject({ code: 0, stdout: '' });
  for (const file of ['app.d.ts', 'ledger.worker.d.ts']) {
    const text = await readFile(join(project.path, 'dist', file), 'utf8');
    const names = new Set([...text.matchAll(/(?:from |import\()["']([^"']+)["']/g)].map(([, name]) => name));
    names.delete('./ledger.worker.js');
    expect([...names]).toEqual([file.includes('worker') ? 'heirloom/worker' : 'heirloom']);
    expect(text).not.toMatch(/\bany\b|\bunknown\b/);
  }
  const read = await project.node(TSC_PATH, ...COMPILER_OPTIONS, '--skipLibCheck', '--noEmit', 'reader.ts');
  expect(read).toMatchObject({ code: 0, stdout: '' });
});

it('needs no types of other packages for a worker, also where libraries are checked', async () => {
  await using project = await userProject({ fixture: 'typed-program', packages: ['heirloom'] });
  const checked = await project.node(TSC_PATH, ...COMPILER_OPTIONS, '--noEmit', 'ledger.worker.ts');
  expect(checked).toMatchObject({ code: 0, stdout: '' });
});
