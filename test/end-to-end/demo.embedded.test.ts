import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMillrace, lastJson } from '../harness/millrace-process.ts';

const PORTS = {
  MR_INGEST_PORT: '0',
  MR_SERVING_PORT: '0',
  MR_PROCESSORS_PORT: '0',
  MR_CLICKHOUSE_PORT: '0',
};

describe('demo on embedded engines', () => {
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-demo-'));
  });
  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  it('loses and doubles nothing, finds what was planted, and goes on where it was', {
    timeout: 240_000,
  }, async () => {
    for (let run = 1; run <= 2; run++) {
      const demo = runMillrace(['demo', '--seconds', '12', '--rate', '80'], { MR_DATA_DIR: dir, ...PORTS });
      const { code, stdout } = await demo.ended;
      expect(code, demo.stderr()).toBe(0);
      const result = lastJson(stdout);
      expect(result).toMatchObject({ lost: 0, duplicated: 0, alertsMissed: 0 });
      expect(result['eventsIn']).toBeGreaterThan(500);
      expect(result['eventsProcessed']).toBe(result['eventsIn']);
      expect(result['alertsExpected']).toBeGreaterThan(0);
      expect(result['recommendationsServed']).toBeGreaterThan(0);
      expect(result['windowsWritten']).toBeGreaterThan(0);
    }
  });

  it('a second process on the same data folder is told so, and doctor and curl look in beside it', {
    timeout: 120_000,
  }, async () => {
    const first = runMillrace(['start'], { MR_DATA_DIR: dir, ...PORTS });
    try {
      await expect.poll(() => first.stderr(), { timeout: 60_000 }).toContain('clickhouse  http');
      const second = runMillrace(['start'], { MR_DATA_DIR: dir, ...PORTS });
      expect((await second.ended).code).toBe(1);
      expect(second.stderr()).toContain('MR_EMBEDDED_IN_USE');
      expect(second.stderr()).toContain(`\`millrace start\` (process ${first.child.pid ?? 0}`);

      const doctor = runMillrace(['doctor', '--json'], { MR_DATA_DIR: dir, ...PORTS });
      const { stdout } = await doctor.ended;
      const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; found: string }[] };
      for (const name of ['kafka', 'clickhouse', 'redis']) {
        const check = checks.find((line) => line.name === name);
        expect(check).toMatchObject({ status: 'ok' });
        expect(check?.found).toContain('open in `millrace start`');
      }

      const url = /^clickhouse {2}(\S+)$/m.exec(first.stderr())?.[1] ?? '';
      const query = 'SELECT count() > 0 FROM millrace.clicks';
      const answer = await fetch(url, {
        method: 'POST',
        body: query,
        headers: { 'X-ClickHouse-User': 'default' },
      });
      expect(await answer.text()).toBe('1\n');
      const drop = await fetch(url, {
        method: 'POST',
        body: 'DROP TABLE millrace.clicks',
        headers: { 'X-ClickHouse-User': 'default' },
      });
      expect(drop.ok).toBe(false);
    } finally {
      first.child.kill('SIGTERM');
    }
    expect((await first.ended).code).toBe(0);
  });
});
