/**
 * Processes that hang are replaced (G9, G11), and none that only works, waits, is debugged, or was not looked at for a while.
 *
 * Mutations that make this fail, each tried: the thread beats although the main thread does not turn; it does not beat while a handler
 * runs, or under a debugger; the monitor counts its own lag; a silent process gets SIGTERM; the heartbeat of a standby or of the
 * keeper is not watched.
 */
import { worker } from 'heirloom';
import type { ExitReport, WorkerOptions, WorkerReference } from 'heirloom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { descendants, isRunning, isStopped } from './support/processes.js';
import { patientRoot, startTestRuntime, WITHOUT_STANDBY, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type hangingWorker from './workers/hanging.worker.js';

/** Long enough for a busy machine; every test takes a little longer than this. */
const HEARTBEAT = { intervalMs: 100, timeoutMs: 3_000 };

const hanging = (name: string, options: WorkerOptions = WITHOUT_STANDBY): WorkerReference<typeof hangingWorker> =>
  worker<typeof hangingWorker>(name, workerModule('hanging'), options);

const frozenRef = hanging('frozen');
const loopingRef = hanging('looping');
const spinningRef = hanging('spinning');
const blockedRef = hanging('blocked');
const waitingRef = hanging('waiting');
const unwatchedRef = hanging('unwatched', { standby: false, heartbeat: false });
const debuggedRef = hanging('debugged', {
  standby: false,
  execArgv: ['--inspect=127.0.0.1:0'],
  env: { HANDLER_TIMEOUT_MS: '1000' },
});
const pausedRef = hanging('paused', { standby: false, execArgv: ['--inspect=127.0.0.1:0'], shutdown: 100 });
const readyRef = hanging('ready', {});

describe('a heartbeat', () => {
  let directory: TestDirectory;
  let test: TestRuntime;
  const reports: ExitReport[] = [];

  beforeAll(async () => {
    directory = await testDirectory();
    test = await startTestRuntime({
      directory: directory.path,
      root: patientRoot(
        frozenRef,
        loopingRef,
        spinningRef,
        blockedRef,
        waitingRef,
        unwatchedRef,
        debuggedRef,
        pausedRef,
        readyRef,
      ),
      keeper: { intensity: 1_000, heartbeat: HEARTBEAT },
      heartbeat: HEARTBEAT,
      limits: { callTriesMax: 1_000 },
    });
    test.runtime.on('exit', (report) => reports.push(report));
  });
  afterAll(async () => {
    // Whatever a failed test has left stopped.
    for (const { pid } of await descendants()) process.kill(pid, 'SIGCONT');
    await test[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  const handle = (reference: WorkerReference<typeof hangingWorker>) =>
    test.runtime.worker(reference).with({ timeoutMs: 60_000 });
  const reportOf = (name: string): Promise<ExitReport> =>
    until(`the end of ${name}`, () => reports.find((report) => report.worker === name));
  const pidOf = (reference: WorkerReference<typeof hangingWorker>): number => handle(reference).pid ?? 0;

  it('is missed of what is stopped or loops outside of handlers, and of nothing else', async () => {
    const [frozen, looping, spinning, debugged] = [frozenRef, loopingRef, spinningRef, debuggedRef].map(handle);
    const [unwatchedPid, debuggedPid] = [pidOf(unwatchedRef), pidOf(debuggedRef)];
    await frozen?.call.increment();
    process.kill(pidOf(frozenRef), 'SIGSTOP');
    process.kill(unwatchedPid, 'SIGSTOP');
    const pausedPid = pidOf(pausedRef);
    // As one that has come to a breakpoint.
    await handle(pausedRef).call.loopLater();
    await Promise.all([looping?.call.loopLater(), spinning?.call.loopInMicrotasksLater()]);
    const unanswered = debugged?.call.block(2 * HEARTBEAT.timeoutMs);
    const blocked = handle(blockedRef).call.block(1.5 * HEARTBEAT.timeoutMs);
    const waited = handle(waitingRef).call.wait(1.5 * HEARTBEAT.timeoutMs);

    // Calls of the meantime are answered by the next life, once each.
    expect(await frozen?.call.increment()).toBe(2);
    expect(await looping?.call.increment()).toBe(1);
    expect(await spinning?.call.increment()).toBe(1);
    for (const name of ['frozen', 'looping', 'spinning']) {
      const silent = { reason: 'heartbeat', phase: 'running', signal: 'SIGKILL', willRestart: true };
      expect(await reportOf(name), name).toMatchObject(silent);
    }
    expect(await blocked).toBe('blocked');
    expect(await waited).toBe('waited');
    expect(await unanswered).toBe('blocked');
    expect(pidOf(debuggedRef)).toBe(debuggedPid);
    expect(pidOf(pausedRef)).toBe(pausedPid);
    expect(await isStopped(unwatchedPid)).toBe(true);
    process.kill(unwatchedPid, 'SIGCONT');
    expect(await handle(unwatchedRef).call.increment()).toBe(1);
    expect(reports.map(({ worker: name }) => name).sort()).toEqual(['frozen', 'looping', 'spinning']);
  });

  it('is not missed by an embedding process that was blocked itself', async () => {
    reports.length = 0;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * HEARTBEAT.timeoutMs);
    // Its timers first, which is when it would kill.
    await new Promise((resolve) => setTimeout(resolve));
    const all = [frozenRef, loopingRef, blockedRef, waitingRef, readyRef].map((reference) =>
      handle(reference).call.increment(),
    );
    await Promise.all(all);
    expect(reports).toEqual([]);
  });

  it('goes on in a process that was stopped and woken in time', async () => {
    const pid = pidOf(frozenRef);
    process.kill(pid, 'SIGSTOP');
    await until('it is stopped', () => isStopped(pid));
    process.kill(pid, 'SIGCONT');
    await handle(frozenRef).call.increment();
    expect(pidOf(frozenRef)).toBe(pid);
  });

  it('is missed of standbys too, which are replaced', async () => {
    const standby = (): Promise<number | undefined> =>
      descendants().then((rows) => rows.find(({ command }) => command.includes('standby ready'))?.pid);
    const first = await until('there is a standby', standby);
    let idle = 0;
    await until('it is loaded and idle', async () => {
      const row = (await descendants()).find(({ pid }) => pid === first);
      idle = row?.state.startsWith('S') === true ? idle + 1 : 0;
      return idle === 5;
    });
    process.kill(first, 'SIGSTOP');
    await until('it is gone', async () => !(await isRunning(first)));
    expect(
      test.log.lines.some(({ message, fields }) => message.includes('no sign of life') && fields['pid'] === first),
    ).toBe(true);
    await until('there is another', async () => (await standby()) !== first && (await standby()));
  });

  it('is missed of the keeper, which is replaced', async () => {
    const pid = test.runtime.keeper.pid ?? 0;
    const crashed = new Promise((resolve) => test.runtime.on('keeper_crash', resolve));
    process.kill(pid, 'SIGSTOP');
    const call = handle(frozenRef).call.increment();
    expect(await crashed).toMatchObject({ pid, signal: 'SIGKILL', wasSilent: true });
    expect(await call).toBeGreaterThan(0);
  });
});

describe('the options of a heartbeat', () => {
  it.each([
    { intervalMs: 5 },
    { timeoutMs: 1_999 },
    { intervalMs: 20_000, timeoutMs: 30_000 },
    { every: 1 },
    true,
    null,
  ])('are refused where they are wrong: %j', (heartbeat) => {
    // As JavaScript would.
    expect(() => hanging('wrong', { heartbeat: heartbeat as never })).toThrow(
      expect.objectContaining({ code: 'ERR_RUNTIME_OPTION' }),
    );
  });
});
