/**
 * Finds the file of a worker's module, and what Node needs to load it.
 *
 * A worker is named by the URL of its JavaScript or of its TypeScript; whichever of the two exists is loaded, the named one
 * first. What loads TypeScript, the first that there is:
 *
 *   1. tsx, resolved from the worker's file: it also finds the `./rows.js` that exists as `rows.ts` only
 *   2. tsx, where this process itself runs under it
 *   3. a loader that the worker's own `execArgv` names
 *   4. Node, where it strips types (never of .tsx), with the flag for that if this process was given one
 *
 * With none of them ERR_WORKER_TYPESCRIPT says what to do, before a process is started.
 *
 * A thread is given tsx as a module that registers it: named by `--import` alone it takes no effect there.
 *
 * The options of this process are never passed on as a whole: a test runner's hold conditions and preloads of its own.
 */
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WorkerReferenceError } from './errors.js';

/** A worker's module as it is to be loaded. */
export interface WorkerModule {
  readonly url: URL;
  /** Options for Node in the worker's process: the loader's, then the worker's own. */
  readonly execArgv: readonly string[];
}

/** What is known of the process that starts the workers. */
export interface HostProcess {
  /** The options that it was started with, those of NODE_OPTIONS first. */
  readonly execArgv: readonly string[];
  /** Whether its Node strips types. */
  readonly stripsTypes: boolean;
  /** The URL of tsx's loader as a module at `from` finds it. */
  readonly resolve: (from: URL) => string | undefined;
}

/** The other spelling of a file: what it is built to, or built from. */
const TWINS: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
  '.ts': ['.js'],
  '.tsx': ['.js'],
  '.mts': ['.mjs'],
  '.cts': ['.cjs'],
};
const TYPESCRIPT = /\.([cm]?ts|tsx)$/;
const TSX_LOADER = /^file:.*\/tsx\/.*loader\.mjs$/;
/** Options that can make Node load TypeScript. */
const LOADER_OPTION = /^(--import|--loader|--experimental-loader|--require|-r)(=|$)/;
const STRIPPING_OPTION = /^--experimental-(strip|transform)-types$/;

/**
 * Finds a worker's module and the options to load it with.
 *
 * @param execArgv the worker's own options for Node.
 * @throws WorkerReferenceError ERR_WORKER_NOT_FOUND or ERR_WORKER_TYPESCRIPT.
 */
export function resolveWorkerModule(
  name: string,
  module: URL,
  execArgv: readonly string[] = [],
  host: HostProcess = thisProcess(),
): WorkerModule {
  const url = workerFile(name, module);
  if (!TYPESCRIPT.test(url.pathname)) return { url, execArgv };
  return { url, execArgv: [...typescriptLoader(name, url, execArgv, host), ...execArgv] };
}

/** The options with which a thread loads what a process loads with these. */
export function threadExecArgv(execArgv: readonly string[]): readonly string[] {
  return execArgv.map((option, index) => {
    if (execArgv[index - 1] !== '--import' || !TSX_LOADER.test(option)) return option;
    // Beside what `require` finds is what `import` would; only that one can register itself.
    const api = pathToFileURL(
      createRequire(option)
        .resolve('tsx/esm/api')
        .replace(/\.cjs$/, '.mjs'),
    ).href;
    const registration = `import { register } from ${JSON.stringify(api)}; register();`;
    return `data:text/javascript,${encodeURIComponent(registration)}`;
  });
}

function thisProcess(): HostProcess {
  const { env, execArgv, features } = process;
  // Present since Node 22.10, where it says how types are stripped, or false.
  const { typescript } = features as { typescript?: unknown };
  const inherited = (env['NODE_OPTIONS'] ?? '').split(/\s+/).filter((option) => option !== '');
  return { execArgv: [...inherited, ...execArgv], stripsTypes: Boolean(typescript), resolve: resolveTsx };
}

/** The file of a worker's module. Throws WorkerReferenceError ERR_WORKER_NOT_FOUND. */
export function workerFile(name: string, module: URL): URL {
  const path = fileURLToPath(module);
  const extension = /\.([cm]?[jt]s|tsx)$/.exec(path)?.[0] ?? '';
  const stem = path.slice(0, path.length - extension.length);
  const candidates = [path, ...(TWINS[extension] ?? []).map((twin) => stem + twin)];
  const found = candidates.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
  if (found !== undefined) return pathToFileURL(found);
  throw new WorkerReferenceError(
    'ERR_WORKER_NOT_FOUND',
    `The module of worker ${name} does not exist: looked for ${candidates.join(', ')}. Check the URL, or build the program first.`,
    { worker: name, candidates },
  );
}

function typescriptLoader(name: string, url: URL, execArgv: readonly string[], host: HostProcess): readonly string[] {
  const tsx = host.resolve(url) ?? inheritedTsx(host);
  if (tsx !== undefined) return ['--import', tsx];
  if (execArgv.some((option) => LOADER_OPTION.test(option) || STRIPPING_OPTION.test(option))) return [];
  if (host.stripsTypes && !url.pathname.endsWith('.tsx')) {
    return host.execArgv.filter((option) => STRIPPING_OPTION.test(option));
  }
  const file = fileURLToPath(url);
  throw new WorkerReferenceError(
    'ERR_WORKER_TYPESCRIPT',
    `Worker ${name} is written in TypeScript (${file}), and Node ${process.version} does not load it. Install tsx where the ` +
      "worker is, build the worker to JavaScript, use a Node that strips types, or name a loader in the worker's execArgv.",
    { worker: name, file },
  );
}

function resolveTsx(from: URL): string | undefined {
  try {
    return pathToFileURL(createRequire(from).resolve('tsx')).href;
  } catch {
    return undefined;
  }
}

/** The URL of the tsx that the host runs under. */
function inheritedTsx({ execArgv, resolve }: HostProcess): string | undefined {
  for (const [index, option] of execArgv.entries()) {
    const value = option === '--import' ? execArgv[index + 1] : /^--import=(.*)$/.exec(option)?.[1];
    if (value === undefined) continue;
    if (/[\\/]tsx[\\/]/.test(value)) return existsSync(value) ? pathToFileURL(value).href : value;
    // Node resolves a bare name from the working directory.
    if (/^tsx(\/esm)?$/.test(value)) return resolve(pathToFileURL(join(process.cwd(), 'package.json')));
  }
  return undefined;
}
