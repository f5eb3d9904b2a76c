/**
 * Every published package is whole as its users get it: packed, and looked at by the tools that look at packages.
 *
 * Fails when: a `files` list leaves out what `exports` names or lets tests and build state in; types do not stand first or do
 * not resolve; packages differ in version; a package is added without a README, a license or an entry for its types.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { beforeAll, describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import { runNode } from './support/user-project.js';

const ATTW_PATH = fileURLToPath(new URL('../node_modules/@arethetypeswrong/cli/dist/index.js', import.meta.url));
const PACKAGES = new URL('../packages/', import.meta.url);

/** The fields that are looked at here; what else a manifest has is for the tools. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface PackedPackage {
  readonly manifest: Manifest;
  readonly folder: string;
}

async function publishedPackages(): Promise<PackedPackage[]> {
  const found: PackedPackage[] = [];
  for (const entry of await readdir(PACKAGES, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const folder = fileURLToPath(new URL(`${entry.name}/`, PACKAGES));
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest; // The tools check its form.
    if (manifest.private !== true) found.push({ manifest, folder });
  }
  return found;
}

/** Packs a package as a registry gets it; npm is there wherever Node is. */
async function pack(folder: string, destination: string): Promise<{ tarball: string; files: readonly string[] }> {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--json', '--pack-destination', destination], {
    cwd: folder,
  });
  // What `npm pack --json` prints.
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  return { tarball: join(destination, packed.filename), files: packed.files.map(({ path }) => path) };
}

/** Packs and checks every package in turn, which takes long where every processor is busy. */
const CHECKS_TIMEOUT_MS = 110_000;

let packages: PackedPackage[];
beforeAll(async () => {
  packages = await publishedPackages();
});

describe('the published packages', () => {
  it('are of one version and depend on each other in the workspace', () => {
    expect(packages.map(({ manifest }) => manifest.name)).toContain('heirloom');
    expect(new Set(packages.map(({ manifest }) => manifest.version)).size).toBe(1);
    for (const { manifest } of packages) {
      const own = Object.entries(manifest.dependencies ?? {}).filter(([name]) => /^(@heirloom\/|heirloom$)/.test(name));
      for (const [name, range] of own)
        expect([manifest.name, name, range]).toEqual([manifest.name, name, 'workspace:*']);
    }
  });

  it('say what they are, and lead to their types first', () => {
    for (const { manifest } of packages) {
      expect(manifest).toMatchObject({
        description: expect.stringMatching(/\w.*\.$/),
        license: 'MIT',
        type: 'module',
        types: './dist/index.d.ts',
        engines: { node: '>=20.19' },
        sideEffects: expect.anything(),
      });
      for (const conditions of Object.values(manifest.exports)) {
        expect(Object.keys(conditions)).toEqual(['types', 'default']);
      }
    }
  });

  it(
    'hold what they export, with sources and a README, and nothing of tests and builds',
    async () => {
      await using directory = await testDirectory();
      for (const { manifest, folder } of packages) {
        const { tarball, files } = await pack(folder, directory.path);
        const named = Object.values(manifest.exports).flatMap((conditions) => Object.values(conditions));
        expect(files).toEqual(
          expect.arrayContaining(['README.md', 'package.json', ...named.map((path) => path.slice(2))]),
        );
        const strange = files.filter(
          (path) => !/^(package\.json|README\.md|LICENSE|src\/.*\.ts|dist\/.*\.(js|d\.ts)(\.map)?)$/.test(path),
        );
        expect([manifest.name, strange]).toEqual([manifest.name, []]);
        expect([manifest.name, files.filter((path) => /test\.|\.tsbuildinfo$/.test(path))]).toEqual([
          manifest.name,
          [],
        ]);

        const data = await readFile(tarball);
        const { messages } = await publint({
          pack: { tarball: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) },
          strict: true,
        });
        expect([manifest.name, messages]).toEqual([manifest.name, []]);

        const attw = await runNode(directory.path, [
          ATTW_PATH,
          tarball,
          '--no-definitely-typed',
          '--profile',
          'esm-only',
        ]);
        expect(attw, attw.stdout).toMatchObject({ code: 0 });
      }
    },
    CHECKS_TIMEOUT_MS,
  );
});
