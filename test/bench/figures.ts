/**
 * The figures of the runtime, measured in one run on one machine: `npm run bench [-- suite …] [--json]`.
 *
 *   disk       one write of 4 KiB and fdatasync, to compare with
 *   recovery   from SIGKILL to the first answered call, with 1,000 and 1,000,000 rows, warm standby
 *   rows       durable rows per second from one worker and from two, in calls of 100 rows
 *   latency    one durable call at a time
 *   calls      durable calls per second with 1,000 in flight, one row each
 *   memory     of an idle runtime with one worker, by process
 */
import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import type { Runtime, WorkerHandle, WorkerReference } from 'heirloom';
import { startRuntime, supervisor, worker } from 'heirloom';
import type benchWorker from './bench.worker.js';

type Handle = WorkerHandle<typeof benchWorker>;
type Figures = Record<string, number | Record<string, number>>;

const ROWS_PER_CALL = 100;
const IN_FLIGHT = 1_000;
/** On the disk that holds this checkout: a temporary directory may be in memory. */
const parent = new URL('../', import.meta.url).pathname;

function reference(name: string): WorkerReference<typeof benchWorker> {
  return worker<typeof benchWorker>(name, new URL('./bench.worker.js', import.meta.url));
}

async function withRuntime<T>(
  names: readonly string[],
  run: (handles: Handle[], runtime: Runtime) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(parent, 'bench-'));
  const references = names.map(reference);
  try {
    await using runtime = await startRuntime({
      directory,
      root: supervisor({ strategy: 'one_for_one', intensity: 10_000, periodMs: 60_000 }, references),
    });
    return await run(
      references.map((one) => runtime.worker(one).with({ timeoutMs: 600_000 })),
      runtime,
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function only<T>(items: readonly T[]): T {
  const [first] = items;
  if (first === undefined) throw new Error('There is none.');
  return first;
}

function percentiles(samples: readonly number[]): Record<string, number> {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (part: number): number =>
    rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1), samples: sorted.length };
}

function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 1_000) / 1_000;
}

/** Fills a worker's table, in calls of a thousand rows. */
async function fill(handle: Handle, rows: number): Promise<void> {
  const calls: Promise<void>[] = [];
  for (let first = 0; first < rows; first += 1_000) {
    calls.push(handle.call.putMany(first, Math.min(1_000, rows - first)));
    if (calls.length === 50) await Promise.all(calls.splice(0));
  }
  await Promise.all(calls);
}

function disk(): Figures {
  const path = join(parent, `bench-disk-${process.pid}`);
  const descriptor = openSync(path, 'w');
  const page = Buffer.alloc(4_096);
  const samples: number[] = [];
  try {
    for (let i = 0; i < 500; i++) {
      const start = performance.now();
      writeSync(descriptor, page);
      fdatasyncSync(descriptor);
      samples.push(performance.now() - start);
    }
  } finally {
    closeSync(descriptor);
    execFileSync('rm', [path]);
  }
  return { 'write of 4 KiB and fdatasync, ms': percentiles(samples) };
}

async function recovery(): Promise<Figures> {
  const figures: Figures = {};
  for (const [rows, kills] of [
    [1_000, 30],
    [1_000_000, 15],
  ] as const) {
    figures[`SIGKILL to the first answered call, ${rows.toLocaleString('en')} rows, ms`] = await withRuntime(
      ['bench'],
      async (handles) => {
        const handle = only(handles);
        await fill(handle, rows);
        const samples: number[] = [];
        for (let kill = 0; kill < kills; kill++) {
          // The standby of the last kill is there and has settled.
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          const id = Math.floor((rows * (kill + 0.5)) / kills);
          const start = performance.now();
          process.kill(handle.pid ?? Number.NaN, 'SIGKILL');
          const amount = await handle.call.get(id);
          samples.push(performance.now() - start);
          if (amount !== id * 2) throw new Error(`row ${id} has ${amount}`);
        }
        return percentiles(samples);
      },
    );
  }
  return figures;
}

