/**
 * `node scripts/conformance.mjs KIND FILE [--through memory|runtime] [--seed N] [--kills N] [--only ID]`: replays traces that
 * were recorded from Erlang/OTP; see test/conformance/program.ts, which reads the command line.
 */
import { bootstrap, root } from './bootstrap.mjs';

try {
  await bootstrap();
  // In this process, so that files are named from where one stands.
  await import(`${root}test/dist/conformance/program.js`);
} catch (error) {
  process.stderr.write(`heirloom: ${error.stack}\n`);
  process.exitCode = 2;
}
