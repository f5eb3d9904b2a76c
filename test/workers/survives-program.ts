/**
 * A program that notes numbers until it is killed: `node survives-program.js DIRECTORY`. It prints `done N` for each number that
 * was acknowledged.
 */
import { startRuntime, supervisor, worker } from 'heirloom';
import type survivorWorker from './survivor.worker.js';

const [directory = ''] = process.argv.slice(2);
const CLIENTS = 8;
const reference = worker<typeof survivorWorker>('survivor', new URL('./survivor.worker.js', import.meta.url));
const runtime = await startRuntime({ directory, root: supervisor({ strategy: 'one_for_one' }, [reference]) });
const { call } = runtime.worker(reference);
let last = 0;

async function client(): Promise<never> {
  for (;;) {
    const id = ++last;
    await call.note(id, 'crash', ...(id % 2 === 0 ? (['power'] as const) : []));
    process.stdout.write(`done ${id}\n`);
  }
}

await Promise.all(Array.from({ length: CLIENTS }, client));
