/**
 * A program that makes payments until it is killed: `node paying-program.js DIRECTORY COUNT`. It makes all of them, each under its own
 * key, several times, and prints `paid ID RECEIPT` for each answer, and `all` at its end.
 */
import { startRuntime, supervisor, worker } from 'heirloom';
import type paymentsWorker from './payments.worker.js';

const [directory = '', count = '0'] = process.argv.slice(2);
const CLIENTS = 6;
const reference = worker<typeof paymentsWorker>('payments', new URL('./payments.worker.js', import.meta.url), {
  standby: false,
});
const root = supervisor({ strategy: 'one_for_one' }, [reference]);
await using runtime = await startRuntime({ directory, root, keeper: { standby: false } });
const payments = runtime.worker(reference);
let next = 0;

async function client(): Promise<void> {
  // Clients begin at different places, so that most payments are made by several of them.
  const first = next++;
  for (let index = 0; index < Number(count); index++) {
    const id = (first * 7 + index) % Number(count);
    const { call } = payments.with({ idempotencyKey: `payment-${id}` });
    process.stdout.write(`paid ${id} ${JSON.stringify(await call.pay(id, id))}\n`);
  }
}

process.stdout.write('started\n');
await Promise.all(Array.from({ length: CLIENTS }, client));
process.stdout.write('all\n');
