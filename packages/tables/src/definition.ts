/**
 * Table definitions: frozen data that says what a table is, and from which every type of its operations flows.
 *
 * 1. `table` infers everything from its argument; it is called without type arguments.
 * 2. A key names fields that every row has and whose types are keys. A misspelt or optional one does not compile.
 * 3. Options are checked once, here (`ERR_TABLE_ARGUMENT`).
 * 4. A schema has two types: what it takes, which is what a row may be when it is inserted, and what it gives, which is the row.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { TableError } from './errors.js';
import type { TableKey } from './key.js';
import { showValue } from './shown-value.js';

/** ETS's table types: one row a key, one row a key in key order, distinct rows a key, any rows a key. */
export type TableType = 'set' | 'ordered_set' | 'bag' | 'duplicate_bag';

/** Who but the owner may use a table: nobody, readers, or readers and writers. */
export type Access = 'private' | 'protected' | 'public';

/** The worst failure that a table's acknowledged changes survive. */
export type Survives = 'power_loss' | 'runtime_crash' | 'nothing';

/** Which part of a row is its key: a field, a tuple position (0-based), or a list of these for a composite key. */
export type KeySpec = string | number | readonly (string | number)[];

/** A row's type as a value, for `table` to infer from; made by `row`. */
export interface RowType<Row> {
  readonly kind: 'row';
  /** Never present: it carries the type. */
  readonly '~row'?: Row;
}

/** What a table is; made by `table`, frozen. */
export interface TableDefinition<
  Row,
  Key extends KeySpec,
  Type extends TableType,
  AccessLevel extends Access,
  Input = Row,
> {
  readonly kind: 'table';
  readonly row: RowType<Row> | StandardSchemaV1<Input, Row>;
  readonly type: Type;
  readonly key: Key;
  readonly access: AccessLevel;
  readonly survives: Survives;
  /** The runtime-wide name, if it has one. */
  readonly name: string | undefined;
  /** The version of the stored rows' form, from 1. */
  readonly version: number;
  /** Makes a row of this version of one that was stored with a lower one. */
  readonly migrate?: MigrateRow | undefined;
  /** How many bytes of released changes are kept for `watch`; undefined when none are. */
  readonly keepBytes: number | undefined;
  /** The worker that inherits it; undefined for the keeper. */
  readonly heir?: string | undefined;
}

/**
 * Makes a row of the present form of one that was stored with `fromVersion`, or undefined to drop it. It must be synchronous.
 * The row is its own: it may be changed and returned.
 */
export type MigrateRow = (row: unknown, fromVersion: number) => unknown;

/** Any table definition, for code that does not know the row. */
export type AnyTableDefinition = TableDefinition<unknown, KeySpec, TableType, Access>;

/** The positions of a tuple type, as numbers. */
export type TuplePosition<Row extends readonly unknown[]> = {
  [Index in keyof Row]: Index extends `${infer Position extends number}` ? Position : never;
}[number];

/** The fields of a row: names, or positions of a tuple. */
export type FieldOf<Row> = Row extends readonly unknown[] ? TuplePosition<Row> : keyof Row & string;

/** The fields of a row that can be its key: those whose every value is a key. */
export type KeyFieldOf<Row> = {
  [Field in FieldOf<Row> & keyof Row]: Row[Field] extends TableKey ? Field : never;
}[FieldOf<Row> & keyof Row] &
  (string | number);

/** Every key that a table of these rows can have. */
export type KeySpecOf<Row> = KeyFieldOf<Row> | readonly [KeyFieldOf<Row>, ...KeyFieldOf<Row>[]];

/** The row type of a definition. */
export type RowOf<D extends AnyTableDefinition> =
  D extends TableDefinition<infer Row, KeySpec, TableType, Access, unknown> ? Row : never;

/** What a row of a definition may be when it is inserted: the same, unless a schema makes the row of it. */
export type InputOf<D extends AnyTableDefinition> =
  D extends TableDefinition<unknown, KeySpec, TableType, Access, infer Input> ? Input : never;

/** The table type of a definition. */
export type TypeOf<D extends AnyTableDefinition> = D['type'];

/** The access of a definition. */
export type AccessOf<D extends AnyTableDefinition> = D['access'];

/** The key of a definition's rows: the type of its field, or the tuple of its fields' types. */
export type KeyOf<D extends AnyTableDefinition> = D['key'] extends readonly (string | number)[]
  ? CompositeKey<RowOf<D>, D['key']>
  : FieldValue<RowOf<D>, D['key']>;

