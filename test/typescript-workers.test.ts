/**
 * A worker written in TypeScript works as its users run it: built; as it is, where the program runs under tsx; and inside of
 * vitest. It survives SIGKILL there as anywhere (G1, G3), and what cannot be loaded is a typed error that says what to do (G11).
 *
 * Fails when: the .ts beside a missing .js is not looked for; tsx is not resolved from the worker's package or not inherited;
 * the worker's own execArgv is dropped; the program's execArgv is passed on.
 */
import { supervisor, worker, WorkerError } from 'heirloom';
import type { WorkerOptions, WorkerReference } from 'heirloom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type counterWorker from './fixtures/counter-program/counter.worker.js';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { descendants, processes, processesBelow } from './support/processes.js';
import { startTestRuntime } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type { Finished, UserProject } from './support/user-project.js';
import { TSC_PATH, TSX_CLI_PATH, userProject } from './support/user-project.js';

const COMPILER_OPTIONS: readonly string[] =
  '--outDir dist --module nodenext --target es2022 --strict --skipLibCheck --types node --declaration'.split(' ');

function seen({ code, stdout, stderr }: Finished): unknown {
  if (code !== 0) throw new Error(`The program ended with code ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

describe('a program in a project of its own', () => {
  let project: UserProject;
  beforeAll(async () => {
    project = await userProject({ fixture: 'counter-program', packages: ['heirloom', 'tsx', '@types/node'] });
  });
  afterAll(() => project[Symbol.asyncDispose]());

  const outcome = (file: string): unknown => ({
    before: 1,
    after: 2,
    stored: { id: 'a', count: 2 },
    isNewProcess: true,
    file: `${project.path}/${file}`,
  });

  it('runs workers that were built, named by either spelling', async () => {
    const built = await project.node(TSC_PATH, ...COMPILER_OPTIONS, 'program.ts', 'counter.worker.ts');
    expect(built).toMatchObject({ code: 0, stdout: '' });
    for (const extension of ['js', 'ts']) {
      const run = await project.node('dist/program.js', `./counter.worker.${extension}`, `built-${extension}`);
      expect(seen(run)).toEqual(outcome('dist/counter.worker.js'));
    }
  });

  it('runs workers as they are under tsx, named by either spelling', async () => {
    for (const extension of ['js', 'ts']) {
      const run = await project.node(TSX_CLI_PATH, 'program.ts', `./counter.worker.${extension}`, `tsx-${extension}`);
      expect(seen(run)).toEqual(outcome('counter.worker.ts'));
    }
  });

  it('runs workers with the tsx that the program runs under when theirs has none', async () => {
    await using bare = await userProject({ fixture: 'counter-program', packages: ['heirloom'] });
    const run = await bare.node(TSX_CLI_PATH, 'program.ts', './counter.worker.js', 'store');
    expect(seen(run)).toMatchObject({ after: 2, file: `${bare.path}/counter.worker.ts` });
  });
});

interface Started extends TestRuntime {
  readonly reference: WorkerReference<typeof counterWorker>;
}

/** A runtime in this process, which is one of vitest's, with one worker. */
async function startWith(directory: string, module: URL, options: WorkerOptions = {}): Promise<Started> {
  const reference = worker<typeof counterWorker>('counter', module, options);
  const root = supervisor({ strategy: 'one_for_one', intensity: 10 }, [reference]);
  return { reference, ...(await startTestRuntime({ directory, root })) };
}

describe('a program inside of vitest', () => {
  it('finds the .ts of a .js that does not exist, and its next incarnation does too (G1, G3)', async () => {
    await using directory = await testDirectory();
    const module = new URL('./fixtures/counter-program/counter.worker.js', import.meta.url);
    await using started = await startWith(directory.path, module);
    const counter = started.runtime.worker(started.reference);
    expect(await counter.call.increment('a')).toBe(1);
    for (const count of [2, 3]) {
      const killed = counter.pid ?? 0;
      const standby = await until('a standby waits', async () =>
        (await descendants()).find(({ command }) => command.includes('heirloom standby counter')),
      );
      process.kill(killed, 'SIGKILL');
      expect(await counter.call.increment('a')).toBe(count);
      expect(counter.pid).toBe(standby.pid);
    }
    const { file, execArgv } = await counter.call.process();
    expect(file).toBe(new URL('./fixtures/counter-program/counter.worker.ts', import.meta.url).pathname);
    // Nothing of vitest's own: its conditions and preloads are not the worker's.
    expect(execArgv).toEqual(['--import', expect.stringMatching(/tsx.*loader\.mjs$/)]);
  });

  it('leaves no process of a loader behind when a worker is killed or closed (G10)', async () => {
    await using directory = await testDirectory();
    const module = new URL('./fixtures/counter-program/counter.worker.ts', import.meta.url);
    const started = await startWith(directory.path, module);
    const counter = started.runtime.worker(started.reference);
    const all = [...(await processesBelow(counter.pid ?? 0))];
    process.kill(counter.pid ?? 0, 'SIGKILL');
    await counter.call.increment('a');
    all.push(...(await processesBelow(counter.pid ?? 0)));
    await started.runtime.close();
    await until('the processes of the loader are gone', async () => {
      const running = new Set((await processes()).map(({ pid }) => pid));
      return all.every(({ pid }) => !running.has(pid));
    });
  });

  it('gives a worker the options for Node that its reference names, and no others', async () => {
    await using directory = await testDirectory();
    const module = new URL('./fixtures/counter-program/counter.worker.js', import.meta.url);
    await using started = await startWith(directory.path, module, { execArgv: ['--max-old-space-size=64'] });
    const { heapBytesMax, execArgv } = await started.runtime.worker(started.reference).call.process();
    expect(execArgv.at(-1)).toBe('--max-old-space-size=64');
    expect(heapBytesMax).toBeLessThan(200 * 1024 * 1024);
  });
});

describe('a worker that cannot be loaded (G11)', () => {
  const definition =
    "import { defineWorker } from 'heirloom/worker';\nexport default defineWorker({ tables: {}, calls: {} });\n";
  const files: Readonly<Record<string, string>> = {
    'plain.worker.ts': definition,
    'start.js': [
      "import { startRuntime, supervisor, worker } from 'heirloom';",
      "const reference = worker('w', new URL(process.argv[2], import.meta.url));",
      "const root = supervisor({ strategy: 'one_for_one' }, [reference]);",
      "const { name, code, details, message } = await startRuntime({ directory: 'store', root }).catch((error) => error);",
      'console.log(JSON.stringify({ name, code, details, message }));',
    ].join('\n'),
    'throws.worker.js': "throw new RangeError('no such account file');\n",
    'syntax.worker.js': 'export default {{;\n',
    'nothing.worker.js': 'export const worker = 1;\n',
    'plain-object.worker.js': 'export default { tables: {}, calls: {} };\n',
    'missing-import.worker.js': "import './gone.js';\n",
    'malformed.worker.js': definition.replace('calls: {}', 'calls: { add: 1 }'),
  };
  let project: UserProject;
  beforeAll(async () => {
    project = await userProject({ files, packages: ['heirloom'] });
  });
  afterAll(() => project[Symbol.asyncDispose]());

  async function failure(file: string, options: WorkerOptions = {}): Promise<unknown> {
    await using directory = await testDirectory();
    return await startWith(directory.path, project.url(file), options).then(
      () => expect.fail('the runtime started'),
      (error: unknown) => error,
    );
  }

  it('says how TypeScript can be loaded where nothing loads it', async () => {
    // In a process of its own, as what a shell's shims put into NODE_PATH can be resolved in this one.
    const run = await project.node('start.js', './plain.worker.js');
    expect(seen(run)).toEqual({
      name: 'WorkerReferenceError',
      code: 'ERR_WORKER_TYPESCRIPT',
      details: { worker: 'w', file: `${project.path}/plain.worker.ts` },
      message: expect.stringMatching(/Install tsx .*build the worker.*strips types.*execArgv/s),
    });
  });

  it('names every path that it looked for', async () => {
    expect(await failure('gone.worker.js')).toMatchObject({
      code: 'ERR_WORKER_NOT_FOUND',
      details: { candidates: ['.js', '.ts', '.tsx'].map((extension) => `${project.path}/gone.worker${extension}`) },
      message: expect.stringContaining(`${project.path}/gone.worker.ts`),
    });
  });

  it.each([
    ['throws.worker.js', 'no such account file'],
    ['syntax.worker.js', 'Unexpected'],
    ['missing-import.worker.js', 'gone.js'],
    ['malformed.worker.js', 'calls.add'],
    ['nothing.worker.js', 'export default defineWorker'],
    ['plain-object.worker.js', 'export default defineWorker'],
  ])('reports why %s does not load', async (file, reason) => {
    const error = await failure(file);
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({ code: 'ERR_WORKER_MODULE', message: expect.stringContaining(reason) });
  });

  it('reports options that Node refuses', async () => {
    const error = await failure('throws.worker.js', { execArgv: ['--no-such-option'] });
    expect(error).toMatchObject({ code: 'ERR_WORKER_START', details: { code: 9 } });
  });
});
