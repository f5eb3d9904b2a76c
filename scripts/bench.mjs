/** `node scripts/bench.mjs [suite …] [--json]`: the figures of the runtime on this machine; see test/bench/figures.ts. */
import { bootstrap, root, run } from './bootstrap.mjs';

try {
  await bootstrap();
  process.exitCode = await run(process.execPath, [`${root}test/dist/bench/figures.js`, ...process.argv.slice(2)], {
    show: true,
  });
} catch (error) {
  process.stderr.write(`heirloom: ${error.message}\n`);
  process.exitCode = 1;
}
