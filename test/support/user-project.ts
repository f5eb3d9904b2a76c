/**
 * A program of a user's own in a directory of its own, with nothing installed but what it names: packages are linked into its
 * node_modules as pnpm does it, so that whatever is not named cannot be resolved.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface UserProjectOptions {
  /** The folder of test/fixtures whose files it gets. */
  readonly fixture?: string;
  /** More files, by their paths; they replace the fixture's. */
  readonly files?: Readonly<Record<string, string>>;
  /** The packages that are installed: some of those of the tests or of the workspace. */
  readonly packages: readonly string[];
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface UserProject extends AsyncDisposable {
  readonly path: string;
  /** The URL of a file of the project. */
  url(path: string): URL;
  /** Runs Node with these arguments in the project; resolves whatever its exit code is. */
  node(...nodeArguments: readonly string[]): Promise<Finished>;
}

/** The workspace's own files, for tools that are run on a project from outside. */
const workspaceUrl = new URL('../../', import.meta.url);
export const TSC_PATH: string = fileURLToPath(new URL('node_modules/typescript/bin/tsc', workspaceUrl));
export const TSX_CLI_PATH: string = join(dirname(createRequire(import.meta.url).resolve('tsx')), 'cli.mjs');
/** Longer than any program of a test takes, so that one that hangs fails its test instead of the run. */
const PROGRAM_TIMEOUT_MS = 100_000;

export async function userProject(options: UserProjectOptions): Promise<UserProject> {
  // The real path, as that is what processes and loaders report.
  const path = await realpath(await mkdtemp(join(tmpdir(), 'heirloom-project-')));
  const { fixture, files = {}, packages } = options;
  if (fixture !== undefined) {
    await cp(new URL(`test/fixtures/${fixture}`, workspaceUrl), path, { recursive: true });
  }
  const manifest = { name: 'user-program', private: true, type: 'module' };
  for (const [name, text] of Object.entries({ 'package.json': JSON.stringify(manifest), ...files })) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  await mkdir(join(path, 'node_modules'));
  for (const name of packages) {
    const link = join(path, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(await installed(name), link);
  }
  return {
    path,
    url: (file) => pathToFileURL(join(path, file)),
    node: (...nodeArguments) => runNode(path, nodeArguments),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

function installed(name: string): Promise<string> {
  const ofTests = new URL(`test/node_modules/${name}`, workspaceUrl);
  return realpath(existsSync(ofTests) ? ofTests : new URL(`node_modules/${name}`, workspaceUrl));
}

/** Runs Node as a shell does: a test runner's own options and settings are not passed on. */
export function runNode(cwd: string, nodeArguments: readonly string[]): Promise<Finished> {
  const { NODE_OPTIONS: _options, NODE_PATH: _path, VITEST: _vitest, NODE_ENV: _environment, ...env } = process.env;
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...nodeArguments],
      { cwd, env, timeout: PROGRAM_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
