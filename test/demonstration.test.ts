/**
 * The flight board as a user runs it: 72 kills, and every table exactly as the file says (G1, G2, G3); whatever is wrong with its
 * input is told; and a table that is not as the file says is noticed, as is shown with workers that were spoilt.
 *
 * Fails when: a malformed line ends the run or is not counted; the comparison skips a table or a field; an interrupted run
 * leaves processes or its temporary store behind; an exit code is wrong.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { descendants, processes } from './support/processes.js';
import { runSeed } from './support/random.js';
import { runNode, userProject } from './support/user-project.js';
import type { UserProject } from './support/user-project.js';

const EXAMPLES = new URL('../packages/examples/', import.meta.url);
const PROGRAM = fileURLToPath(new URL('dist/flight-board.js', EXAMPLES));
const seed = String(runSeed());

/** The header and the flights of the file that comes with the program. */
let header: string;
let flights: readonly string[];
beforeAll(async () => {
  const records = gunzipSync(await readFile(new URL('data/flights-20k.csv.gz', EXAMPLES))).toString('utf8');
  [header = '', ...flights] = records.trimEnd().split('\n');
});

function csv(...lines: readonly string[]): string {
  return `${[header, ...lines].join('\n')}\n`;
}

/** A run waits for 72 kills and restarts, which takes long where every processor is busy. */
const RUN_TIMEOUT_MS = 110_000;

