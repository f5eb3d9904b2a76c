/**
 * Values to bytes and back, without shapes: for what travels in messages. The format is in value-format.ts, what may be
 * encoded in value-encoder.ts.
 */
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { ValueDecoder } from './value-decoder.js';
import { ValueEncoder } from './value-encoder.js';

const encoder = new ValueEncoder({ isChecking: true });
const decoder = new ValueDecoder();
let shared: ByteWriter | undefined;

/** Appends a value. Throws WireError ERR_WIRE_VALUE, and then leaves the writer as it was, if it cannot be encoded exactly. */
export function writeValue(writer: ByteWriter, value: unknown): void {
  const { length } = writer;
  try {
    encoder.write(writer, value);
  } catch (error) {
    writer.truncate(length);
    throw error;
  }
}

/** Reads a value that `writeValue` wrote. Throws WireError ERR_WIRE_DECODE. */
export function readValue(reader: ByteReader): unknown {
  return decoder.read(reader);
}

/**
 * Encodes one value. Throws WireError ERR_WIRE_VALUE with `details.path` if the value cannot be given back exactly.
 * The bytes are the caller's, but may share memory with others: copy those that are kept for long.
 */
export function encodeValue(value: unknown): Uint8Array {
  // A Proxy inside of the value may run code that encodes another value, which then needs a writer of its own.
  const writer = shared ?? new ByteWriter(256);
  shared = undefined;
  try {
    writeValue(writer, value);
    return writer.take();
  } finally {
    shared = writer;
  }
}

/** Decodes the bytes of one value. Throws WireError ERR_WIRE_DECODE if they are not exactly that. */
export function decodeValue(bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes);
  const value = decoder.read(reader);
  reader.finish();
  return value;
}