/** The tuple of the types of some fields. */
export type CompositeKey<Row, Parts extends readonly (string | number)[]> = {
  readonly [Index in keyof Parts]: FieldValue<Row, Parts[Index]>;
};

/** The type of one field of a row. */
export type FieldValue<Row, Field> = Field extends keyof Row ? Row[Field] : never;

/** The fields that are part of the key. */
export type KeyPartOf<D extends AnyTableDefinition> = D['key'] extends readonly (infer Part)[] ? Part : D['key'];

/** The fields that are not part of the key: what an update may change. */
export type OtherFieldOf<D extends AnyTableDefinition> = Exclude<FieldOf<RowOf<D>>, KeyPartOf<D>>;

/** The fields that a counter may be: numbers or bigints that are not part of the key. */
export type NumericFieldOf<D extends AnyTableDefinition> = {
  [Field in OtherFieldOf<D> & keyof RowOf<D>]: RowOf<D>[Field] extends number | bigint ? Field : never;
}[OtherFieldOf<D> & keyof RowOf<D>];

/** What `table` takes. */
export interface TableOptions<Row, Key, Type extends TableType, AccessLevel extends Access, Input = Row> {
  /**
   * `row<Row>()`, or a Standard Schema, which must be synchronous. It gets every row that is inserted, and every row as an update
   * leaves it; what it gives is what is stored. So a schema whose output it would not take again allows no updates.
   */
  readonly row: RowType<Row> | StandardSchemaV1<Input, Row>;
  /** The field, fields or tuple position of the key. */
  readonly key: Key;
  /** Default `'set'`. */
  readonly type?: Type;
  /** Default `'protected'`: others may read. */
  readonly access?: AccessLevel;
  /** Default `'power_loss'`. */
  readonly survives?: Survives;
  /** A runtime-wide name, unique in the runtime; without one a table is known by its worker's name and its own. */
  readonly name?: string;
  /** The version of the stored rows' form, a positive integer; default 1. */
  readonly version?: number;
  /**
   * Makes a row of this version of one that was stored with a lower one, or returns undefined to drop it. It runs once for each
   * stored row, before `init` and the first call; the key and the type of the table may differ from before. It must be synchronous
   * and depend on nothing but its arguments. If it throws, or two rows get one key in a set, the start fails and nothing is changed.
   * While another worker owns the table it stays in its old form, and is migrated when this worker begins with it again.
   * A method, so that its first parameter can be annotated with the type of the old rows.
   */
  migrate?(row: unknown, fromVersion: number): NoInfer<Input> | undefined;
  /**
   * Whether others can `watch` the table's released changes; default false, as each change is then written twice. The latest
   * `keepBytes` of them are kept for who comes later, by default KEEP_BYTES_DEFAULT and at most KEEP_BYTES_MAX.
   */
  readonly watch?: boolean | { readonly keepBytes: number };
  /** The worker that inherits the table when its own dies or stops; the keeper does without one, and if it is not alive then. */
  readonly heir?: string;
}

/** What a watched table keeps of its changes: hours for most, and small against any disk. */
export const KEEP_BYTES_DEFAULT: number = 64 * 1024 * 1024;
/** The most that a table may keep: a sixteenth of the largest store. */
export const KEEP_BYTES_MAX: number = 2 ** 34;

const ROW_TYPE: RowType<never> = Object.freeze({ kind: 'row' });

/** Says the type of a table's rows without validating them at run time. */
export function row<Row>(): RowType<Row> {
  // The marker carries nothing at run time, so one value serves every type.
  return ROW_TYPE;
}

/**
 * Defines a table; all types of its operations are inferred from the options.
 * Throws `ERR_TABLE_ARGUMENT` for a malformed option.
 */
export function table<
  Row,
  const Key extends KeySpecOf<Row>,
  const Type extends TableType = 'set',
  const AccessLevel extends Access = 'protected',
  Input = Row,
