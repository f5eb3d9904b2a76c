/**
 * The replay of traces itself: that it notices every outcome that is not the recorded one, refuses what is not in the format,
 * and says so as a program.
 *
 * Mutations that make this fail, each tried: outcomes are compared as multisets in ordered sets too; a page's length is not
 * compared; a refusal passes where a value was recorded; transfers are not compared, or not in order; the rows after a refusal
 * are not looked at; an argument that nobody reads is passed over; a sequence without steps passes; the children after a step of a
 * supervisor are not compared, or not its last log; every class of terms has a range of its own only.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Table } from '@heirloom/tables';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstDifference, replayInMemory } from './conformance/ets-replay.js';
import { readEtsSequence } from './conformance/ets-trace.js';
import type { EtsSequence, TraceCondition } from './conformance/ets-trace.js';
import { replayOwnership } from './conformance/ownership-replay.js';
import { readOwnershipSequence } from './conformance/ownership-trace.js';
import type { OwnershipSequence } from './conformance/ownership-trace.js';
import { replaySupervisorThroughRuntime } from './conformance/supervisor-runtime-replay.js';
import { replaySupervisor } from './conformance/supervisor-replay.js';
import { readSupervisorScenario } from './conformance/supervisor-trace.js';
import type { SupervisorOutcome, SupervisorScenario } from './conformance/supervisor-trace.js';
import { replayThroughRuntime } from './conformance/runtime-replay.js';
import { whereOf } from './conformance/term-order.js';
import { TraceFormatError } from './conformance/trace-format-error.js';
import { readTraceLines } from './conformance/trace-lines.js';
import { traceTable } from './conformance/trace-row.js';
import type { TraceKey, TraceRow, TraceScalar } from './conformance/trace-row.js';
import { corrupted } from './support/corruption.js';
import { testDirectory } from './support/directory.js';
import type { TestDirectory } from './support/directory.js';
import { runSeed, SeededRandom } from './support/random.js';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const ETS = path('./traces/ets.jsonl.gz');
const OWNERSHIP = path('./traces/ownership.jsonl.gz');
const SUPERVISOR = path('./traces/supervisor.jsonl.gz');
const PROGRAM = path('./dist/conformance/program.js');
const CHILD_MODULE = new URL('./dist/conformance/traced-child.worker.js', import.meta.url);
const WORKER_MODULE = new URL('./dist/conformance/trace.worker.js', import.meta.url);
/** Every step of these is corrupted, one at a time. */
const CORRUPTED_SEQUENCES = 16;
const seed = runSeed();

let directory: TestDirectory;
beforeAll(async () => {
  directory = await testDirectory();
});
afterAll(() => directory[Symbol.asyncDispose]());

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const file = join(directory.path, name);
  await writeFile(file, content);
  return file;
}

async function text(trace: string): Promise<string[]> {
  const lines = gunzipSync(await readFile(trace))
    .toString('utf8')
    .split('\n');
  return lines.filter((line) => line !== '');
}

/** The sequence with another result at one step. */
function withResult<S extends EtsSequence | OwnershipSequence>(sequence: S, index: number, isError: boolean): S {
  const steps = sequence.steps.map((step, at) => {
    if (at !== index) return step;
    const { result } = step;
    if (isError || result.kind === 'error') return { ...step, result: otherKind(result.kind) };
    return { ...step, result: { kind: 'ok' as const, value: corrupted(result.value) } };
  });
  return { ...sequence, steps };
}

function otherKind(
  kind: 'ok' | 'error',
): { readonly kind: 'error' } | { readonly kind: 'ok'; readonly value: unknown } {
  return kind === 'ok' ? { kind: 'error' } : { kind: 'ok', value: true };
}

