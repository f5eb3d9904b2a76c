/** `npm start [-- options]`: the flight board demonstration. `npm start -- --help` lists its options. */
import { bootstrap, root, run } from './bootstrap.mjs';

try {
  await bootstrap();
  const program = `${root}packages/examples/dist/flight-board.js`;
  process.exitCode = await run(process.execPath, [program, ...process.argv.slice(2)], { show: true });
} catch (error) {
  process.stderr.write(`heirloom: ${error.message}\n`);
  process.exitCode = 1;
}
