import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acquireDirectoryLock } from '../src/directory-lock.js';
import type { DirectoryLock } from '../src/directory-lock.js';

const holderFile = fileURLToPath(new URL('./fixtures/lock-holder.mjs', import.meta.url));

let directory: string;
let children: ChildProcess[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heirloom-lock-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(directory, { recursive: true, force: true });
});

/** Starts a process that wants the lock, and gives the process and what it says. */
async function contend(waitMs: number): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [holderFile, directory, String(waitMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  if (child.stdout === null) throw new Error('no output');
  for await (const line of createInterface(child.stdout)) return { child, said: line };
  throw new Error('The contender said nothing.');
}

describe('the lock on a directory (G5, G11)', () => {
  it('is held by one of two processes, and names the holder to the other', async () => {
    const { child, said } = await contend(0);
    expect(said).toBe('held 1');
    await expect(acquireDirectoryLock(directory, { waitMs: 60 })).rejects.toMatchObject({
      code: 'ERR_STORE_LOCKED',
      details: { directory, pid: child.pid },
    });
  });

  it('passes on when its holder is killed with SIGKILL', async () => {
    const { child } = await contend(0);
    const waiting = acquireDirectoryLock(directory, { waitMs: 20_000 });
    child.kill('SIGKILL');
    const lock = await waiting;
    expect(lock.number).toBeGreaterThan(1);
    expect(readdirSync(directory)).toEqual([`lock-${lock.number}.sock`]);
    lock.release();
  });

  it('is still held by a process that is stopped', async () => {
    const { child } = await contend(0);
    child.kill('SIGSTOP');
    await expect(acquireDirectoryLock(directory, { waitMs: 200 })).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED' });
    child.kill('SIGCONT');
  });

  it('passes on when it is released, with growing numbers', async () => {
    const numbers: number[] = [];
    for (let round = 0; round < 3; round++) {
      const lock = await acquireDirectoryLock(directory, { waitMs: 0 });
      numbers.push(lock.number);
      lock.release();
    }
    expect(numbers).toEqual([...numbers].sort((left, right) => left - right));
    expect(new Set(numbers).size).toBe(3);
  });

  it('is taken by one of many that want it at once', async () => {
    const wants = Array.from({ length: 8 }, () => acquireDirectoryLock(directory, { waitMs: 1_500 }));
    const locks: DirectoryLock[] = [];
    for (const outcome of await Promise.allSettled(wants)) {
      if (outcome.status === 'fulfilled') locks.push(outcome.value);
      else expect(outcome.reason).toMatchObject({ code: 'ERR_STORE_LOCKED' });
    }
    expect(locks).toHaveLength(1);
    locks[0]?.release();
  });

  it('works in a directory whose path is longer than a socket path may be', async () => {
    const deep = join(directory, 'd'.repeat(120));
    const { mkdirSync } = await import('node:fs');
    mkdirSync(deep);
    const lock = await acquireDirectoryLock(deep, { waitMs: 0 });
    expect(readdirSync(deep)).toEqual(['lock-1.sock']);
    await expect(acquireDirectoryLock(deep, { waitMs: 0 })).rejects.toMatchObject({ details: { pid: process.pid } });
    lock.release();
  });
});
