/**
 * Makes a fresh clone ready: installs the pinned pnpm's packages and builds, each only when something changed since.
 *
 * Needs Node and npm and nothing else: pnpm is fetched by npm at the version that package.json names. What it does goes to
 * stderr, so that the output of the program that is started afterwards stays its own.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const INSTALL_MARKER = 'node_modules/.heirloom-install';
const NODE_MIN = [20, 19];

/** Runs a command in the workspace; its output goes to stderr unless it is to be shown. Resolves to its exit code. */
export function run(command, args, { show = false, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['inherit', show ? 'inherit' : 2, 'inherit'],
      env: { ...process.env, ...env },
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

/** Installs and builds if needed; throws with a message that says which step failed. */
export async function bootstrap() {
  checkNode();
  await install();
  await step('building', process.execPath, ['node_modules/typescript/bin/tsc', '-b', 'packages']);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  throw new Error(`Heirloom needs Node ${NODE_MIN.join('.')} or newer; this is ${process.version}.`);
}

async function install() {
  const fingerprint = createHash('sha256');
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'])
    fingerprint.update(readFileSync(root + file));
  const wanted = `${fingerprint.digest('hex')} ${process.version}`;
  if (existsSync(root + INSTALL_MARKER) && readFileSync(root + INSTALL_MARKER, 'utf8') === wanted) return;
  const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  await step('installing packages', 'npm', [
    'exec',
    '--yes',
    `--package=${packageManager}`,
    '--',
    'pnpm',
    'install',
    '--frozen-lockfile',
    '--reporter=append-only',
  ]);
  writeFileSync(root + INSTALL_MARKER, wanted);
}

/** Runs a step and throws when it fails. */
export async function step(name, command, args, options) {
  process.stderr.write(`heirloom: ${name} …\n`);
  const code = await run(command, args, options);
  if (code !== 0) throw new Error(`${name} failed with code ${code}: ${command} ${args.join(' ')}`);
}
