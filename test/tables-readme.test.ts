/**
 * The page of `@heirloom/tables`: its example compiles and prints what it says, and its table for people who come from ETS names
 * every function of ETS, and nothing that tables do not have.
 *
 * Broken on purpose, each of which was reported: a line of the example's output; a misspelt operation in the table.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TABLE_OPERATIONS } from '@heirloom/tables';
import { expect, it } from 'vitest';
import { codeBlocks } from './support/code-blocks.js';
import { TSC_PATH } from './support/user-project.js';

const page = await readFile(new URL('../packages/tables/README.md', import.meta.url), 'utf8');
const run = promisify(execFile);

/** Every function that the module `ets` of OTP exports for users. */
const ETS_FUNCTIONS = `
  all delete delete_all_objects delete_object file2tab first first_lookup foldl foldr from_dets fun2ms give_away i info init_table
  insert insert_new is_compiled_ms last last_lookup lookup lookup_element match match_delete match_object match_spec_compile
  match_spec_run member new next next_lookup prev prev_lookup rename repair_continuation safe_fixtable select select_count
  select_delete select_replace select_reverse setopts slot tab2file tab2list tabfile_info table take test_ms to_dets
  update_counter update_element whereis
`
  .trim()
  .split(/\s+/);
/** What the table names beside the operations of a table: of definitions, runtimes, workers' tables and files. */
const OTHERS = 'compileWhere file2tab giveAway keys rename setOptions tab2file table tables tabfileInfo whereis'.split(
  ' ',
);

it('prints what the page of tables says', async () => {
  const blocks = codeBlocks(page);
  // Below the tests, so that the package is found as in a user's project.
  const directory = await mkdtemp(fileURLToPath(new URL('./dist/tables-readme-', import.meta.url)));
  try {
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
    const program = blocks.find(({ name }) => name === 'tables.ts')?.text ?? '';
    await writeFile(join(directory, 'tables.ts'), program);
    const { stdout } = await run(process.execPath, ['--import', 'tsx', 'tables.ts'], { cwd: directory });
    expect(stdout).toBe(blocks.find(({ language }) => language === 'text')?.text);
    const options =
      '--ignoreConfig --strict --noEmit --skipLibCheck --target es2022 --lib es2023,dom --module nodenext'.split(' ');
    await run(process.execPath, [TSC_PATH, ...options, 'tables.ts'], { cwd: directory });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

it('names every function of ETS, with operations that there are', () => {
  const lines = [...page.matchAll(/^\| `(\w+)\/[\d,.]+` \| (.*?) \|/gm)];
  expect([...new Set(lines.map(([, name]) => name))]).toEqual(ETS_FUNCTIONS);
  const named = lines.flatMap(([, , here = '']) => [...here.matchAll(/`(\w+)/g)].map(([, name]) => name ?? ''));
  expect(named.filter((name) => !Object.hasOwn(TABLE_OPERATIONS, name) && !OTHERS.includes(name))).toEqual([]);
  for (const operation of Object.keys(TABLE_OPERATIONS)) expect(page).toMatch(new RegExp(`\`${operation}\\b`));
});
