/** A worker that logs and prints in every way that user code can. */
import { spawn, spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { defineWorker } from 'heirloom/worker';

console.log('printed while the module loads');

export default defineWorker({
  tables: {},
  handlerTimeoutMs: 60_000,
  init({ log }) {
    log.info('logged in init');
  },
  calls: {
    log({ log }, level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) {
      log[level](message, fields);
    },
    /** What no JSON can write. */
    logHostile({ log }) {
      const circular: Record<string, unknown> = { name: 'circle' };
      circular['itself'] = circular;
      const cause = Object.assign(new RangeError('inner'), { code: 'E_INNER', details: { row: 7n } });
      log.error('hostile fields', {
        circular,
        error: new Error('outer', { cause }),
        big: 12n,
        huge: 'x'.repeat(1_000_000),
        get broken(): never {
          throw new Error('from a getter');
        },
      });
      log.info('m'.repeat(1_000_000));
    },
    /** Bytes, in pieces, each of them a write of its own. */
    async print(_context, stream: 'stdout' | 'stderr', pieces: readonly Uint8Array[]) {
      for (const piece of pieces) await new Promise((resolve) => process[stream].write(piece, resolve));
    },
    console() {
      console.log('to the console: %d', 1);
      console.error('to the error console');
      console.log({ two: 'lines '.repeat(20), of: 'lines '.repeat(20) });
    },
    /** A line that is larger than the pipe, between two of the log. */
    printBetween({ log }, length: number) {
      log.info('before');
      console.log('c'.repeat(length));
      log.info('after');
    },
    /** Prints and logs in turns, then dies without having turned its event loop. */
    burst({ log }, count: number) {
      for (let n = 0; n < count; n++) {
        if (n % 2 === 0) console.log(`line ${n}`);
        else log.info(`line ${n}`);
      }
      process.kill(process.pid, 'SIGKILL');
      for (;;);
    },
    /** Prints more than any pipe takes; gives back how much of it this process had in memory at the end. */
    flood(_context, count: number, bytes: number) {
      const text = 'f'.repeat(bytes);
      for (let n = 0; n < count; n++) process.stdout.write(`${text}\n`);
      return process.stdout.writableLength;
    },
    /** From outside of JavaScript: a child that shares the descriptors, and C++ of Node's own. */
    printNatively() {
      spawnSync('sh', ['-c', 'echo from a child; echo from a child, too >&2'], { stdio: 'inherit' });
      (process as unknown as { _rawDebug(text: string): void })._rawDebug('from C++');
    },
    async printInThread() {
      const thread = new Worker('console.log("from a thread")', { eval: true });
      await new Promise((resolve) => thread.once('exit', resolve));
    },
    /** Leaves a child behind that holds the pipes of this process open until it is told to print and end by a signal. */
    async leaveChild(): Promise<number> {
      const script =
        'process.on("SIGTERM", () => { console.log("from the child, later"); process.exit(); }); setInterval(() => {}, 1000);';
      const child = spawn(process.execPath, ['-e', `${script} console.log("the child is up");`], {
        stdio: ['ignore', 'inherit', 'inherit'],
        detached: true,
      });
      child.unref();
      await new Promise((resolve) => child.once('spawn', resolve));
      return child.pid ?? 0;
    },
    printUnended(_context, text: string) {
      process.stdout.write(text);
      process.kill(process.pid, 'SIGKILL');
      for (;;);
    },
  },
});