describe('a replay notices at its step', () => {
  it('every result of ETS that is not the recorded one, and every refusal and value that should be the other', async () => {
    const sequences = (await readTraceLines(ETS)).slice(0, CORRUPTED_SEQUENCES).map(readEtsSequence);
    for (const sequence of sequences) {
      for (const index of sequence.steps.keys()) {
        for (const isError of [false, true]) {
          const [verdict] = await replayInMemory([withResult(sequence, index, isError)]);
          expect(verdict).toMatchObject({ id: sequence.id, difference: { step: index + 1 } });
        }
      }
    }
  });

  it('every result and every announcement of ownership that is not the recorded one', async () => {
    const all = (await readTraceLines(OWNERSHIP)).map(readOwnershipSequence);
    const sequences = all.filter(
      ({ steps }, index) => index < CORRUPTED_SEQUENCES || steps.some(({ transfers }) => transfers.length > 1),
    );
    for (const sequence of sequences) {
      for (const [index, step] of sequence.steps.entries()) {
        const corruptions = [withResult(sequence, index, false), withResult(sequence, index, true)];
        corruptions.push(...otherTransfers(step.transfers).map((others) => withTransfers(sequence, index, others)));
        for (const corruption of corruptions) {
          const [verdict] = await replayOwnership([corruption]);
          expect(verdict).toMatchObject({ id: sequence.id, difference: { step: index + 1 } });
        }
      }
    }
  });

  it('every log, child and answer of a supervisor that is not the recorded one, at the start and the end too', async () => {
    const scenarios = (await readTraceLines(SUPERVISOR)).slice(0, CORRUPTED_SEQUENCES).map(readSupervisorScenario);
    const differing = async (scenario: SupervisorScenario): Promise<number | undefined> => {
      const [verdict] = await replaySupervisor([scenario]);
      return verdict?.difference?.step;
    };
    for (const scenario of scenarios) {
      const last = scenario.steps.length + 1;
      const startLog = scenario.startLog.slice(1);
      const shutdownLog = [...(scenario.shutdownLog ?? []), ['terminate', 'c1'] as const];
      expect(await differing({ ...scenario, startLog })).toBe(0);
      expect(await differing({ ...scenario, shutdownLog })).toBe(last);
      for (const [index, step] of scenario.steps.entries()) {
        for (const outcome of otherOutcomes(step.outcome)) {
          const steps = scenario.steps.with(index, { ...step, outcome });
          expect(await differing({ ...scenario, steps })).toBe(index + 1);
        }
      }
    }
  });

  it('a start, an order, an answer, a death and an end that were not the recorded ones, through real processes', async () => {
    const scenarios = (await readTraceLines(SUPERVISOR)).map(readSupervisorScenario);
    const short = scenarios.find(({ shutdownLog, steps }) => (shutdownLog?.length ?? 0) > 1 && steps.length < 4);
    const answered = scenarios.find(({ steps }) => steps[0]?.outcome.ok !== undefined);
    const dying = scenarios.find(({ steps }) => steps[0]?.outcome.supervisor === 'dead');
    if (short === undefined || answered === undefined || dying === undefined)
      throw new Error('there are such scenarios');
    const withFirst = (scenario: SupervisorScenario, change: Partial<SupervisorOutcome>): SupervisorScenario => {
      const steps = scenario.steps.slice(0, 1).map((step) => ({ ...step, outcome: { ...step.outcome, ...change } }));
      return { ...scenario, steps };
    };
    const { ok } = answered.steps[0]?.outcome ?? {};
    const log = dying.steps[0]?.outcome.log ?? [];
    const verdicts = await replaySupervisorThroughRuntime(
      [
        short,
        { ...short, startLog: short.startLog.toReversed() },
        { ...short, shutdownLog: short.shutdownLog?.toReversed() },
        withFirst(answered, { ok: ok !== true }),
        withFirst(dying, { log: [...log, ['start', 'c1']] }),
        withFirst(dying, { supervisor: 'alive', children: [] }),
      ],
      { workerModule: CHILD_MODULE },
    );
    const last = short.steps.length + 1;
    expect(verdicts.map(({ difference }) => difference?.step)).toEqual([undefined, 0, last, 1, 1, 1]);
  });

  it('the order of rows where there is one, the lengths of pages, and no order where there is none', async () => {
    const step = (op: object, result: unknown): object => ({ ...op, result: { ok: result } });
    const rows = [
      [1, 0, 'x'],
      [2, 0, 'y'],
    ];
    const replayed = async (type: string, op: object, result: unknown): Promise<boolean> => {
      const ops = [step({ op: 'insert_many', rows }, true), step(op, result)];
      const [verdict] = await replayInMemory([readEtsSequence({ place: 'here', value: { id: 1, type, ops } })]);
      return verdict?.difference === undefined;
    };
    await expect(replayed('ordered_set', { op: 'to_list' }, rows)).resolves.toBe(true);
    await expect(replayed('ordered_set', { op: 'to_list' }, rows.toReversed())).resolves.toBe(false);
    await expect(replayed('set', { op: 'to_list' }, rows.toReversed())).resolves.toBe(true);
    await expect(replayed('bag', { op: 'select', where: {} }, rows.toReversed())).resolves.toBe(true);
    await expect(replayed('set', { op: 'to_list' }, [rows[0], rows[0]])).resolves.toBe(false);
    const pages = { op: 'select_pages', where: {}, limit: 1 };
    await expect(replayed('ordered_set', pages, [[rows[0]], [rows[1]]])).resolves.toBe(true);
    await expect(replayed('ordered_set', pages, [rows])).resolves.toBe(false);
    await expect(replayed('set', pages, [[rows[1]], [rows[0]]])).resolves.toBe(true);
    await expect(replayed('set', pages, [rows])).resolves.toBe(false);
  });

  it('a refusal after which the rows are not the same', async () => {
    const ops = [{ op: 'lookup_element', key: 1, field: 'a', result: { error: true } }];
    const sequence = readEtsSequence({ place: 'here', value: { id: 1, type: 'set', ops } });
    const table = new Table(traceTable('set'));
    const runner = {
      run: async () => {
        table.insert([1, 1, 1]);
        return table.lookupElement(2, 0);
      },
      rows: async () => table.tab2list(),
    };
    const difference = await firstDifference(sequence, runner);
    expect(difference).toMatchObject({ step: 1, got: expect.stringContaining('became [[1,1,1]]') as string });
  });

  it('a result through a runtime that is not the recorded one', async () => {
    const sequences = (await readTraceLines(ETS)).slice(0, 4).map(readEtsSequence);
    const [first, ...others] = sequences.map((sequence) => withResult(sequence, 59, false));
    const options = { seed, kills: 1, workerModule: WORKER_MODULE };
    const verdicts = await replayThroughRuntime(
      [first, others[0], sequences[3]].flatMap((one) => one ?? []),
      options,
    );
    expect(
      verdicts.map(({ difference }) => difference?.step),
      `seed ${seed}`,
    ).toEqual([60, 60, undefined]);
  });
});

