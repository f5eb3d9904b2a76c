/** Every example in the README, run as it stands: its files are written, its program is started, its output compared. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { codeBlocks } from './support/code-blocks.js';

it('prints what the README says, with a crash in the middle', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const blocks = codeBlocks(readme);
  // Below the tests, so that `heirloom` is found as in a user's project.
  const directory = await mkdtemp(fileURLToPath(new URL('./dist/readme-', import.meta.url)));
  try {
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
    const files = blocks.filter(({ name }) => name !== undefined);
    expect(files.map(({ name }) => name)).toEqual(['bank.worker.ts', 'app.ts']);
    for (const { name, text } of files) await writeFile(join(directory, name ?? ''), text);
    const expected = blocks.find(({ language }) => language === 'text')?.text;
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'app.ts'], { cwd: directory });
    expect(stdout).toBe(expected);
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
