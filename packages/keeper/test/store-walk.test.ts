import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rowKey } from '../src/layout.js';
import { openStore } from '../src/store-opening.js';
import { isTreeWhole } from '../src/store-walk.js';

it('finds every page of a store in its file, and misses one in a shorter file (G11)', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'heirloom-walk-'));
  const path = join(directory, 'data.mdb');
  const store = await openStore(directory);
  for (let round = 0; round < 10; round++) {
    store.transaction((writer) => {
      for (let i = 0; i < 300; i++) {
        const key = rowKey(1, Buffer.from(`key ${(i * 37) % 300} ${i % 3 === 0 ? 0 : round}`));
        if (round % 4 === 3) writer.remove('rows', key);
        else writer.put('rows', key, Buffer.alloc(i % 60 === 7 ? 20_000 : 50, i));
      }
    });
    const bytes = readFileSync(path);
    const newest = bytes.readBigUInt64LE(152) > bytes.readBigUInt64LE(4_096 + 152) ? 0 : 4_096;
    const pageBytes = bytes.readUInt32LE(48);
    const roots = [bytes.readBigUInt64LE(newest + 88), bytes.readBigUInt64LE(newest + 136)];
    const readInto = (length: number, target: Uint8Array, at: number): number =>
      bytes.subarray(0, length).copy(target, 0, Math.min(at, length));
    const isWhole = (length: number): boolean =>
      roots.every((root) => isTreeWhole({ pageBytes, readInto: readInto.bind(undefined, length) }, root));
    expect(isWhole(bytes.length)).toBe(true);
    expect(isWhole(Math.floor(bytes.length / 2))).toBe(false);
  }
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});
