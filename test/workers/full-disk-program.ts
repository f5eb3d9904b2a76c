/**
 * A program that fills the disk: `node full-disk-program.js DIRECTORY`, under a limit on the size of files.
 *
 * It makes calls that each store half a kilobyte, prints `done N` for each that was answered, and at the end one line of JSON that
 * says how the runtime failed, or why it did not start.
 */
import { CallError, HeirloomError, startRuntime, supervisor, worker } from 'heirloom';
import type { Runtime } from 'heirloom';
import type variantWorker from './variant.worker.js';

const [directory = ''] = process.argv.slice(2);
const reference = worker<typeof variantWorker>('variant', new URL('./variant.worker.js', import.meta.url));

function codes(error: unknown): string[] {
  return error instanceof HeirloomError ? [error.code, ...codes(error.cause)] : [];
}

async function fill(runtime: Runtime): Promise<unknown> {
  const failed = new Promise<unknown>((resolve) => void runtime.on('failed', ({ error }) => resolve(error)));
  const { call } = runtime.worker(reference);
  const outcomes = new Set<string>();
  let callCodes: string[] = [];
  for (let number = 1; callCodes.length === 0; number++) {
    try {
      await call.put(`row ${number} ${'x'.repeat(500)}`, number);
      process.stdout.write(`done ${number}\n`);
    } catch (error) {
      callCodes = codes(error);
      if (error instanceof CallError) outcomes.add(error.outcome);
    }
  }
  return { failed: codes(await failed), call: callCodes, outcomes: [...outcomes] };
}

let report: unknown;
try {
  const runtime = await startRuntime({
    directory,
    root: supervisor({ strategy: 'one_for_one' }, [reference]),
    keeper: { intensity: 2 },
  });
  report = await fill(runtime);
  await runtime.close();
} catch (error) {
  report = { start: codes(error) };
}
process.stdout.write(`${JSON.stringify(report)}\n`);
