/**
 * `node scripts/soak.mjs [--kills N] [--runs N] [--seed S]`: random runs for longer than `npm test` has time for.
 *
 * Each run kills N workers (default 1,000) and a tenth as many keepers, and others under watches and in N / 100 migrations, and
 * decodes 1,000 damaged frames for each, with a seed of its own that it prints; run it again with `--seed` to repeat its choices.
 * Exits non-zero at the first run in which anything is lost, repeated, halved or misunderstood.
 */
import { parseArgs } from 'node:util';
import { bootstrap, root, step } from './bootstrap.mjs';

try {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '1000' },
      runs: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    },
  });
  await bootstrap();
  for (let run = 0; run < Number(values.runs); run++) {
    const seed = String(Number(values.seed) + run);
    const kills = Number(values.kills);
    const env = {
      HEIRLOOM_KILLS: values.kills,
      HEIRLOOM_ROUNDS: String(Math.ceil(kills / 100)),
      HEIRLOOM_FRAMES: String(kills * 1_000),
      HEIRLOOM_SEED: seed,
    };
    const files = ['random-kills.test', 'test/watch.test', 'test/migration.test', 'message-fuzz.test'];
    const vitest = [`${root}node_modules/vitest/vitest.mjs`, 'run', '--root', 'test', ...files];
    await step(`run ${run + 1} of ${values.runs}, ${values.kills} kills, seed ${seed}`, process.execPath, vitest, {
      show: true,
      env,
    });
  }
} catch (error) {
  process.stderr.write(`heirloom: ${error.message}\n`);
  process.exitCode = 1;
}
