/** Every example in the README, run as it stands: its files are written, its program is started, its output compared. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { codeBlocks } from './support/code-blocks.js';
import { TSC_PATH } from './support/user-project.js';

it('prints what the README says, with a crash in the middle', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const blocks = codeBlocks(readme);
  // Below the tests, so that `heirloom` is found as in a user's project.
  const directory = await mkdtemp(fileURLToPath(new URL('./dist/readme-', import.meta.url)));
  try {
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
    const files = blocks.filter(({ name }) => name !== undefined);
    expect(files.map(({ name }) => name)).toEqual(['bank.worker.ts', 'app.ts', 'check.worker.ts']);
    for (const { name, text } of files) await writeFile(join(directory, name ?? ''), text);
    const expected = blocks.find(({ language }) => language === 'text')?.text;
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'app.ts'], { cwd: directory });
    expect(stdout).toBe(expected);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

/** What the worker of the README asks for, and a program for both. */
const AUDIT = `
import { defineWorker, row, table } from 'heirloom/worker';
const entry = row<{ account: string; note: string }>();
export default defineWorker({
  tables: { entries: table({ row: entry, type: 'duplicate_bag', key: 'account', access: 'public' }) },
  calls: {
    note({ tables }, account: string, note: string) {
      tables.entries.insert({ account, note });
    },
  },
});
`;
const CHECK = `
import { startRuntime, supervisor, worker } from 'heirloom';
import type checkWorker from './check.worker.js';
const check = worker<typeof checkWorker>('check', new URL('./check.worker.js', import.meta.url));
const root = supervisor({ strategy: 'one_for_one' }, [
  worker('audit', new URL('./audit.worker.js', import.meta.url)),
  check,
]);
await using runtime = await startRuntime({ directory: './checked', root });
const { call } = runtime.worker(check);
console.log(await call.check('alice'), await call.check('alice'));
`;

it('asks another worker as the README says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const example = codeBlocks(readme).find(({ name }) => name === 'check.worker.ts')?.text ?? '';
  const directory = await mkdtemp(fileURLToPath(new URL('./dist/readme-', import.meta.url)));
  try {
    const files = { 'package.json': '{ "type": "module" }', 'audit.worker.ts': AUDIT, 'check.worker.ts': example };
    for (const [name, text] of Object.entries({ ...files, 'check.ts': CHECK }))
      await writeFile(join(directory, name), text);
    const types = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'es2022',
    ];
    await promisify(execFile)(
      process.execPath,
      [TSC_PATH, ...types, '--types', 'node', '--lib', 'es2023,esnext.disposable', 'check.ts'],
      { cwd: directory },
    );
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'check.ts'], { cwd: directory });
    expect(stdout).toBe('0 1\n');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

it('names the commands that package.json has', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const { scripts } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const commands =
    codeBlocks(readme)
      .find(({ language }) => language === 'sh')
      ?.text.trim()
      .split('\n') ?? [];
  expect(commands).toEqual(['npm start', 'npm test']);
  for (const command of commands) expect(scripts).toHaveProperty(command.replace('npm ', ''));
});