/** What did not happen: one more or less in the log, another order, another child, another answer, a death. */
function otherOutcomes(outcome: SupervisorOutcome): SupervisorOutcome[] {
  const { log, ok, children = [] } = outcome;
  const others: SupervisorOutcome[] = [{ ...outcome, log: [...log, ['start', 'c1']] }];
  if (log.length > 0) others.push({ ...outcome, log: log.slice(1) });
  if (log.length > 1) others.push({ ...outcome, log: log.toReversed() });
  if (ok !== undefined) others.push({ ...outcome, ok: !ok });
  if (outcome.supervisor === 'dead') return [...others, { ...outcome, supervisor: 'alive', children }];
  const fewer = children.slice(1);
  const flipped = children.map(({ id, alive }) => ({ id, alive: !alive }));
  if (children.length > 0) others.push({ ...outcome, children: fewer }, { ...outcome, children: flipped });
  return [...others, { log, supervisor: 'dead', ...(ok === undefined ? {} : { ok }) }];
}

type Transfers = OwnershipSequence['steps'][number]['transfers'];

/** Announcements that were not made: one more, one less, another owner, another order. */
function otherTransfers(transfers: Transfers): Transfers[] {
  const more = [...transfers, { to: 'p1', table: 't1', from: 'p2', data: 'gift' }];
  if (transfers.length === 0) return [more];
  const elsewhere = transfers.map((transfer) => ({ ...transfer, to: 'p99' }));
  const others = [more, transfers.slice(1), elsewhere];
  return transfers.length === 1 ? others : [...others, transfers.toReversed()];
}

function withTransfers(sequence: OwnershipSequence, index: number, transfers: Transfers): OwnershipSequence {
  return { ...sequence, steps: sequence.steps.map((step, at) => (at === index ? { ...step, transfers } : step)) };
}

