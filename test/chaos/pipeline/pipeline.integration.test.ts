import { describe, expect, it } from 'vitest';
import { availableServices } from '../../../cli/stack/services.ts';
import { DEFAULT_CACHE_DIR } from '../../../cli/stack/stack.ts';
import { skipOrFail } from '../../harness/require-service.ts';
import { runPipeline } from './pipeline.ts';

const NEEDED = new Set(['kafka', 'redis', 'clickhouse']);
const { leftOut } = await availableServices(DEFAULT_CACHE_DIR);
const missing = leftOut.filter(({ service }) => NEEDED.has(service)).map(({ reason }) => reason);
const parts = skipOrFail(missing.join(' '));

describe.skipIf(parts.isMissing)(
  parts.title('the pipeline on three brokers, with everything breaking'),
  () => {
    it('loses nothing, doubles nothing and gets nothing wrong', { timeout: 900_000 }, async () => {
      const notes: string[] = [];
      const result = await runPipeline({
        ...{ seconds: 40, seed: 11, instances: 2, ratePerSecond: 60, withStandbys: true, keep: false },
        note: (line) => notes.push(line),
      }).catch((error: unknown) => {
        throw new Error(notes.join('\n'), { cause: error });
      });
      expect(result, notes.join('\n')).toMatchObject({
        findings: 0,
        gaps: 0,
        duplicates: 0,
        wrongWindows: 0,
      });
      expect(result, notes.join('\n')).toMatchObject({ wrongRedisKeys: 0, lostByKafka: 0 });
      // The run was what it says: there was something to lose, and it was at risk.
      for (const name of ['kills', 'brokerRestarts', 'rebalances', 'lateEvents', 'deadLetters'] as const)
        expect(result[name], name).toBeGreaterThan(0);
      expect(result.eventsAcked).toBeGreaterThan(1000);
      expect(result.windowsChecked).toBeGreaterThan(500);
      expect(result.redisKeysChecked).toBeGreaterThan(500);
      for (const victim of ['redis', 'clickhouse', 'producer', 'processor'])
        expect(
          Object.entries(result.faults).some(([kind, count]) => kind.startsWith(victim) && count > 0),
          victim,
        ).toBe(true);
    });
  },
);
