import { defineConfig } from 'vitest/config';

const exclude = ['**/node_modules/**', '**/dist/**', '.millrace/**'];

/**
 * unit: no network, no clock, no disk beyond a temporary folder.
 * embedded: the engines in process (chdb, LMDB, the embedded log); forks, since chdb may be loaded once a process.
 * integration: real Kafka and Redis, found through MR_TEST_KAFKA_BROKERS and MR_TEST_REDIS_URL.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          include: ['**/*.test.ts'],
          exclude: [...exclude, '**/*.embedded.test.ts', '**/*.integration.test.ts'],
          // Far above what any test takes: nothing may fail because the machine is busy.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'embedded',
          sequence: { groupOrder: 1 },
          include: ['**/*.embedded.test.ts'],
          exclude,
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          sequence: { groupOrder: 2 },
          include: ['**/*.integration.test.ts'],
          exclude,
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
