/**
 * Directories of a test's own, which are gone when the test is, or behind the last test of its file: one that has taken too long
 * is left alone by its runner, and never comes to its end.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

export interface TestDirectory extends AsyncDisposable {
  readonly path: string;
}

const present = new Set<string>();
afterAll(async () => {
  for (const path of present) await remove(path);
});

export async function testDirectory(): Promise<TestDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'heirloom-test-'));
  present.add(path);
  return { path, [Symbol.asyncDispose]: () => remove(path) };
}

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  present.delete(path);
}
