/** The second thread of commit-kill.ts. */
import { workerData } from 'node:worker_threads';

const { shared, delayMicroseconds } = workerData as { shared: Int32Array; delayMicroseconds: number }; // By commit-kill.ts.
Atomics.store(shared, 0, 1);
Atomics.notify(shared, 0);
Atomics.wait(shared, 0, 1);
Atomics.store(shared, 0, 3);
const end = performance.now() + delayMicroseconds / 1_000;
while (performance.now() < end);
process.kill(process.pid, 'SIGKILL');