>(
  options: TableOptions<Row, Key, Type, AccessLevel, Input>,
): TableDefinition<Row, Key, NoInfer<Type>, NoInfer<AccessLevel>, Input> {
  // An omitted option takes the default of its type parameter.
  const type = options.type ?? ('set' as Type);
  const access = options.access ?? ('protected' as AccessLevel);
  const survives = options.survives ?? 'power_loss';
  checkOneOf('type', type, ['set', 'ordered_set', 'bag', 'duplicate_bag']);
  checkOneOf('access', access, ['private', 'protected', 'public']);
  checkOneOf('survives', survives, ['power_loss', 'runtime_crash', 'nothing']);
  checkRow(options.row);
  checkName(options.name);
  checkHeir(options.heir, survives);
  const key = checkKey(options.key);
  const version = options.version ?? 1;
  if (!Number.isSafeInteger(version) || version < 1) {
    throw badOption('version', version, 'Give a positive integer.');
  }
  const migrate = checkMigrate(options);
  const keepBytes = checkWatch(options.watch);
  if (keepBytes !== undefined && (access === 'private' || survives === 'nothing')) {
    const why =
      "Nobody but the owner sees such a table's changes: leave it out, or let others read a table that is stored.";
    throw badOption('watch', options.watch, why);
  }
  const { row: rowType, name, heir } = options;
  const kept = { name, version, migrate, keepBytes, heir };
  return Object.freeze({ kind: 'table', row: rowType, type, key, access, survives, ...kept });
}

function checkMigrate(options: { readonly survives?: Survives; migrate?: MigrateRow }): MigrateRow | undefined {
  const { migrate, survives } = options;
  if (migrate === undefined) return undefined;
  if (typeof migrate !== 'function') {
    throw badOption('migrate', migrate, 'Give a function (row, fromVersion) => row, or leave it out.');
  }
  if (survives === 'nothing') {
    throw badOption('migrate', migrate, "A table that survives 'nothing' has no stored rows. Leave it out.");
  }
  // Bound, as a method of the options may be one of an object.
  return (row, fromVersion) => migrate.call(options, row, fromVersion);
}

function badOption(option: string, value: unknown, advice: string): TableError {
  return new TableError('ERR_TABLE_ARGUMENT', `The table option '${option}' is ${showValue(value)}. ${advice}`, {
    option,
    value,
  });
}

function checkOneOf(option: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw badOption(option, value, `Give one of ${allowed.join(', ')}.`);
}

function checkRow(rowType: unknown): void {
  // Whatever it is, reading two of its fields is harmless.
  const candidate = rowType as { kind?: unknown; '~standard'?: { validate?: unknown } } | null | undefined;
  if (candidate?.kind === 'row' || typeof candidate?.['~standard']?.validate === 'function') return;
  throw badOption('row', rowType, 'Give row<Row>() or a Standard Schema.');
}

function checkName(name: unknown): void {
  if (name === undefined || (typeof name === 'string' && name !== '')) return;
  throw badOption('name', name, 'Give a string that is not empty, or leave it out.');
}

/** The bytes of changes to keep, or undefined for none. */
function checkWatch(watch: unknown): number | undefined {
  if (watch === undefined || watch === false) return undefined;
  if (watch === true) return KEEP_BYTES_DEFAULT;
  // Whatever it is, reading a field of it is harmless.
  const { keepBytes } = (watch ?? {}) as { keepBytes?: unknown };
  const isOnly = typeof watch === 'object' && watch !== null && Object.keys(watch).length === 1;
  const isSize = typeof keepBytes === 'number' && Number.isSafeInteger(keepBytes) && keepBytes >= 1;
  if (isOnly && isSize && keepBytes <= KEEP_BYTES_MAX) return keepBytes;
  throw badOption('watch', watch, `Give true, false or { keepBytes } with a whole number from 1 to ${KEEP_BYTES_MAX}.`);
}

function checkHeir(heir: unknown, survives: Survives): void {
  if (heir === undefined) return;
  if (typeof heir !== 'string' || heir === '')
    throw badOption('heir', heir, 'Give the name of a worker, or leave it out.');
  if (survives === 'nothing') throw badOption('heir', heir, 'A table that survives nothing cannot be inherited.');
}

function checkKey<Key extends KeySpec>(key: Key): Key {
  const parts: readonly unknown[] = typeof key === 'object' && key !== null ? key : [key];
  const isWhole = (part: unknown): boolean =>
    typeof part === 'string' || (typeof part === 'number' && Number.isSafeInteger(part) && part >= 0);
  const isUniform = parts.every((part) => typeof part === typeof parts[0]);
  if (parts.length === 0 || !parts.every(isWhole) || !isUniform || new Set(parts).size !== parts.length) {
    throw badOption(
      'key',
      key,
      "Give a field name, a tuple position from 0, or a list of different ones, as ['tenant', 'id'].",
    );
  }
  // A frozen copy of the same list.
  return Array.isArray(key) ? (Object.freeze(key.slice()) as unknown as Key) : key;
}