describe('the flight board', () => {
  it(
    'finds every table right after every kill, and tells of each malformed line',
    async () => {
      await using directory = await testDirectory();
      const input = join(directory.path, 'flights.csv');
      const lines = flights.slice(0, 2_000);
      lines.splice(1_500, 0, '2001/13/01 00:47,DTW,LAS,1750,66');
      lines.splice(700, 0, '2001/01/01 00:47,DTW,LAS,far,66', '', '2001/01/01 00:47,DTW');
      await writeFile(input, csv(...lines));

      const { code, stdout, stderr } = await runNode(directory.path, [
        PROGRAM,
        '--json',
        '--input',
        input,
        '--seed',
        seed,
      ]);
      const context = `seed ${seed}: ${stdout} ${stderr}`;
      expect(code, context).toBe(0);
      const result = JSON.parse(stdout) as Record<string, number>; // The fields that are looked at are numbers but for `tables`.
      expect(result, context).toMatchObject({
        ok: true,
        flights: 2_000,
        skipped: 4,
        calls: 6_000,
        failedCalls: 0,
        lost: 0,
        duplicated: 0,
        mismatches: 0,
        seed: Number(seed),
        tables: [
          { name: 'board.flights', type: 'set', rowsExpected: 2_000, rowsFound: 2_000 },
          { name: 'board.departures', type: 'duplicate_bag', rowsExpected: 2_000, rowsFound: 2_000 },
          { name: 'routes.routes', type: 'ordered_set' },
          { name: 'airports.airports', type: 'set' },
          { name: 'airports.destinations', type: 'bag' },
        ],
      });
      expect(result['kills'], context).toBeGreaterThanOrEqual(60);
      expect(result['keeperKills'], context).toBeGreaterThanOrEqual(5);
      // The header is line 1, so the flight with index 700 is line 702.
      expect(stderr).toMatch(/^line 702 has the distance "far"/m);
      expect(stderr).toMatch(/^line 703 is empty/m);
      expect(stderr).toMatch(/^line 704 has 2 fields instead of 5/m);
      expect(stderr).toMatch(/^line 1505 has the date "2001\/13\/01 00:47"/m);
    },
    RUN_TIMEOUT_MS,
  );

  it.each([
    ['a file that is not there', undefined, [], 1, /gone\.csv.*there is no such file/],
    ['a column that is missing', 'date,origin,destination,delay\n', [], 1, /no column "distance"/],
    ['a file that is empty', '', [], 1, /is empty/],
    ['an option that it does not have', '', ['--kills', '9'], 2, /--kills/],
    ['a seed that is none', '', ['--seed', 'x'], 2, /--seed is "x"/],
  ])('says what is wrong about %s', async (_what, text, options, exitCode, message) => {
    await using directory = await testDirectory();
    const input = join(directory.path, text === undefined ? 'gone.csv' : 'flights.csv');
    if (text !== undefined) await writeFile(input, text);
    const { code, stdout, stderr } = await runNode(directory.path, [PROGRAM, '--json', '--input', input, ...options]);
    expect({ code, stdout, stderr }).toEqual({ code: exitCode, stdout: '', stderr: expect.stringMatching(message) });
  });

  it('leaves nothing behind when it is interrupted (G10)', async () => {
    await using directory = await testDirectory();
    const env = { ...process.env, TMPDIR: directory.path };
    const program = spawn(process.execPath, [PROGRAM], { env, stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void program.kill('SIGKILL'));
    await once(program.stdout, 'data'); // The heading, with everything up.
    const started = await until('workers run', async () => {
      const found = await descendants(program.pid);
      return found.length >= 4 ? found : undefined;
    });
    program.kill('SIGINT');
    const [code] = (await once(program, 'exit')) as [number | null]; // As Node emits it.
    expect(code).toBe(130);
    await until('its processes are gone', async () => {
      const running = new Set((await processes()).map(({ pid }) => pid));
      return started.every(({ pid }) => !running.has(pid));
    });
    expect(await readdir(directory.path)).toEqual([]);
  });
});

describe('a flight board whose workers were spoilt', () => {
  /** The program as it was built, with few kills and one text of one worker replaced. */
  async function spoilt(file: string, from: string, to: string): Promise<UserProject> {
    const project = await userProject({
      files: { 'flights.csv': csv(...flights.slice(0, 100)) },
      packages: ['heirloom'],
    });
    await cp(new URL('dist', EXAMPLES), join(project.path, 'dist'), { recursive: true });
    await replaceIn(join(project.path, 'dist/demonstration.js'), 'WORKER_KILLS = 66', 'WORKER_KILLS = 2');
    await replaceIn(join(project.path, 'dist/demonstration.js'), 'KEEPER_KILLS = 6', 'KEEPER_KILLS = 1');
    await replaceIn(join(project.path, 'dist', file), from, to);
    return project;
  }

  it.each([
    [
      'forgets one flight',
      'board.worker.js',
      'tables.flights.insert(flight)',
      'if (flight.number !== 51) tables.flights.insert(flight)',
      { lost: 1, duplicated: 0, mismatches: 1 },
      'board.flights: [51] is missing.',
    ],
    [
      'enters one departure twice',
      'board.worker.js',
      'tables.departures.insert({ origin',
      'for (const _ of flight.number === 51 ? [1, 2] : [1]) tables.departures.insert({ origin',
      { lost: 0, duplicated: 1, mismatches: 1 },
      /^board\.departures: .* is there once more\.$/,
    ],
    [
      'counts one flight twice',
      'routes.worker.js',
      "'flights', 1, {",
      "'flights', origin === 'HNL' ? 2 : 1, {",
      { lost: 0, duplicated: expect.any(Number), mismatches: expect.any(Number) },
      /^routes\.routes: .*HNL/,
    ],
    [
      'adds up delays wrongly',
      'airports.worker.js',
      "'delay', delay)",
      "'delay', -delay)",
      { lost: 0, duplicated: 0, mismatches: expect.any(Number) },
      /^airports\.airports: .* instead of /,
    ],
  ])('that %s is found out', async (_what, file, from, to, found, problem) => {
    await using project = await spoilt(file, from, to);
    const { code, stdout } = await project.node(
      'dist/flight-board.js',
      '--json',
      '--input',
      'flights.csv',
      '--seed',
      seed,
    );
    const result = JSON.parse(stdout) as Record<string, unknown>; // `--json` prints an object.
    expect({ code, ...result }, `seed ${seed}`).toMatchObject({ code: 1, ok: false, failedCalls: 0, ...found });
    expect(result['mismatches']).toBeGreaterThan(0);
    expect(result['problems']).toContainEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem));
  });
});

async function replaceIn(path: string, from: string, to: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  if (text.split(from).length !== 2) throw new Error(`${path} does not have ${JSON.stringify(from)} once.`);
  await writeFile(path, text.replace(from, to));
}
