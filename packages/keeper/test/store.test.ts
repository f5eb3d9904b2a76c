import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  chmodSync,
  mkdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { open } from 'lmdb';
import { openNextEpoch, NO_EPOCH } from '../src/epochs.js';
import { DATABASE_OPTIONS, ENVIRONMENT_OPTIONS, FORMAT_KEY, STATE_KEY, u32Key } from '../src/layout.js';
import { beginRun, endRun } from '../src/run-marker.js';
import { openStore } from '../src/store-opening.js';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heirloom-store-'));
  path = join(directory, 'data.mdb');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Makes a store with a few hundred epochs in it. */
async function makeStore(): Promise<void> {
  const store = await openStore(directory);
  beginRun(store, 0);
  for (let round = 0; round < 5; round++) {
    store.transaction((writer) => {
      for (let i = 0; i < 200; i++) store.putEpoch(writer, `worker-${round}-${i}`, openNextEpoch(NO_EPOCH));
    });
  }
  await store.close();
}

describe('opening a store', () => {
  it('gives back what was committed', async () => {
    await makeStore();
    const store = await openStore(directory);
    expect(store.epochs.size).toBe(1_000);
    expect(store.state).toMatchObject({ timeline: 1, instance: 1, generation: 1, isClean: false });
    await store.close();
  });

  it('keeps the timeline within one boot, and begins another when the system may have lost commits', async () => {
    await makeStore();
    let store = await openStore(directory);
    beginRun(store, 1);
    expect(store.state.timeline).toBe(1);
    store.transaction((writer) => store.putState(writer, { bootId: 'an earlier boot' }));
    await store.close();
    store = await openStore(directory);
    beginRun(store, 1);
    expect(store.state.timeline).toBe(2);
    endRun(store, 0);
    store.transaction((writer) => store.putState(writer, { bootId: 'an earlier boot' }));
    await store.close();
    store = await openStore(directory);
    beginRun(store, 1);
    expect(store.state).toMatchObject({ timeline: 2, instance: 1 });
    await store.close();
  });

  it('refuses a file that is shorter than its records say, at any length (G11)', async () => {
    await makeStore();
    const whole = readFileSync(path);
    const lengths = [0, 1, 100, 4_095, 4_096, 4_200, 8_192, 12_000, Math.floor(whole.length / 2), whole.length - 4_096];
    for (const length of lengths) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      await expect(openStore(directory), `${length} bytes`).rejects.toMatchObject({ code: 'ERR_STORE_DAMAGED' });
    }
    writeFileSync(path, whole);
    await (await openStore(directory)).close();
  });

  it('refuses garbage instead of a store, and garbage in its first pages (G11)', async () => {
    await makeStore();
    const whole = readFileSync(path);
    const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 197 + 13) % 251));
    writeFileSync(path, noise(20_000));
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'ERR_STORE_DAMAGED' });
    for (const at of [24, 4_096 + 24, 48, 8]) {
      const broken = Buffer.from(whole);
      noise(24).copy(broken, at);
      writeFileSync(path, broken);
      await expect(openStore(directory), `noise at ${at}`).rejects.toMatchObject({ code: 'ERR_STORE_DAMAGED' });
    }
  });

  it('refuses noise in any page that its trees refer to, when it looks at all pages (G11)', async () => {
    await makeStore();
    const whole = readFileSync(path);
    const pages = Math.ceil(whole.length / 4_096);
    const noise = Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * 197 + 13) % 251));
    let refused = 0;
    for (let page = 2; page < pages; page++) {
      const broken = Buffer.from(whole);
      noise.copy(broken, page * 4_096, 0, Math.min(4_096, whole.length - page * 4_096));
      writeFileSync(path, broken);
      try {
        const store = await openStore(directory, undefined, 'pages');
        // A page that was free.
        expect(store.epochs.size, `noise in page ${page}`).toBe(1_000);
        await store.close();
      } catch (error) {
        expect(error, `noise in page ${page}`).toMatchObject({ code: 'ERR_STORE_DAMAGED' });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(pages / 4);
    writeFileSync(path, whole);
    await (await openStore(directory, undefined, 'pages')).close();
  });

  it('refuses records that no keeper wrote (G11)', async () => {
    await makeStore();
    const environment = open<Buffer, Buffer>(path, ENVIRONMENT_OPTIONS);
    const meta = environment.openDB<Buffer, Buffer>('meta', DATABASE_OPTIONS);
    const state = meta.get(STATE_KEY);
    meta.putSync(STATE_KEY, Buffer.from('not a state'));
    await environment.close();
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'ERR_STORE_DAMAGED' });
    expect(state).toBeDefined();
  });

  it('refuses a store of a newer version, and does not touch it', async () => {
    await makeStore();
    const environment = open<Buffer, Buffer>(path, ENVIRONMENT_OPTIONS);
    environment.openDB<Buffer, Buffer>('meta', DATABASE_OPTIONS).putSync(FORMAT_KEY, u32Key(99));
    await environment.close();
    const before = readFileSync(path);
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'ERR_STORE_VERSION', details: { version: 99 } });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('says when its directory cannot be used', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    await expect(openStore(join(file, 'store'))).rejects.toMatchObject({ code: 'ERR_STORE_DIRECTORY' });
    // Node's own way to make directories with their parents never returns here.
    if (existsSync('/proc/self')) {
      await expect(openStore('/proc/heirloom/store')).rejects.toMatchObject({ code: 'ERR_STORE_DIRECTORY' });
    }
    if (process.getuid?.() === 0) return; // The superuser may write anywhere.
    const locked = join(directory, 'locked');
    mkdirSync(locked);
    chmodSync(locked, 0o500);
    await expect(openStore(locked)).rejects.toMatchObject({ code: 'ERR_STORE_DIRECTORY' });
  });

  it('makes a new store anew when a former attempt did not finish', async () => {
    writeFileSync(join(directory, 'data.new.mdb'), 'half of a store');
    const store = await openStore(directory);
    expect(store.state.lsn).toBe(0);
    await store.close();
  });
});

