/**
 * A program that embeds a runtime and then ends badly: `node embedding-program.js DIRECTORY throw|exit|wait`.
 *
 * It makes deposits, prints `ready N` with the number that were acknowledged, sets a worker into an endless loop, and ends.
 */
import { startRuntime, supervisor, worker } from 'heirloom';
import type bankWorker from './bank.worker.js';
import type troubleWorker from './trouble.worker.js';

const [directory = '', ending = 'wait'] = process.argv.slice(2);
const DEPOSITS = 50;
const bankRef = worker<typeof bankWorker>('bank', new URL('./bank.worker.js', import.meta.url));
const troubleRef = worker<typeof troubleWorker>('trouble', new URL('./trouble.worker.js', import.meta.url));

const runtime = await startRuntime({
  directory,
  root: supervisor({ strategy: 'one_for_one', intensity: 10 }, [bankRef, troubleRef]),
});
const bank = runtime.worker(bankRef);
await Promise.all(Array.from({ length: DEPOSITS }, (_, index) => bank.call.deposit(index + 1, 'alice', 1)));
const trouble = runtime.worker(troubleRef);
await trouble.call.increment('started');
// Its handler timeout is far longer than the test.
void trouble.call.loopForever().catch(() => {});
await new Promise((resolve) => setTimeout(resolve, 100));
process.stdout.write(`ready ${DEPOSITS}\n`);
process.stdin.once('data', () => {
  if (ending === 'exit') process.exit(3);
  if (ending === 'throw') throw new Error('the program has a bug');
});
