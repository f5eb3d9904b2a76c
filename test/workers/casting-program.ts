/**
 * A program that casts until it is killed: `node casting-program.js DIRECTORY FIRST`. It numbers its casts from FIRST on, and prints `stored N` for each cast of its own that
 * is stored and `sent N` for each that its sender has made, so that a test knows what must be there at least.
 */
import { startRuntime, supervisor, worker } from 'heirloom';
import type { CasterDefinition } from './caster.worker.js';

const [directory = '', first = '0'] = process.argv.slice(2);
const module = new URL('./caster.worker.js', import.meta.url);
const options = { standby: false };
const senderRef = worker<CasterDefinition>('sender', module, options);
const receiverRef = worker<CasterDefinition>('receiver', module, options);
await using runtime = await startRuntime({
  directory,
  root: supervisor({ strategy: 'one_for_one', intensity: 100 }, [receiverRef, senderRef]),
  keeper: { standby: false },
});
const sender = runtime.worker(senderRef);
const receiver = runtime.worker(receiverRef);
for (let number = Number(first); ; number++) {
  await receiver.cast.note('program', number);
  process.stdout.write(`stored ${number}\n`);
  const sent = await sender.call.send('receiver', number, 3);
  process.stdout.write(`sent ${sent}\n`);
}
