/**
 * The exclusive lock on a store's directory. It ends with its holder's life, whatever ends that, and needs no native code.
 *
 * A holder listens on a socket `lock-<n>.sock` in the directory; a socket that refuses connections belongs to nobody alive. The
 * path of a socket is short (107 bytes), so sockets are bound and connected by relative names, with the directory as working
 * directory during that one synchronous call.
 *
 * To acquire: (1) list the numbers. If the greatest is alive, wait. (2) Bind the next number, which the file system gives to
 * one process only, and listen. (3) List again and probe every other number: if one is alive, withdraw and try later. (4) List
 * again: if there is a greater number, or the own name does not answer with the own nonce, withdraw. Else the lock is held.
 * (5) Unlink dead lower numbers.
 *
 * Invariants
 * 1. At most one process holds the lock. Suppose A and B both do, and B began to listen later. A's file was there from before
 *    then: only a winner W that found A dead in (3) could have unlinked it, which is only possible between A's bind and
 *    listen; W listened by then, so either W still lives at A's (3), and A withdrew, or it is dead and unlinks nothing any
 *    more, and A missed its file in (4). So B found A's file in (3), and A alive. B withdrew.
 * 2. Nobody unlinks a file that is not its own or dead. Closing a socket unlinks it by name, so a name must not pass on to
 *    another process while its former owner lives: the greatest number never falls below that of any past winner (winners
 *    unlink only lower ones, and release leaves a greater mark behind), and whoever still binds a lower number withdraws in (4).
 * 3. A holder that is stopped (SIGSTOP) still holds: the system accepts connections for it.
 *
 * What fails: ERR_STORE_LOCKED after `waitMs`, with the holder's pid as it says itself; ERR_STORE_DIRECTORY if the directory
 * takes no sockets. Two hosts that share a directory over a network do not see each other's sockets: local disks only.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreError } from './errors.js';

export interface DirectoryLockOptions {
  /** How long to wait for the present holder, in milliseconds. */
  readonly waitMs: number;
}

export interface DirectoryLock {
  /** The number that is held; later holders have greater ones. */
  readonly number: number;
  /** Gives the lock up. Only for a process that goes on; its death does the same. */
  release(): void;
}

/** How often a held lock is looked at. */
export const LOCK_POLL_MS = 50;
/** How long a prober waits for the holder's pid, which a stopped holder cannot tell. */
export const LOCK_GREETING_MS = 100;

interface Holder {
  readonly pid: number | undefined;
  readonly nonce: string | undefined;
}

/** Waits for and takes the lock on a directory. Rejects with StoreError ERR_STORE_LOCKED or ERR_STORE_DIRECTORY. */
export async function acquireDirectoryLock(directory: string, options: DirectoryLockOptions): Promise<DirectoryLock> {
  const deadline = performance.now() + options.waitMs;
  for (;;) {
    const attempt = await attemptLock(directory);
    if ('release' in attempt) return attempt;
    const left = deadline - performance.now();
    if (left <= 0) throw lockedError(directory, attempt.pid, options.waitMs);
    // A random wait, so that contenders that found each other do not meet again for ever.
    await delay(Math.min(left, LOCK_POLL_MS * (0.5 + Math.random())));
  }
}

/** One round; gives the lock, or who has it. */
async function attemptLock(directory: string): Promise<DirectoryLock | Holder> {
  const greatest = listNumbers(directory).at(-1) ?? 0;
  const holder = greatest === 0 ? undefined : await probe(directory, greatest);
  if (holder !== undefined) return holder;
  const number = greatest + 1;
  const nonce = randomBytes(16).toString('hex');
  const server = await listen(directory, number, `${process.pid} ${nonce}\n`);
  if (server === undefined) return { pid: undefined, nonce: undefined };
  const winner = await findRival(directory, number, nonce);
  if (winner !== undefined) {
    inDirectory(directory, () => server.close());
    return winner;
  }
  for (const lower of listNumbers(directory)) if (lower < number) unlinkIfThere(join(directory, socketName(lower)));
  return { number, release: () => release(directory, number, server) };
}

