/**
 * `where`: conditions on a row as plain data, typed by the row, that can travel to another process.
 *
 * 1. All conditions must hold, those of `$and`, `$or` and `$not` among them. A field that the row lacks reads as undefined.
 * 2. `eq`, `ne` and `in` compare by structure (`equality.ts`), so `1` is not `1n`. `lt`, `lte`, `gt`, `gte` compare in
 *    key order and only within a class: they never hold between, say, a number and a string.
 * 3. `at` looks into a plain object or an array; on anything else it does not hold.
 * 4. An owner may give a function in the place of a `where`, at the top or inside of a group. Only `true` counts; what it throws
 *    is thrown.
 * 5. A compiled `where` names the keys that can match, or a range of them, or neither (`key-access.ts`). That only narrows where
 *    to look: `matches` decides, and it decides alone.
 * 6. Malformed conditions are refused with `ERR_TABLE_ARGUMENT`, and ones beyond the limits of `where-tree.ts` with
 *    `ERR_TABLE_LIMIT`, before any row is read.
 *
 * A field of a row that is called `$and`, `$or` or `$not` cannot be named here; a pattern (`matchObject`) can name it.
 */
import type { AnyTableDefinition, FieldOf, RowOf } from './definition.js';
import { keyAccess } from './key-access.js';
import type { KeyAccess } from './key-access.js';
import type { TableKey } from './key.js';
import type { StoredRowOf } from './table-operands.js';
import type { Pattern } from './selection.js';
import { nodeTest, parsePattern, parseWhere } from './where-tree.js';
import type { WhereNode } from './where-tree.js';

/** Values that may stand for `{ eq: value }`; other objects could be mistaken for operators. */
type DirectValue<V> = unknown extends V ? TableKey : V extends TableKey ? V : never;

/** The operators on one field; all of them must hold. */
export interface Operators<V> {
  readonly eq?: V | undefined;
  readonly ne?: V | undefined;
  readonly lt?: V;
  readonly lte?: V;
  readonly gt?: V;
  readonly gte?: V;
  readonly in?: readonly V[];
  /** A beginning: of a string, or of an array by its first elements. */
  readonly prefix?: V extends string ? string : V extends readonly (infer Element)[] ? readonly Element[] : never;
  /** Conditions on the fields of an object, or on the elements of an array by position. */
  readonly at?: Inside<V>;
}

/** Conditions by field of a nested object, or by position of a nested array. */
export type Inside<V> = V extends readonly (infer Element)[]
  ? { readonly [Position in number]?: Condition<Element> }
  : V extends TableKey | undefined
    ? never
    : { readonly [Field in keyof V & string]?: Condition<V[Field]> };

/** A condition on one field: a value that it equals, or operators. */
export type Condition<V> = DirectValue<V> | Operators<V>;

/** Conditions by field (by position for tuples); all must hold. */
export type WhereFields<D extends AnyTableDefinition> = {
  readonly [Field in FieldOf<RowOf<D>> & keyof RowOf<D>]?: Condition<RowOf<D>[Field]>;
};

/** Conditions by field, and groups of conditions; all must hold. */
export type Where<D extends AnyTableDefinition> = WhereFields<D> & {
  /** All of these hold; `[]` always holds. */
  readonly $and?: readonly Where<D>[];
  /** One of these holds; `[]` never holds. */
  readonly $or?: readonly Where<D>[];
  /** This does not hold. */
  readonly $not?: Where<D>;
};

/** A condition that only an owner can give, as it does not travel. */
export type RowPredicate<D extends AnyTableDefinition> = (row: StoredRowOf<D>) => boolean;

/** What an owner gives as a `where`: data, a function, or data with functions in its groups. */
export type OwnerWhere<D extends AnyTableDefinition> =
  | RowPredicate<D>
  | (WhereFields<D> & {
      readonly $and?: readonly OwnerWhere<D>[];
      readonly $or?: readonly OwnerWhere<D>[];
      readonly $not?: OwnerWhere<D>;
    });

/** A `where` that is ready to run; see the header. */
export interface CompiledWhere {
  readonly matches: (row: unknown) => boolean;
  readonly access: KeyAccess;
  /** Whether there is no condition, so that every row matches. */
  readonly isTotal: boolean;
}

/**
 * Compiles a `where` for the rows of a definition.
 * On an `ordered_set` conditions on the key become a key range; in every type a key that is bound becomes a lookup.
 * With `readRow`, which makes what a function may see of a stored row, it may contain functions.
 * Throws `ERR_TABLE_ARGUMENT` for unknown operators, operands of a wrong kind, and fields that cannot be.
 */
export function compileWhere<D extends AnyTableDefinition>(
  definition: D,
  where: OwnerWhere<D> | undefined,
  readRow?: (row: unknown) => unknown,
): CompiledWhere {
  return compile(definition, parseWhere(definition.key, where, readRow));
}

/** Compiles a pattern: a row matches when each field that the pattern names equals by structure. */
export function compilePattern<D extends AnyTableDefinition>(definition: D, pattern: Pattern<D>): CompiledWhere {
  return compile(definition, parsePattern(definition.key, pattern));
}

function compile(definition: AnyTableDefinition, tree: WhereNode): CompiledWhere {
  return {
    matches: nodeTest(tree),
    access: keyAccess(definition.key, tree, definition.type === 'ordered_set'),
    isTotal: tree.kind === 'and' && tree.nodes.length === 0,
  };
}