describe('conditions in term order', () => {
  const KEYS: readonly TraceKey[] = [
    -1,
    0.5,
    2,
    1e10,
    '',
    '10',
    'B',
    '\u00e9',
    '\uff21',
    '\u{1f600}',
    ['', 0],
    ['a', 1],
    ['a', 2],
  ];
  const SCALARS: readonly TraceScalar[] = [-3, 0, 7, false, true, null, '', 'x', '\u{1f600}'];
  const OPERATORS = ['eq', 'lt', 'gte', 'lte'] as const;

  it(`select what a comparison of terms selects, seed ${seed}`, () => {
    const random = new SeededRandom(seed);
    for (const type of ['ordered_set', 'set', 'duplicate_bag'] as const) {
      const table = new Table(traceTable(type));
      const rows = KEYS.map((key): TraceRow => [key, random.integer(-2, 2), random.pick(SCALARS)]);
      table.insertMany(rows);
      for (let count = 0; count < 500; count++) {
        const field = random.pick(['key', 'a', 'b'] as const);
        const operand = (): TraceKey | TraceScalar =>
          random.pick<TraceKey | TraceScalar>(field === 'key' ? KEYS : field === 'a' ? [-1, 0, 1] : SCALARS);
        const operators = OPERATORS.filter(() => random.next() < 0.4).map((name) => [name, operand()]);
        if (operators.length === 0) continue;
        // The names are those of operators.
        const condition = { field, ...Object.fromEntries(operators) } as TraceCondition;
        const expected = rows.filter((row) => holds(row, condition));
        const message = `seed ${seed}, ${JSON.stringify(condition)}`;
        const selected = table.select({ where: whereOf(condition) });
        expect(sorted(selected), message).toEqual(sorted(expected));
      }
    }
  });

  function sorted(rows: readonly (readonly unknown[])[]): string[] {
    return rows.map((row) => JSON.stringify(row)).sort();
  }

  function holds(row: TraceRow, { field, eq, lt, gte, lte }: TraceCondition): boolean {
    const value = row[['key', 'a', 'b'].indexOf(field)] ?? null;
    return (
      (eq === undefined || compareTerms(value, eq) === 0) &&
      (lt === undefined || compareTerms(value, lt) < 0) &&
      (gte === undefined || compareTerms(value, gte) >= 0) &&
      (lte === undefined || compareTerms(value, lte) <= 0)
    );
  }

  /** Erlang's order of terms: number < atom < tuple < binary. */
  function compareTerms(a: TraceKey | TraceScalar, b: TraceKey | TraceScalar): number {
    const rank = (term: unknown): number =>
      typeof term === 'number' ? 0 : Array.isArray(term) ? 2 : typeof term === 'string' ? 3 : 1;
    if (rank(a) !== rank(b)) return rank(a) - rank(b);
    if (Array.isArray(a) && Array.isArray(b))
      return compareTerms(String(a[0]), String(b[0])) || Number(a[1]) - Number(b[1]);
    if (typeof a === 'number') return a - Number(b);
    return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
  }
});