/** Steps 3 and 4: somebody who may hold the lock instead, if there is anybody. */
async function findRival(directory: string, number: number, nonce: string): Promise<Holder | undefined> {
  for (const other of listNumbers(directory)) {
    const holder = other === number ? undefined : await probe(directory, other);
    if (holder !== undefined) return holder;
  }
  const own = await probe(directory, number);
  const hasGreater = listNumbers(directory).some((other) => other > number);
  return own?.nonce === nonce && !hasGreater ? undefined : { pid: undefined, nonce: undefined };
}

function release(directory: string, number: number, server: Server): void {
  for (let mark = number + 1; ; mark++) {
    try {
      // Refuses connections like the socket of a dead process, and keeps the numbers growing (invariant 2).
      writeFileSync(join(directory, socketName(mark)), '', { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') break; // The directory is gone, and its numbers with it.
    }
  }
  try {
    inDirectory(directory, () => server.close());
  } catch {
    server.close();
  }
}

function socketName(number: number): string {
  return `lock-${number}.sock`;
}

function listNumbers(directory: string): number[] {
  const numbers = readdirSync(directory).flatMap((name) => {
    const match = /^lock-(\d{1,15})\.sock$/.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
  return numbers.sort((left, right) => left - right);
}

/** Binds and listens; undefined if the name is taken. */
function listen(directory: string, number: number, greeting: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined); // A prober that hangs up early.
      socket.end(greeting);
    });
    server.unref();
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE') return resolve(undefined);
      const message = `The directory ${directory} takes no lock socket: ${cause.message}. Use a local directory that you may write.`;
      reject(new StoreError('ERR_STORE_DIRECTORY', message, { directory }, { cause }));
    });
    inDirectory(directory, () => server.listen(socketName(number), () => resolve(server)));
  });
}

/** Who listens on a number; undefined if nobody does. In doubt somebody does. */
function probe(directory: string, number: number): Promise<Holder | undefined> {
  return new Promise((resolve) => {
    const socket = inDirectory(directory, () => createConnection(socketName(number)));
    let isAlive = false;
    let greeting = '';
    const settle = (): void => {
      clearTimeout(timer);
      socket.destroy();
      const match = /^(\d+) ([0-9a-f]+)\n/.exec(greeting);
      resolve(isAlive ? { pid: match === null ? undefined : Number(match[1]), nonce: match?.[2] } : undefined);
    };
    const timer = setTimeout(() => {
      isAlive = true;
      settle();
    }, LOCK_GREETING_MS);
    socket.on('connect', () => {
      isAlive = true;
    });
    socket.on('data', (chunk: Buffer) => {
      greeting += chunk.toString('latin1');
      if (greeting.length > 64 || greeting.endsWith('\n')) settle();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      isAlive ||= !DEAD_CODES.has(error.code ?? '');
      settle();
    });
    socket.on('close', settle);
  });
}

/** What connecting to a socket says when nobody listens on it, or when the file is none or gone. */
const DEAD_CODES: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK', 'EPROTOTYPE']);

/** Runs something synchronous with the directory as working directory. */
function inDirectory<T>(directory: string, action: () => T): T {
  const former = process.cwd();
  process.chdir(directory);
  try {
    return action();
  } finally {
    process.chdir(former);
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone, or stays as a dead number; either is harmless.
  }
}

function lockedError(directory: string, pid: number | undefined, waitMs: number): StoreError {
  const holder = pid === undefined ? 'another process' : `process ${pid}`;
  const message = `The directory ${directory} is in use by ${holder}, also after ${waitMs} ms. Close the other runtime, or use another directory.`;
  return new StoreError('ERR_STORE_LOCKED', message, { directory, pid });
}
