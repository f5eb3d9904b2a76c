/** `npm test [-- vitest arguments]`: every check, in the order in which they are cheapest to fail. */
import { bootstrap, root, step } from './bootstrap.mjs';

const bin = (name) => `${root}node_modules/${name}`;
const node = process.execPath;
const vitestArguments = process.argv.slice(2);

try {
  await bootstrap();
  if (vitestArguments.length === 0) {
    await step('checking the format', node, [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.']);
    await step('checking the types of the tests', node, [bin('typescript/bin/tsc'), '-p', 'test']);
    await step('linting', node, [bin('oxlint/bin/oxlint'), '--type-aware', '--deny-warnings']);
    await step('looking for unused code', node, [bin('knip/bin/knip.js')]);
  }
  await step('testing', node, [bin('vitest/vitest.mjs'), 'run', '--root', 'test', ...vitestArguments], { show: true });
} catch (error) {
  process.stderr.write(`heirloom: ${error.message}\n`);
  process.exitCode = 1;
}
