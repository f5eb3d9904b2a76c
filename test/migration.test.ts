/**
 * Stored rows of a lower version are migrated fully, once, and before the first call; or not at all, with a typed error (G1, G3, G11).
 *
 * The mutations that were tried are of the halves: keeper/test/table-migration and worker/test/migration.
 */
import { cp } from 'node:fs/promises';
import { HeirloomError, worker } from 'heirloom';
import type { SelectCursor, WorkerOptions, WorkerReference } from 'heirloom';
import type { Fault } from 'heirloom/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { runSeed, SeededRandom } from './support/random.js';
import { faultsIn, patientRoot, startTestRuntime, WITHOUT_STANDBY, workerModule } from './support/runtime.js';
import type versionedWorker from './workers/versioned.worker.js';
import { ownedMark, secondPerson, thirdPerson } from './workers/versioned.worker.js';
import type { FirstPerson, Mark } from './workers/versioned.worker.js';

/** More than two steps for each table. */
const ROWS = 5_000;
const people: readonly FirstPerson[] = Array.from({ length: ROWS }, (_, id) => ({ id, name: `name ${id % 4_000}` }));
/** Keys with several rows, and rows that are equal. */
const marks: readonly Mark[] = Array.from({ length: ROWS }, (_, index) => ({
  person: index - (index % 3),
  mark: Math.floor(index / 2) % 50,
}));

function reference(form: string, options: WorkerOptions = WITHOUT_STANDBY): WorkerReference<typeof versionedWorker> {
  return worker<typeof versionedWorker>('versioned', workerModule('versioned'), { ...options, env: { FORM: form } });
}

type Faults = Readonly<Record<string, readonly Fault[]>>;

interface Contents {
  readonly people: readonly unknown[];
  readonly marks: readonly unknown[];
  readonly sizes: readonly number[];
  readonly lookups: number;
  readonly deaths: number;
}

/** Starts the program in a form and reads everything that it has; rejects if it does not start. */
async function contents(directory: string, form: string, faults?: Faults): Promise<Contents> {
  const ref = reference(form);
  const keeper = faults === undefined ? WITHOUT_STANDBY : { intensity: 1_000 };
  await using test = await startTestRuntime(
    { directory, root: patientRoot(ref), keeper },
    { faults: faultsIn(faults ?? {}) },
  );
  const { call } = test.runtime.worker(ref);
  return {
    people: sorted(await call.people()),
    marks: sorted(await call.marks()),
    sizes: await call.sizes(),
    lookups: await call.lookups(),
    // A worker that dies in its first start ends the start, so these are the keeper's.
    deaths: test.log.lines.filter(({ message }) => message === 'the keeper is gone').length,
  };
}

/** A store of the first form, which every test gets a copy of. */
let filled: TestDirectory;
beforeAll(async () => {
  filled = await testDirectory();
  const ref = reference('first');
  await using test = await startTestRuntime({ directory: filled.path, root: patientRoot(ref) });
  await test.runtime.worker(ref).call.fill(people, marks);
});
afterAll(() => filled[Symbol.asyncDispose]());

async function filledDirectory(): Promise<TestDirectory> {
  const directory = await testDirectory();
  await cp(filled.path, directory.path, { recursive: true });
  return directory;
}

function sorted(rows: readonly unknown[]): string[] {
  return rows.map((one) => JSON.stringify(one)).sort();
}

function model(peopleOf: readonly unknown[], marksOf: readonly unknown[]): Contents {
  const sizes = [peopleOf.length, marksOf.length];
  return { people: sorted(peopleOf), marks: sorted(marksOf), sizes, lookups: peopleOf.length, deaths: 0 };
}

const firstModel = model(people, marks);
const secondModel = model(
  people.map((person) => secondPerson(person, 1)).filter((person) => person !== undefined),
  marks.map(ownedMark),
);
const thirdModel = model(
  people.map((person) => thirdPerson(person, 1)),
  // A bag keeps one of equal rows.
  [...new Set(sorted(marks.map(ownedMark)))].map((one): unknown => JSON.parse(one)),
);

