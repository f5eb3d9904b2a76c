/**
 * G10: however the embedding process ends, its workers and keeper are gone within two seconds, also a worker in an endless
 * loop, and the next start has everything that was acknowledged.
 *
 * Mutations that make this fail, each tried: the lifeline is watched by the main thread instead of a thread of its own; the
 * thread does not heed its end. A keeper without a lifeline still ends, with its connection to the router.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { descendants, isRunning } from './support/processes.js';
import { bankReference, patientRoot, startTestRuntime } from './support/runtime.js';

const GONE_WITHIN_MS = 2_000;
const program = fileURLToPath(new URL('./dist/workers/embedding-program.js', import.meta.url));

describe.each([
  ['SIGKILL', 'wait', false],
  ['an uncaught exception', 'throw', false],
  ['process.exit', 'exit', false],
  ['SIGKILL together with the keeper', 'wait', true],
  ['process.exit together with the keeper', 'exit', true],
])('when the embedding process ends by %s', (_name, ending, withKeeper) => {
  it('leaves no process and loses nothing (G1, G10)', async () => {
    await using directory = await testDirectory();
    const embedding = spawn(process.execPath, [program, directory.path, ending], { stdio: ['pipe', 'pipe', 'pipe'] });
    const exited = new Promise((resolve) => void embedding.once('exit', resolve));
    const lines = createInterface({ input: embedding.stdout });
    const acknowledged = await new Promise<number>((resolve, reject) => {
      lines.once('line', (line) => resolve(Number(line.replace('ready ', ''))));
      embedding.once('exit', (code) => reject(new Error(`the program ended with code ${code} before it was ready`)));
    });
    const pids = await descendants(embedding.pid);
    // Two workers with their standbys, and the keeper with its own.
    await expect(
      until('all processes are there', async () => (await descendants(embedding.pid)).length >= 4),
    ).resolves.toBe(true);
    if (withKeeper) {
      const keeper = pids.find(({ command }) => command.startsWith('heirloom keeper'));
      process.kill(keeper?.pid ?? Number.NaN, 'SIGKILL');
    }
    if (ending === 'wait') embedding.kill('SIGKILL');
    else embedding.stdin.write('end\n');
    await exited;
    const endedAt = Date.now();
    for (const { pid, command } of pids) {
      await until(`${command} is gone`, async () => !(await isRunning(pid)), GONE_WITHIN_MS - (Date.now() - endedAt));
    }

    const bankRef = bankReference();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(bankRef) });
    const bank = test.runtime.worker(bankRef);
    await expect(bank.call.balance('alice')).resolves.toBe(acknowledged);
    await expect(bank.tables.entries.size()).resolves.toBe(acknowledged);
  });
});
