/**
 * The thread that watches the lifeline. See lifeline.ts for what it promises and for the memory that it shares.
 */
import { rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { workerData } from 'node:worker_threads';
import { DeadlineWatch } from './handler-deadline.js';

const { shared, descriptor, intervalMs, socketDirectory, heartbeatMs } = workerData as {
  readonly shared: Float64Array;
  readonly descriptor: number;
  readonly intervalMs: number;
  readonly socketDirectory: string | undefined;
  readonly heartbeatMs: number;
}; // Given by watchLifeline.

const socket = new Socket({ fd: descriptor, readable: true, writable: false });
socket.on('error', parentGone);
socket.on('end', parentGone);
socket.on('close', parentGone);
socket.resume();
const watch = new DeadlineWatch(shared, intervalMs);
setInterval(checkDeadline, intervalMs);
if (heartbeatMs > 0) setInterval(beat, heartbeatMs);

/** How often the main thread had turned its event loop at the last sign of life. */
let turns = 0;

function checkDeadline(): void {
  const overrun = watch.check();
  if (overrun === undefined) return;
  try {
    writeSync(descriptor, `${JSON.stringify({ overrun })}\n`);
  } catch {
    // The parent is gone, or does not read: it then learns of the death alone.
  }
  die();
}

function beat(): void {
  const now = shared[3] ?? 0;
  const isLoading = now === 0;
  const isBusy = shared[2] === 1;
  const isAlive = isLoading || isBusy || shared[4] === 1 || now !== turns;
  turns = now;
  if (!isAlive) return;
  try {
    writeSync(descriptor, '.');
  } catch {
    // The parent is gone, or has not read for hours: it has its own ways to know.
  }
}

function parentGone(): void {
  try {
    if (socketDirectory !== undefined) rmSync(socketDirectory, { recursive: true, force: true });
  } catch {
    // Another process of the runtime removes it at the same moment, or the next start does.
  }
  die();
}

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}
