/**
 * The `process` driver of the process port: child_process.spawn of this Node, without an IPC channel.
 *
 * The child's argument list is `node <execArgv> <entry file> <title>`; its file descriptors are 0 the null device, 1 and 2
 * pipes, 3 the lifeline. It is not detached, so a terminal's SIGINT reaches it too; ignoring that is the child's business.
 * A spawn that fails, whether Node throws or emits it, is ERR_PROCESS_SPAWN with Node's error as its cause.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { asError, SupervisorError } from './errors.js';
import {
  BOOTSTRAP_BYTES_MAX,
  type ChildHandle,
  type ProcessExit,
  type ProcessPort,
  type SpawnOptions,
} from './process-port.js';

/** Starts processes of the operating system. */
export const processPort: ProcessPort = {
  spawn(options) {
    try {
      return handleOf(spawnNode(options), options);
    } catch (thrown) {
      return unstartedChild(options, asError(thrown));
    }
  },
};

function spawnNode(options: SpawnOptions): ChildProcess {
  if (options.bootstrap.byteLength > BOOTSTRAP_BYTES_MAX) {
    throw new RangeError(
      `Its bootstrap has ${options.bootstrap.byteLength} bytes; at most ${BOOTSTRAP_BYTES_MAX} are allowed.`,
    );
  }
  return spawn(process.execPath, [...options.execArgv, fileURLToPath(options.module), options.title], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...(options.env ?? inheritedEnvironment()) },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    windowsHide: true,
  });
}

function inheritedEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...environment } = process.env;
  return environment;
}

function handleOf(child: ChildProcess, options: SpawnOptions): ChildHandle {
  const spawned = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    // An error after the spawn is a signal that could not be sent, which kill() has answered with false already.
    child.on('error', (error) => reject(spawnError(options, error)));
  });
  spawned.catch(() => {});
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    spawned.catch(() => resolve({ code: null, signal: null }));
  });
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    spawned.catch(() => resolve());
  });
  // Without file descriptors left, Node makes no streams at all.
  const lifeline = (child.stdio?.[3] as Duplex | undefined) ?? endedDuplex(); // A 'pipe' is a net.Socket.
  const stdout = child.stdout ?? Readable.from([]);
  const stderr = child.stderr ?? Readable.from([]);
  // EPIPE and ECONNRESET only say that the child is gone, which `exited` says.
  for (const stream of [lifeline, stdout, stderr]) stream.on('error', () => {});
  lifeline.write(options.bootstrap);
  const kill = (signal?: NodeJS.Signals): boolean => child.kill(signal);
  return { pid: child.pid, lifeline, stdout, stderr, kill, spawned, exited, closed };
}

/** What a driver returns for what could not be started: `spawned` is rejected with ERR_PROCESS_SPAWN. */
export function unstartedChild(options: SpawnOptions, cause: Error): ChildHandle {
  const failure = spawnError(options, cause);
  const spawned = Promise.reject<void>(failure);
  spawned.catch(() => {});
  return {
    pid: undefined,
    lifeline: endedDuplex(),
    stdout: Readable.from([]),
    stderr: Readable.from([]),
    kill: () => false,
    spawned,
    exited: Promise.resolve({ code: null, signal: null }),
    closed: Promise.resolve(),
  };
}

function endedDuplex(): Duplex {
  const duplex = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  duplex.push(null);
  return duplex;
}

function spawnError(options: SpawnOptions, cause: Error): SupervisorError {
  const module = options.module.href;
  return new SupervisorError(
    'ERR_PROCESS_SPAWN',
    `The process "${options.title}" (${module}) could not be started: ${cause.message} ` +
      'Check the entry file, the working directory and the limits on processes and open files.',
    { title: options.title, module },
    { cause },
  );
}