/** Starts with the faults of each attempt, whose worker or keeper dies of them, until one goes well; gives the number of deaths. */
async function migrateAfterDeaths(directory: string, attempts: readonly Faults[]): Promise<number> {
  let deaths = 0;
  for (const faults of [...attempts, undefined]) {
    try {
      const found = await contents(directory, 'second', faults);
      expect(found, JSON.stringify(attempts)).toEqual({ ...secondModel, deaths: found.deaths });
      return deaths + found.deaths;
    } catch (error) {
      if (!(error instanceof HeirloomError)) throw error;
      deaths++;
    }
  }
  throw new Error(`It did not start without faults either: ${JSON.stringify(attempts)}`);
}

const kill = (point: string, hit: number): Fault => ({ point, hit, action: 'kill' });

describe('rows that were stored with a lower version', () => {
  it('are migrated before the first call, to another key and type too, also over several versions', async () => {
    await using directory = await filledDirectory();
    expect(await contents(directory.path, 'second')).toEqual(secondModel);
    // Once: a second start finds them as they are.
    expect(await contents(directory.path, 'second')).toEqual(secondModel);
    const later = await contents(directory.path, 'third');
    expect(later.people).toHaveLength(ROWS * 0.9);
    expect(later.people[0]).toContain('"from":2');
    expect(later.marks).toEqual(thirdModel.marks);
  });

  it('may skip versions', async () => {
    await using directory = await filledDirectory();
    expect(await contents(directory.path, 'third')).toEqual(thirdModel);
  });

  it('of an empty table need nothing but the new version', async () => {
    await using directory = await testDirectory();
    expect(await contents(directory.path, 'first')).toEqual(model([], []));
    expect(await contents(directory.path, 'second')).toEqual(model([], []));
  });

  it('are refused without a migrate function, and by a program that is older than they (G11)', async () => {
    await using directory = await filledDirectory();
    const details = { worker: 'versioned', table: 'people', field: 'version', stored: 1, declared: 2 };
    await expect(contents(directory.path, 'without')).rejects.toMatchObject({
      code: 'ERR_STORE_TABLE_MISMATCH',
      details,
      message: expect.stringContaining('migrate function'),
    });
    await contents(directory.path, 'second');
    await expect(contents(directory.path, 'first')).rejects.toMatchObject({
      code: 'ERR_STORE_TABLE_MISMATCH',
      details: { ...details, stored: 2, declared: 1 },
      message: expect.stringContaining('newer version'),
    });
    expect(await contents(directory.path, 'second')).toEqual(secondModel);
  });
});

describe('pages over a migration', () => {
  it('begin again: a place in the old form is refused, and never taken for one in the new', async () => {
    await using directory = await filledDirectory();
    const page = async (form: string, after?: SelectCursor): Promise<SelectCursor | undefined> => {
      const ref = reference(form);
      await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(ref) });
      return (await test.runtime.worker(ref).tables.people.selectPage({ limit: 10, after })).after;
    };
    const after = await page('first');
    expect(await page('first', after)).toBeDefined();
    await expect(page('third', after)).rejects.toMatchObject({ name: 'TableError', code: 'ERR_TABLE_CURSOR' });
    expect(await page('third')).toMatchObject({ version: 3, type: 'ordered_set', key: 'code' });
  });
});

describe('a migration that fails', () => {
  let directory: TestDirectory;
  beforeAll(async () => {
    directory = await filledDirectory();
  });
  afterAll(() => directory[Symbol.asyncDispose]());

  const forms: [string, object, string][] = [
    ['throws', { table: 'marks', key: 3_000, fromVersion: 1, version: 2 }, 'no migration for this one'],
    ['collides', { table: 'people', key: 4_000, newKey: 'name 0' }, 'which another row has already'],
    ['asynchronous', { table: 'people', key: 0 }, 'is asynchronous'],
    ['refused', { table: 'people', key: 0 }, 'a row that the table cannot hold'],
    ['no_object', { table: 'people', key: 0 }, 'returned 7'],
  ];
  it.each(forms)('as it %s says which row it was', async (form, details, text) => {
    await expect(contents(directory.path, form)).rejects.toMatchObject({
      code: 'ERR_WORKER_MIGRATION',
      details: expect.objectContaining({ worker: 'versioned', ...details }),
      message: expect.stringContaining(text),
    });
  });

  it('changes nothing for the program of before', async () => {
    expect(await contents(directory.path, 'first')).toEqual(firstModel);
  });

  it('fails again as it did, with the error of the function as its cause, and is run again when it is corrected', async () => {
    const error: unknown = await contents(directory.path, 'throws').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ cause: { code: 'ERR_WORKER_MIGRATION', cause: { name: 'RangeError' } } });
    // Nor is anything left of this attempt, with no program of before between.
    await expect(contents(directory.path, 'collides')).rejects.toMatchObject({
      code: 'ERR_WORKER_MIGRATION',
      details: { table: 'people', newKey: 'name 0' },
    });
    expect(await contents(directory.path, 'second')).toEqual(secondModel);
  });
});