describe('a trace that is not in the format is refused with its place', () => {
  const sequence = (step: object, more: object = {}): object => ({ id: 1, type: 'set', ops: [step], ...more });
  const size = { op: 'size', result: { ok: 0 } };
  it.each<[string, unknown, RegExp]>([
    ['no object', [1], /expected an object/],
    ['a type that there is not', sequence(size, { type: 'tree' }), /'type' is "tree"; expected one of set/],
    ['no id', { type: 'set', ops: [] }, /'id' is missing/],
    ['a field that nobody knows', sequence(size, { seed: 1 }), /'seed' is unknown/],
    ['no list of operations', sequence(size, { ops: 1 }), /'ops' is 1; expected a list/],
    ['no operation at all', sequence(size, { ops: [] }), /'ops' is \[\]; expected a list of one step or more/],
    ['an operation that there is not', sequence({ op: 'slot', result: { ok: 0 } }), /ops 1: 'op' is "slot"/],
    ['no result', sequence({ op: 'size' }), /'result' is missing/],
    ['an odd result', sequence({ op: 'size', result: { error: false } }), /expected true/],
    ['a missing argument', sequence({ op: 'lookup', result: { ok: [] } }), /'key' is missing/],
    ['an argument too many', sequence({ op: 'size', key: 1, result: { ok: 0 } }), /'key' is unknown/],
    [
      'a key that cannot be',
      sequence({ op: 'lookup', key: [1, 2], result: { ok: [] } }),
      /expected a number, a string or a pair/,
    ],
    ['a short row', sequence({ op: 'insert', row: [1, 2], result: { ok: true } }), /expected a row/],
    ['a fraction for a', sequence({ op: 'insert', row: [1, 0.5, null], result: { ok: true } }), /expected a row/],
    [
      'an unknown operator',
      sequence({ op: 'count', where: { a: { ne: 1 } }, result: { ok: 0 } }),
      /'ne' is unknown|at least one of/,
    ],
    [
      'conditions on two fields',
      sequence({ op: 'count', where: { a: { eq: 1 }, b: { eq: 1 } }, result: { ok: 0 } }),
      /conditions on one field/,
    ],
    ['an unknown field', sequence({ op: 'fold_sum', field: 'c', result: { ok: 0 } }), /one of key, a, b/],
    [
      'a patch of what is not there',
      sequence({ op: 'update_element', key: 1, set: { c: 1 }, result: { ok: false } }),
      /'c' is unknown/,
    ],
  ])('%s', (_what, value, reason) => {
    const read = (): unknown => readEtsSequence({ place: 'here, line 7', value });
    expect(read).toThrow(TraceFormatError);
    expect(read).toThrow(reason);
    expect(read).toThrow(/^here, line 7/);
  });
});

describe('a scenario of a supervisor is refused when it has', () => {
  const event = { do: 'exit', id: 'a', reason: 'crash', log: [], supervisor: 'alive', children: [] };
  const scenario = {
    id: 1,
    strategy: 'one_for_all',
    max_restarts: 1,
    auto_shutdown: 'never',
    children: [{ id: 'a', restart: 'permanent', significant: false }],
    start_log: [['start', 'a']],
    events: [event],
    shutdown: null,
  };
  const child = { id: 'a', restart: 'permanent', significant: false };

  it('nothing wrong: it is not', () => {
    expect(readSupervisorScenario({ place: 'here', value: scenario }).steps).toHaveLength(1);
  });

  it.each<[string, object, RegExp]>([
    ['an unknown strategy', { strategy: 'simple_one_for_one' }, /'strategy'/],
    ['an unknown auto-shutdown', { auto_shutdown: 'sometimes' }, /'auto_shutdown'/],
    ['a negative maximum', { max_restarts: -1 }, /not negative/],
    ['an unknown field', { period: 5 }, /'period' is unknown/],
    ['no end', { shutdown: undefined }, /shutdown: expected an object/],
    ['an unknown restart type', { children: [{ ...child, restart: 'always' }] }, /'restart'/],
    ['two children of one id', { children: [child, child] }, /ids that are different/],
    ['a significant child that nobody heeds', { children: [{ ...child, significant: true }] }, /'auto_shutdown' is/],
    [
      'a significant child that never ends',
      { auto_shutdown: 'any_significant', children: [{ ...child, significant: true }] },
      /permanent and significant/,
    ],
    ['an unknown field of a child', { children: [{ ...child, shutdown: 5 }] }, /'shutdown' is unknown/],
    ['an unknown step', { events: [{ ...event, do: 'start_child' }] }, /'do' is/],
    ['an unknown reason', { events: [{ ...event, reason: 'boredom' }] }, /'reason' is/],
    ['an answer of nobody', { events: [{ ...event, ok: true }] }, /'ok' is unknown/],
    ['no answer', { events: [{ ...event, do: 'delete_child', reason: undefined }] }, /'ok' is missing/],
    ['children of the dead', { events: [{ ...event, supervisor: 'dead' }] }, /'children' is unknown/],
    ['an unknown entry of a log', { start_log: [['stop', 'a']] }, /'0' is/],
    ['an entry that is too long', { start_log: [['start', 'a', 'b']] }, /'2' is unknown/],
    ['an entry that is no list', { start_log: ['start'] }, /'0' is|'1' is missing/],
  ])('%s', (_what, change, reason) => {
    const value = { ...scenario, ...change };
    const read = (): unknown => readSupervisorScenario({ place: 'here, line 7', value });
    expect(read).toThrow(TraceFormatError);
    expect(read).toThrow(reason);
    expect(read).toThrow(/^here, line 7/);
  });
});

