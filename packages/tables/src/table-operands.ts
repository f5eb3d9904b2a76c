/**
 * What the operations of a table take and give, as types: rows, results by the type of the table, counters and patches. The owner's
 * operations (owner-table.ts) and everybody else's (remote-table.ts) have the same.
 */
import type { CounterOperation } from './counter.js';
import type {
  Access,
  AnyTableDefinition,
  FieldValue,
  InputOf,
  KeySpec,
  NumericFieldOf,
  OtherFieldOf,
  RowOf,
  Survives,
  TableType,
  TypeOf,
} from './definition.js';

/** A row as it is read: nobody can change the table through it. */
export type StoredRowOf<D extends AnyTableDefinition> = Readonly<RowOf<D>>;

/** A row as it is inserted: what a schema takes, or the row itself. */
export type InputRowOf<D extends AnyTableDefinition> = Readonly<InputOf<D>>;

/** What a key has: its row or undefined in sets, its rows in order of insertion in bags. */
export type LookupResult<D extends AnyTableDefinition> =
  TypeOf<D> extends 'set' | 'ordered_set' ? StoredRowOf<D> | undefined : readonly StoredRowOf<D>[];

/** One field of what a key has: its value in sets, the values of its rows in bags. */
export type ElementResult<D extends AnyTableDefinition, Field> =
  TypeOf<D> extends 'set' | 'ordered_set' ? FieldValue<RowOf<D>, Field> : readonly FieldValue<RowOf<D>, Field>[];

/** The counters of a table; bags have none. */
export type CounterFieldOf<D extends AnyTableDefinition> =
  TypeOf<D> extends 'set' | 'ordered_set' ? NumericFieldOf<D> & (string | number) : never;

/** A counter's value: number or bigint, as its field is. */
export type CounterValue<D extends AnyTableDefinition, Field> =
  FieldValue<RowOf<D>, Field> extends bigint ? bigint : number;

/** Options of `updateCounter` for a single field. */
export interface CounterOptions<D extends AnyTableDefinition, N> extends DefaultRow<D> {
  readonly threshold?: N;
  readonly setValue?: N;
}

/** What an update inserts first when the key has no row; its key fields are replaced by the key. */
export interface DefaultRow<D extends AnyTableDefinition> {
  readonly default?: InputRowOf<D>;
}

/** One step of an `updateCounter` with several. */
export type CounterOperationOf<D extends AnyTableDefinition> = CounterOperation<CounterFieldOf<D>>;

/** New values of fields that are not part of the key. */
export type Patch<D extends AnyTableDefinition> = {
  readonly [Field in OtherFieldOf<D> & keyof RowOf<D>]?: RowOf<D>[Field];
};

/** What a table is, for people and tools. */
export interface TableInfo {
  readonly name: string | undefined;
  readonly type: TableType;
  readonly key: KeySpec;
  readonly access: Access;
  readonly survives: Survives;
  readonly version: number;
  /** How many rows there are. */
  readonly size: number;
  /** The worker that owns it, as others are told; undefined while the keeper has it for a worker that is dead. */
  readonly owner?: string | undefined;
  /** The worker that inherits it, as others are told; undefined for the keeper. */
  readonly heir?: string | undefined;
  /** The runtime-wide name, as others are told. */
  readonly publicName?: string | undefined;
}
