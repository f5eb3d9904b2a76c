/**
 * The shapes of one table's rows: each ordered list of field names has a small number, and rows are stored with it
 * instead of their names.
 *
 * Invariants
 * 1. A number means one list of names for ever; a list has at most one number.
 * 2. A row is written with a number only if `takeNew` has given, or will give, that shape to be committed with it.
 * 3. There are at most SHAPES_MAX shapes, so what a hostile or a careless program can make a table remember is bounded.
 *    Objects inside of rows may use only SHAPES_NESTED_MAX of them: those used as dictionaries must not use up the
 *    numbers that the rows need. Past a limit, objects carry their names.
 *
 * Lookup walks a tree with an edge for each name, so an object is written while its shape is being found.
 */
import { WireError } from './errors.js';

/** A shape's number takes one byte in each row. */
export const SHAPES_MAX = 256;
/** Leaves a quarter of the numbers to rows; see invariant 3. */
export const SHAPES_NESTED_MAX = 192;
/** A longer list is a dictionary rather than a row, and would be committed as a whole for little gain. */
export const SHAPE_FIELDS_MAX = 128;
/** The same for the names themselves: with the other limits, a table's shapes stay under 8 MiB. */
export const SHAPE_FIELD_CHARS_MAX = 256;

/** A shape as it is committed and sent: plain data. */
export interface EncodedShape {
  readonly id: number;
  readonly fields: readonly string[];
}
export type EncodedShapes = readonly EncodedShape[];

/** A shape that rows can be decoded with. */
export interface Shape extends EncodedShape {
  /** True if a field is called `__proto__`, which an assignment would not create. */
  readonly hasProto: boolean;
}

/** A node of the lookup tree: a prefix of a list of names. */
export class ShapeNode {
  /** The number of the shape that ends here, or -1. */
  id = -1;
  /** The name and node that were walked to first; most nodes have no other. */
  firstKey: string | undefined = undefined;
  firstNode: ShapeNode | undefined = undefined;
  others: Map<string, ShapeNode> | undefined = undefined;

  child(key: string): ShapeNode | undefined {
    return this.firstKey === key ? this.firstNode : this.others?.get(key);
  }

  childOrNew(key: string): ShapeNode {
    const known = this.child(key);
    if (known !== undefined) return known;
    const node = new ShapeNode();
    if (this.firstKey === undefined) {
      this.firstKey = key;
      this.firstNode = node;
    } else {
      this.others ??= new Map();
      this.others.set(key, node);
    }
    return node;
  }
}

export class ShapeTable {
  readonly root: ShapeNode = new ShapeNode();
  private readonly shapes: (Shape | undefined)[] = [];
  private fresh: EncodedShape[] = [];

  constructor(shapes: EncodedShapes = []) {
    this.add(shapes);
  }

  /** One more than the highest number in use. */
  get size(): number {
    return this.shapes.length;
  }

  get(id: number): Shape | undefined {
    return this.shapes[id];
  }

  has(id: number): boolean {
    return this.shapes[id] !== undefined;
  }

  /** The number of an object's shape, or -1. */
  find(value: object): number {
    let node: ShapeNode | undefined = this.root;
    for (const key of Object.keys(value)) {
      node = node.child(key);
      if (node === undefined) return -1;
    }
    return node.id;
  }

  /** Every shape, to be written into a snapshot or a new store. */
  all(): EncodedShape[] {
    return this.shapes.flatMap((shape) => (shape === undefined ? [] : [{ id: shape.id, fields: shape.fields }]));
  }

  /**
   * Adds shapes that were committed elsewhere. A shape that is known already is left alone.
   * Throws WireError ERR_WIRE_SHAPE for a number outside the limits, bad names, or one that means something else here, and
   * then has added none of them.
   */
  add(shapes: EncodedShapes): void {
    const added: EncodedShape[] = [];
    try {
      for (const shape of shapes) if (this.addOne(shape)) added.push(shape);
    } catch (error) {
      this.remove(added);
      throw error;
    }
  }

  /** Throws what `add` would throw, and adds nothing. */
  check(shapes: EncodedShapes): void {
    const unknown = shapes.filter(({ id }) => !this.has(id));
    this.add(shapes);
    this.remove(unknown);
  }

  private addOne({ id, fields }: EncodedShape): boolean {
    const known = this.shapes[id];
    if (known !== undefined && sameFields(known.fields, fields)) return false;
    if (known !== undefined) throw contradiction(id, 'has other fields than the shape that is known by it');
    if (!Number.isInteger(id) || id < 0 || id >= SHAPES_MAX)
      throw contradiction(id, `is not from 0 to ${SHAPES_MAX - 1}`);
    if (!areShapeFields(fields)) throw contradiction(id, 'has field names that no encoder makes a shape of');
    this.put(id, fields);
    return true;
  }

  private remove(shapes: EncodedShapes): void {
    for (const { id, fields } of shapes) {
      let node = this.root;
      for (const field of fields) node = node.childOrNew(field);
      node.id = -1;
      this.shapes[id] = undefined;
    }
    while (this.shapes.length > 0 && this.shapes.at(-1) === undefined) this.shapes.pop();
  }

  /** Makes a shape for a list of names; returns its number, or -1 if the limits do not allow another. */
  create(fields: readonly string[], isNested: boolean): number {
    const id = this.shapes.length;
    if (id >= (isNested ? SHAPES_NESTED_MAX : SHAPES_MAX) || !areShapeFields(fields)) return -1;
    this.put(id, fields);
    this.fresh.push({ id, fields });
    return id;
  }

  /** The shapes made since the last call, to be committed with or before the first row that uses them. */
  takeNew(): EncodedShape[] {
    if (this.fresh.length === 0) return [];
    const taken = this.fresh;
    this.fresh = [];
    return taken;
  }

  private put(id: number, fields: readonly string[]): void {
    let node = this.root;
    for (const field of fields) node = node.childOrNew(field);
    if (node.id !== -1) throw contradiction(id, `has the fields of shape ${node.id}`);
    node.id = id;
    while (this.shapes.length < id) this.shapes.push(undefined);
    this.shapes[id] = { id, fields, hasProto: fields.includes('__proto__') };
  }
}

function areShapeFields(fields: readonly string[]): boolean {
  return (
    fields.length <= SHAPE_FIELDS_MAX &&
    fields.every((field) => typeof field === 'string' && field.length <= SHAPE_FIELD_CHARS_MAX) &&
    new Set(fields).size === fields.length
  );
}

function sameFields(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((field, index) => field === right[index]);
}

function contradiction(id: number, problem: string): WireError {
  return new WireError('ERR_WIRE_SHAPE', `Row shape ${id} ${problem}: the stored shapes do not belong together.`, {
    id,
  });
}