describe('a transaction', () => {
  it('that throws leaves nothing behind, and is the last one on this store', async () => {
    const store = await openStore(directory);
    const fail = (): never => {
      throw Object.assign(new Error('EIO: a disk'), { code: 'EIO' });
    };
    store.wrapWriter = (writer) => ({ ...writer, remove: fail });
    expect(() =>
      store.transaction((writer) => {
        store.putEpoch(writer, 'a', NO_EPOCH);
        writer.remove('rows', u32Key(1));
      }),
    ).toThrow(expect.objectContaining({ code: 'ERR_STORE_IO' }));
    expect(store.hasFailed).toBe(true);
    expect(() => store.transaction(() => undefined)).toThrow(expect.objectContaining({ code: 'ERR_STORE_COMMIT' }));
    await store.close();
    const again = await openStore(directory);
    expect(again.epochs.size).toBe(0);
    await again.close();
  });
});

describe('a store that something else writes to', () => {
  it('takes no further transaction, so that nothing is built on a commit that is not its own (G5)', async () => {
    const store = await openStore(directory);
    store.transaction((writer) => store.putState(writer, { lsn: 7 }));
    const other = open<Buffer, Buffer>(path, ENVIRONMENT_OPTIONS);
    const meta = other.openDB<Buffer, Buffer>('meta', DATABASE_OPTIONS);
    const before = meta.get(STATE_KEY);
    meta.putSync(STATE_KEY, Buffer.from('of another keeper'));
    let ran = false;
    const write = (): boolean => store.transaction(() => (ran = true));
    expect(write).toThrow(expect.objectContaining({ code: 'ERR_STORE_COMMIT' }));
    expect(ran).toBe(false);
    meta.putSync(STATE_KEY, before ?? Buffer.alloc(0));
    expect(write).toThrow(expect.objectContaining({ code: 'ERR_STORE_COMMIT' }));
    await other.close();
  });
});
