/** A program without a logger: its worker prints, leaves a child behind that holds its output open, and is killed. */
import { startRuntime, supervisor, worker } from 'heirloom';
import type loggingWorker from './logging.worker.js';

const loggingRef = worker<typeof loggingWorker>('logging', new URL('./logging.worker.js', import.meta.url));
const runtime = await startRuntime({
  directory: String(process.argv[2]),
  root: supervisor({ strategy: 'one_for_one' }, [loggingRef]),
});
const recovered = new Promise((resolve) => runtime.on('recovered', resolve));
const { call, pid } = runtime.worker(loggingRef);
await call.console();
process.stdout.write(String(await call.leaveChild()));
process.kill(pid ?? 0, 'SIGKILL');
await recovered;
await runtime.close();