const WORKER_POINTS = [
  'worker.migration:step',
  'worker.migration:made',
  'worker.migration:rows',
  'worker.journal:after',
];
const KEEPER_POINTS = ['keeper.migration:rows', 'keeper.batch:received', 'keeper.commit:before', 'keeper.commit:after'];

describe('killed amid a migration, no row is lost, and none is migrated twice (G1, G3)', () => {
  it.each(WORKER_POINTS)('worker at %s, hits 1, 4 and 2 of one start after the other', async (point) => {
    await using directory = await filledDirectory();
    const attempts = [1, 4, 2].map((hit) => ({ 'versioned 1': [kill(point, hit)] }));
    expect(await migrateAfterDeaths(directory.path, attempts)).toBe(3);
  });

  it.each(KEEPER_POINTS)('keeper at %s, hit 3, and hit 2 of the next', async (point) => {
    await using directory = await filledDirectory();
    const attempts = [{ 'keeper 1': [kill(point, 3)], 'keeper 2': [kill(point, 2)] }];
    expect(await migrateAfterDeaths(directory.path, attempts)).toBe(2);
  });

  it.each([
    ['versioned 1', 'worker.migration:flip'],
    ['keeper 1', 'keeper.migration:begin'],
    ['keeper 1', 'keeper.migration:flip'],
  ])('%s at %s', async (victim, point) => {
    await using directory = await filledDirectory();
    const attempts = [{ [victim]: [kill(point, 1)] }];
    expect(await migrateAfterDeaths(directory.path, attempts)).toBe(1);
  });

  it.each([
    ['versioned 1', 'worker.migration:abandon'],
    ['keeper 1', 'keeper.migration:abandon'],
  ])('%s at %s, while a migration fails', async (victim, point) => {
    await using directory = await filledDirectory();
    await expect(contents(directory.path, 'throws', { [victim]: [kill(point, 1)] })).rejects.toThrow();
    expect(await contents(directory.path, 'first')).toEqual(firstModel);
  });

  it('by a program of a third form, which begins again', async () => {
    await using directory = await filledDirectory();
    await expect(
      contents(directory.path, 'second', { 'versioned 1': [kill('worker.migration:made', 4)] }),
    ).rejects.toThrow();
    expect(await contents(directory.path, 'third')).toEqual(thirdModel);
  });
});

const seed = runSeed();
/** `scripts/soak.mjs` asks for more. */
const ROUNDS = Number(process.env['HEIRLOOM_ROUNDS'] ?? 1);

describe(`random deaths, seed ${seed}`, () => {
  it('leave the rows that the model has', { timeout: ROUNDS * 60_000 }, async () => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < ROUNDS; round++) {
      await using directory = await filledDirectory();
      const attempts = Array.from({ length: random.integer(1, 3) }, () => randomFaults(random));
      await migrateAfterDeaths(directory.path, attempts);
    }
  });
});

function randomFaults(random: SeededRandom): Faults {
  const faults: Record<string, readonly Fault[]> = {};
  if (random.next() < 0.7) {
    faults['versioned 1'] = [kill(random.pick([...WORKER_POINTS, 'worker.migration:flip']), random.integer(1, 6))];
  }
  for (const keeper of ['keeper 1', 'keeper 2']) {
    const point = random.pick([...KEEPER_POINTS, 'keeper.commit:during', 'keeper.migration:flip']);
    if (random.next() < 0.6) faults[keeper] = [kill(point, random.integer(1, 9))];
  }
  return faults;
}