describe('the program', () => {
  const run = (
    ...programArguments: readonly string[]
  ): Promise<{ code: number | null; lines: string[]; stderr: string }> =>
    new Promise((resolve) => {
      const child = execFile(process.execPath, [PROGRAM, ...programArguments], (_error, stdout, stderr) =>
        resolve({ code: child.exitCode, lines: stdout.trimEnd().split('\n'), stderr }),
      );
    });

  it('ends with a line that counts, and with 0 when all passed', async () => {
    expect(await run('ets', ETS)).toEqual({ code: 0, lines: ['400 passed, 0 failed'], stderr: '' });
    expect(await run('supervisor', SUPERVISOR)).toMatchObject({ code: 0, lines: ['300 passed, 0 failed'] });
    expect(await run('ownership', OWNERSHIP, '--only', '7')).toEqual({
      code: 0,
      lines: ['1 passed, 0 failed'],
      stderr: '',
    });
  });

  it('says the first difference of what failed, and ends with 1', async () => {
    const lines = (await text(ETS)).slice(0, 3);
    const damaged = lines.map((line, index) =>
      index === 1 ? line.replace('"result":{"ok":8}', '"result":{"ok":9}') : line,
    );
    expect(damaged).not.toEqual(lines);
    const { code, lines: output } = await run('ets', await file('damaged.jsonl', damaged.join('\n')));
    expect(output).toEqual([
      'sequence 2, step 5: {"op":"size"}',
      '  expected {"ok":9}',
      '  got      {"ok":8}',
      '2 passed, 1 failed',
    ]);
    expect(code).toBe(1);
  });

  it.each<[string, () => Promise<readonly string[]>, RegExp]>([
    ['a file that is not there', async () => ['ets', join(directory.path, 'none.jsonl')], /cannot be read: ENOENT/],
    ['an empty file', async () => ['ets', await file('empty.jsonl', '\n')], /no trace in it/],
    [
      'a line that is cut off',
      async () => ['ets', await file('cut.jsonl', ((await text(ETS))[0] ?? '').slice(0, -9))],
      /line 1: is no JSON/,
    ],
    ['a damaged archive', async () => ['ets', await file('cut.gz', gzipSync('{}').subarray(0, 12))], /cannot be read/],
    ['binary data', async () => ['ets', await file('noise.jsonl', Buffer.alloc(64, 0xff))], /cannot be read/],
    ['text', async () => ['ownership', await file('text.jsonl', 'no trace\n')], /line 1: is no JSON/],
    [
      'a sequence without steps',
      async () => ['ownership', await file('none.jsonl', '{"id":1,"ops":[]}')],
      /'ops' is \[\]/,
    ],
    [
      'traces of another kind',
      async () => ['ets', OWNERSHIP],
      /line 1: 'type' is missing|line 1: the field 'type' is missing/,
    ],
    ['an unknown kind', async () => ['dets', ETS], /no kind of traces named 'dets'/],
    ['no file', async () => ['ets'], /Give a kind and a file/],
    ['an unknown option', async () => ['ets', ETS, '--fast'], /--fast/],
    ['an unknown id', async () => ['ets', ETS, '--only', 'x'], /There is no sequence x/],
    ['a wrong number', async () => ['ets', ETS, '--through', 'runtime', '--kills', 'many'], /--kills is 'many'/],
    ['kills without workers', async () => ['ets', ETS, '--kills', '1'], /--kills needs --through runtime/],
    [
      'a way that a kind does not have',
      async () => ['ownership', OWNERSHIP, '--through', 'runtime'],
      /go through memory, .*leave --through out/,
    ],
  ])('refuses %s, and ends with 2', async (_what, programArguments, reason) => {
    const { code, lines, stderr } = await run(...(await programArguments()));
    expect(stderr).toMatch(reason);
    expect({ code, lines }).toEqual({ code: 2, lines: [''] });
  });
});
