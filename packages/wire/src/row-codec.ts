/**
 * Encodes and decodes the rows of one table, with field names kept once for the table instead of in each row.
 *
 * Invariants
 * 1. Rows were validated and copied by the table (G7); classes, holes and strings are checked here again, as it costs
 *    nothing, but accessors and hidden properties are not looked for.
 * 2. The shapes from `takeNewShapes` must be stored with or before the first row that was encoded after the last call;
 *    there is one owner of a table, so numbers are given in one place at a time.
 */
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { ShapeTable } from './shape-table.js';
import type { EncodedShape, EncodedShapes } from './shape-table.js';
import { ValueDecoder } from './value-decoder.js';
import { ValueEncoder } from './value-encoder.js';

export class RowCodec {
  private readonly shapes: ShapeTable;
  private readonly encoder: ValueEncoder;
  private readonly decoder: ValueDecoder;
  private readonly writer: ByteWriter = new ByteWriter();
  private readonly reader: ByteReader = new ByteReader();

  /** Starts with the shapes that were stored for the table. Throws WireError ERR_WIRE_SHAPE if they contradict each other. */
  constructor(shapes: EncodedShapes = []) {
    this.shapes = new ShapeTable(shapes);
    this.encoder = new ValueEncoder({ shapes: this.shapes, isChecking: false });
    this.decoder = new ValueDecoder(this.shapes);
  }

  /** Appends a row. Throws WireError ERR_WIRE_VALUE and leaves the writer as it was if it cannot be encoded exactly. */
  encode(row: unknown, writer: ByteWriter): void {
    const { length } = writer;
    try {
      this.encoder.write(writer, row);
    } catch (error) {
      writer.truncate(length);
      throw error;
    }
  }

  /** Encodes one row. The bytes are the caller's, but share memory with other rows: copy those that are kept for long. */
  encodeRow(row: unknown): Uint8Array {
    this.encode(row, this.writer);
    return this.writer.take();
  }

  /** Reads the next row. Throws WireError ERR_WIRE_DECODE, or ERR_WIRE_SHAPE if its shape was not added yet. */
  decode(reader: ByteReader): unknown {
    return this.decoder.read(reader);
  }

  /** Decodes the bytes of one row; fails as `decode` does, and if bytes are left over. */
  decodeRow(bytes: Uint8Array): unknown {
    const { reader } = this;
    reader.reset(bytes);
    const row = this.decoder.read(reader);
    reader.finish();
    return row;
  }

  /** The shapes made by encoding since the last call; see invariant 2. */
  takeNewShapes(): EncodedShape[] {
    return this.shapes.takeNew();
  }

  /** Throws what `addShapes` would throw, and adds nothing. */
  checkShapes(shapes: EncodedShapes): void {
    this.shapes.check(shapes);
  }

  /** Adds shapes that were stored by the owner. Throws WireError ERR_WIRE_SHAPE if they contradict the known ones, and adds none. */
  addShapes(shapes: EncodedShapes): void {
    this.shapes.add(shapes);
  }

  hasShape(id: number): boolean {
    return this.shapes.has(id);
  }

  /** Every known shape. */
  allShapes(): EncodedShape[] {
    return this.shapes.all();
  }
}
