/**
 * The thread that watches the lifeline. See lifeline.ts for what it promises and for the memory that it shares.
 */
import { rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { workerData } from 'node:worker_threads';
import { DeadlineWatch } from './handler-deadline.js';

const { shared, descriptor, intervalMs, socketDirectory } = workerData as {
  readonly shared: Float64Array;
  readonly descriptor: number;
  readonly intervalMs: number;
  readonly socketDirectory: string | undefined;
}; // Given by watchLifeline.

const socket = new Socket({ fd: descriptor, readable: true, writable: false });
socket.on('error', parentGone);
socket.on('end', parentGone);
socket.on('close', parentGone);
socket.resume();
const watch = new DeadlineWatch(shared, intervalMs);
setInterval(checkDeadline, intervalMs);

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
