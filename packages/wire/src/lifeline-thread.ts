/**
 * The thread that watches the lifeline. See lifeline.ts for what it promises and for the memory that it shares.
 */
import { rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { workerData } from 'node:worker_threads';

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
setInterval(checkDeadline, intervalMs);
if (heartbeatMs > 0) setInterval(beat, heartbeatMs);

/** The deadline that was last seen, and by how much it is put off because this process did not run. */
let seen = 0;
let putOffMs = 0;
let lastCheck = clock();
/** How often the main thread had turned its event loop at the last sign of life. */
let turns = 0;

function checkDeadline(): void {
  const now = clock();
  const elapsedMs = now - lastCheck;
  const lateMs = elapsedMs - intervalMs;
  lastCheck = now;
  const deadline = shared[0] ?? 0;
  if (deadline !== seen) {
    seen = deadline;
    putOffMs = 0;
  }
  // When this thread did not run, neither did the handler: the process was stopped, or the machine busy.
  if (lateMs > intervalMs) putOffMs += lateMs;
  // Whoever looks at a handler in a debugger has time.
  else if (shared[4] === 1) putOffMs += elapsedMs;
  if (deadline === 0 || now < deadline + putOffMs) return;
  try {
    writeSync(descriptor, `${JSON.stringify({ overrun: shared[1] })}\n`);
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

/** Milliseconds on a clock that is the same in every thread of this process and is never set. */
function clock(): number {
  return performance.timeOrigin + performance.now();
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
