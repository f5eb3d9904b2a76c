/**
 * The thread that watches the lifeline. See lifeline.ts for what it promises and for the memory that it shares.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { workerData } from 'node:worker_threads';

const { shared, descriptor, intervalMs } = workerData as {
  readonly shared: Float64Array;
  readonly descriptor: number;
  readonly intervalMs: number;
}; // Given by watchLifeline.

const socket = new Socket({ fd: descriptor, readable: true, writable: false });
socket.on('error', die);
socket.on('end', die);
socket.on('close', die);
socket.resume();
setInterval(checkDeadline, intervalMs);

function checkDeadline(): void {
  const deadline = shared[0] ?? 0;
  if (deadline === 0 || Date.now() < deadline) return;
  try {
    writeSync(descriptor, `${JSON.stringify({ overrun: shared[1] })}\n`);
  } catch {
    // The parent is gone, or does not read: it then learns of the death alone.
  }
  die();
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
