import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['../packages/*/test/**/*.test.ts', './**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
});