async function rows(): Promise<Figures> {
  const figures: Figures = {};
  for (const names of [['one'], ['one', 'two']]) {
    figures[
      `durable rows a second, ${names.length} worker${names.length === 1 ? '' : 's'}, ${ROWS_PER_CALL} rows a call`
    ] = await withRuntime(names, async (handles) => {
      const perWorker = 1_000_000 / handles.length;
      await Promise.all(handles.map((handle) => fill(handle, 20_000)));
      const start = performance.now();
      await Promise.all(
        handles.map((handle) =>
          inFlight(perWorker / ROWS_PER_CALL, 200, (index) =>
            handle.call.putMany(20_000 + index * ROWS_PER_CALL, ROWS_PER_CALL),
          ),
        ),
      );
      return Math.round(1_000_000 / ((performance.now() - start) / 1_000));
    });
  }
  return figures;
}

async function latency(): Promise<Figures> {
  return withRuntime(['bench'], async (handles) => {
    const handle = only(handles);
    const samples: number[] = [];
    for (let id = 0; id < 2_500; id++) {
      const start = performance.now();
      await handle.call.put(id);
      if (id >= 500) samples.push(performance.now() - start);
    }
    return { 'a durable call, one at a time, ms': percentiles(samples) };
  });
}

async function calls(): Promise<Figures> {
  return withRuntime(['bench'], async (handles) => {
    const handle = only(handles);
    const count = 400_000;
    await inFlight(100_000, IN_FLIGHT, (index) => handle.call.put(index));
    const start = performance.now();
    await inFlight(count, IN_FLIGHT, (index) => handle.call.put(100_000 + index));
    const durable = Math.round(count / ((performance.now() - start) / 1_000));
    const startReads = performance.now();
    await inFlight(count, IN_FLIGHT, (index) => handle.call.get(index));
    const reads = Math.round(count / ((performance.now() - startReads) / 1_000));
    return {
      [`durable calls a second, ${IN_FLIGHT} in flight`]: durable,
      [`reading calls a second, ${IN_FLIGHT} in flight`]: reads,
    };
  });
}

/** Makes `count` calls with at most `width` unanswered. */
async function inFlight(count: number, width: number, make: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < count) await make(next++);
  };
  await Promise.all(Array.from({ length: width }, client));
}

async function memory(): Promise<Figures> {
  return withRuntime(['bench'], async (handles, runtime) => {
    await only(handles).call.put(1);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const table = execFileSync('ps', ['-eo', 'pid=,ppid=,rss=,args='], { encoding: 'utf8' });
    const resident: Record<string, number> = { 'embedding process': Math.round(process.memoryUsage.rss() / 2 ** 20) };
    for (const line of table.split('\n')) {
      const [, pid, parentPid, kilobytes, command] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      if (Number(parentPid) !== process.pid || command === undefined || !command.startsWith('heirloom')) continue;
      const name = Number(pid) === runtime.keeper.pid ? `${command} (in charge)` : command;
      resident[name] = Math.round(Number(kilobytes) / 1024);
    }
    return { 'resident memory at rest, MiB': resident };
  });
}

const SUITES: Record<string, () => Figures | Promise<Figures>> = { disk, latency, calls, rows, recovery, memory };

const wanted = process.argv.slice(2).filter((argument) => argument !== '--json');
const unknown = wanted.find((name) => SUITES[name] === undefined);
if (unknown !== undefined)
  throw new Error(`There is no suite ${unknown}; the suites are ${Object.keys(SUITES).join(', ')}.`);
const isJson = process.argv.includes('--json');
const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`;
const results: Figures = {};
if (!isJson) process.stdout.write(`${machine}\n`);
for (const [name, suite] of Object.entries(SUITES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const figures = await suite();
  Object.assign(results, figures);
  if (isJson) continue;
  for (const [what, value] of Object.entries(figures)) {
    const shown =
      typeof value === 'number'
        ? value.toLocaleString('en')
        : Object.entries(value)
            .map(([key, one]) => `${key} ${one}`)
            .join(', ');
    process.stdout.write(`  ${what}: ${shown}\n`);
  }
}
if (isJson) process.stdout.write(`${JSON.stringify({ machine, ...results })}\n`);
