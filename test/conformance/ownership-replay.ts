/**
 * Replaying a sequence of several processes on `Ownership`, with the rows of each table in memory.
 *
 * Every step must come to what was recorded and announce the recorded new owners in their order; one that is refused must
 * leave everything as it was.
 */
import { isDeepStrictEqual } from 'node:util';
import { Ownership, row, Table, table } from '@heirloom/tables';
import type { TableType } from '@heirloom/tables';
import type {
  OwnershipArguments,
  OwnershipCommand,
  OwnershipOperation,
  OwnershipSequence,
  OwnershipStep,
  PairRow,
  RecordedTransfer,
} from './ownership-trace.js';
import type { Difference, Verdict } from './replay.js';
import { outcomeOf, showResult } from './trace-result.js';

/** The processes that there are at the start of every sequence. */
const FIRST_PROCESSES = ['p1', 'p2', 'p3'];
/** What heirs are told; the data is not in the traces' arguments, only in the announcements. */
const HEIR_DATA = 'inherited';

const pairTable = (type: TableType) => table({ row: row<PairRow>(), key: 0, type });
type PairTable = Table<ReturnType<typeof pairTable>>;
type Run<Operation extends OwnershipOperation> = (by: string, of: OwnershipArguments[Operation]) => unknown;

/** Replays sequences, each with processes and tables of its own. */
export async function replayOwnership(sequences: readonly OwnershipSequence[]): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const sequence of sequences) {
    verdicts.push({ id: sequence.id, difference: await firstDifference(sequence) });
  }
  return verdicts;
}

async function firstDifference({ steps }: OwnershipSequence): Promise<Difference | undefined> {
  const world = new World();
  for (const [index, step] of steps.entries()) {
    const found = await differenceAt(world, step);
    if (found !== undefined) return { step: index + 1, operation: step.shown, ...found };
  }
  return undefined;
}

async function differenceAt(
  world: World,
  step: OwnershipStep,
): Promise<Pick<Difference, 'expected' | 'got'> | undefined> {
  const before = step.result.kind === 'error' ? world.state() : undefined;
  const outcome = await outcomeOf(() => world.run(step.command));
  const announced = world.takeAnnounced();
  const isSame =
    outcome.kind === 'ok' && step.result.kind === 'ok'
      ? isDeepStrictEqual(outcome.value, step.result.value)
      : outcome.kind === step.result.kind;
  if (!isSame || !isDeepStrictEqual(announced, step.transfers)) {
    const shown = (result: string, transfers: readonly RecordedTransfer[]): string =>
      `${result}, transfers ${JSON.stringify(transfers)}`;
    return {
      expected: shown(showResult(step.result), step.transfers),
      got: shown(showResult(outcome), announced),
    };
  }
  if (before === undefined || isDeepStrictEqual(world.state(), before)) return undefined;
  const [was, is] = [JSON.stringify(before), JSON.stringify(world.state())];
  return { expected: showResult(step.result), got: `${showResult(outcome)}, but ${was} became ${is}` };
}

/** Processes, who owns what, and the rows of the tables. */
class World {
  readonly #ownership = new Ownership();
  readonly #rows = new Map<string, PairTable>();
  #announced: RecordedTransfer[] = [];

  constructor() {
    for (const process of FIRST_PROCESSES) this.#ownership.spawn(process);
  }

  run({ op, by, arguments: of }: OwnershipCommand): unknown {
    // The command pairs the operation with its own arguments.
    const run = this.#commands[op] as Run<OwnershipOperation>;
    return run(by, of);
  }

  /** The new owners that were announced since this was last asked. */
  takeAnnounced(): readonly RecordedTransfer[] {
    const announced = this.#announced;
    this.#announced = [];
    return announced;
  }

  /** Everything that a refused step must leave as it was. */
  state(): unknown {
    const tables = this.#ownership.all();
    return tables.map((name) => [name, this.#ownership.info(name), this.#rows.get(name)?.tab2list()]);
  }

  readonly #commands: { readonly [Operation in OwnershipOperation]: Run<Operation> } = {
    new: (by, of) => {
      const isCreated = this.#ownership.create(by, { ...of, heirData: HEIR_DATA });
      this.#rows.set(of.table, new Table(pairTable(of.type)));
      return isCreated;
    },
    insert: (by, { table: name, row: pair }) => {
      this.#ownership.checkWrite(by, name);
      this.#rowsOf(name).insert(pair);
      return true;
    },
    lookup: (by, { table: name, key }) => {
      const found = this.#readable(by, name).lookup(key) as PairRow | readonly PairRow[] | undefined; // By its type.
      if (this.#isBag(name)) return found;
      return found === undefined ? [] : [found];
    },
    member: (by, { table: name, key }) => this.#readable(by, name).member(key),
    count: (by, { table: name }) => this.#readable(by, name).size,
    give_away: (by, { table: name, to, data }) => {
      this.#announce([this.#ownership.giveAway(by, name, to, data)]);
      return true;
    },
    set_heir: (by, { table: name, heir }) => {
      this.#ownership.setHeir(by, name, heir, HEIR_DATA);
      return true;
    },
    rename: (by, of) => {
      this.#ownership.rename(by, of.table, of.name, of.named);
      return true;
    },
    delete_table: (by, { table: name }) => {
      this.#ownership.deleteTable(by, name);
      this.#rows.delete(name);
      return true;
    },
    whereis: (_by, { name }) => this.#ownership.whereis(name) !== undefined,
    info: (_by, { table: name }) => {
      const info = this.#ownership.info(name);
      if (info === undefined) return null;
      const { owner, heir = null, protection, type } = info;
      return { owner, heir, protection, size: this.#rowsOf(name).size, type };
    },
    spawn: (by) => {
      this.#ownership.spawn(by);
      return true;
    },
    kill: (by) => this.#end(by),
    exit: (by) => this.#end(by),
  };

  #end(process: string): true {
    const { transfers, deleted } = this.#ownership.end(process);
    for (const name of deleted) this.#rows.delete(name);
    this.#announce(transfers);
    return true;
  }

  #announce(transfers: readonly { to: string; table: string; from: string; data: unknown }[]): void {
    for (const { to, table: name, from, data } of transfers) {
      this.#announced.push({ to, table: name, from, data: String(data) });
    }
  }

  #readable(by: string, name: string): PairTable {
    this.#ownership.checkRead(by, name);
    return this.#rowsOf(name);
  }

  #isBag(name: string): boolean {
    return ['bag', 'duplicate_bag'].includes(this.#rowsOf(name).definition.type);
  }

  #rowsOf(name: string): PairTable {
    const rows = this.#rows.get(name);
    if (rows === undefined) throw new Error(`There are no rows for table ${name}, which has an owner.`);
    return rows;
  }
}
