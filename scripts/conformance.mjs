/**
 * `node scripts/conformance.mjs KIND FILE [--through memory|runtime] [--seed N] [--kills N] [--only ID]`: replays traces that
 * were recorded from Erlang/OTP; see test/conformance/program.ts.
 */
import { resolve } from 'node:path';
import { bootstrap, root, run } from './bootstrap.mjs';

try {
  await bootstrap();
  const [kind, file, ...others] = process.argv.slice(2);
  // The program runs in the workspace; a file is named from where one stands.
  const programArguments = file === undefined ? [kind] : [kind, file.startsWith('-') ? file : resolve(file), ...others];
  const program = `${root}test/dist/conformance/program.js`;
  process.exitCode = await run(process.execPath, [program, ...programArguments.filter(Boolean)], { show: true });
} catch (error) {
  process.stderr.write(`heirloom: ${error.message}\n`);
  process.exitCode = 2;
}
