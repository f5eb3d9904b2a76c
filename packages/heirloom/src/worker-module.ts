/**
 * Finds the file of a worker's module, and what Node needs to load it.
 *
 * A worker is named by the URL of its JavaScript. Under a loader for TypeScript that file may not exist, but its source does:
 *
 *   file that exists      loaded by
 *   .js .mjs .cjs         Node
 *   .ts .mts .cts .tsx    tsx, if it can be resolved from the worker's file or this process runs under it;
 *                         else Node itself, if it strips types; else ERR_WORKER_TYPESCRIPT
 *
 * The options of this process are never passed on as a whole: a test runner's hold conditions and preloads of its own.
 */
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WorkerReferenceError } from './errors.js';

export interface WorkerModule {
  readonly url: URL;
  readonly execArgv: readonly string[];
}

const SOURCE_OF: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
};
const TYPESCRIPT = /\.[cm]?tsx?$/;

/** Throws WorkerReferenceError ERR_WORKER_NOT_FOUND or ERR_WORKER_TYPESCRIPT. */
export function resolveWorkerModule(name: string, module: URL): WorkerModule {
  const url = existingFile(name, module);
  return { url, execArgv: TYPESCRIPT.test(url.pathname) ? typescriptLoader(name, url) : [] };
}

function existingFile(name: string, module: URL): URL {
  const path = fileURLToPath(module);
  const extension = /\.[cm]?js$/.exec(path)?.[0] ?? '';
  const stem = path.slice(0, path.length - extension.length);
  const candidates = [path, ...(SOURCE_OF[extension] ?? []).map((source) => stem + source)];
  const found = candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
  if (found !== undefined) return pathToFileURL(found);
  throw new WorkerReferenceError(
    'ERR_WORKER_NOT_FOUND',
    `The module of worker ${name} does not exist: looked for ${candidates.join(', ')}. Check the URL, or build the program first.`,
    { worker: name, candidates },
  );
}

function typescriptLoader(name: string, url: URL): readonly string[] {
  const loader = resolvedTsx(url) ?? inheritedTsx();
  if (loader !== undefined) return ['--import', loader];
  // Present since Node 22.10, where it says whether types are stripped.
  if ((process.features as { typescript?: unknown }).typescript) return [];
  throw new WorkerReferenceError(
    'ERR_WORKER_TYPESCRIPT',
    `Worker ${name} is written in TypeScript (${fileURLToPath(url)}), and Node ${process.version} does not load it. ` +
      'Install tsx beside the worker, build it to JavaScript, or use a Node that strips types.',
    { worker: name, file: fileURLToPath(url) },
  );
}

function resolvedTsx(url: URL): string | undefined {
  try {
    return pathToFileURL(createRequire(url).resolve('tsx')).href;
  } catch {
    return undefined;
  }
}

/** The loader that this process was itself started with, when the worker's package does not have it. */
function inheritedTsx(): string | undefined {
  const { execArgv } = process;
  for (const [index, argument] of execArgv.entries()) {
    const value = argument === '--import' ? execArgv[index + 1] : /^--import=(.*)$/.exec(argument)?.[1];
    if (value !== undefined && /[\\/]tsx[\\/]/.test(value)) return value;
  }
  return undefined;
}
