/**
 * # 7. Late events and corrections
 *
 * An event is *late* for a window when it comes after that has closed: more than `MR_OUT_OF_ORDER` and the grace behind
 * the latest. Where such an event is dropped, the money that it stands for is gone from the reports; Kafka Streams counts
 * it in a metric, Flink can hand it to a side output, Quix Streams to a callback. Here
 *
 * - it goes to `<topic>.late`, with the window that it missed and by how much;
 * - what else is done with it stands: it is still a fact, and counts in other windows that are open;
 * - with `correctionsMs`, it corrects the result of the closed window, with a higher version.
 */
import { describe, expect, test } from 'vitest';
import { sum } from '../../processors/runtime/aggregates/index.ts';
import { json } from '../../processors/runtime/codec.ts';
import { toFacts, topology, toTopic, toWindowTable } from '../../processors/runtime/dsl/index.ts';
import { driveTopology } from '../../processors/runtime/testing/topology-driver.ts';
import {
  hopping,
  tumbling,
  type WindowResult,
  type WindowSpec,
} from '../../processors/runtime/windows/index.ts';
import { at, clock, lines } from './times-of-day.ts';

interface Sale {
  readonly euros: number;
  readonly time: number;
}

const sales = json<Sale>();

async function salesIn(window: WindowSpec) {
  const app = topology('till');
  const all = app.stream('sales', { codec: sales, eventTimeOf: ({ time }) => time });
  all.to(toFacts('sales', ({ euros }) => ({ euros })));
  const minutes = all.window(window).aggregate(
    'euros',
    sum(({ euros }: Sale) => euros),
  );
  minutes.to(toTopic('out'));
  minutes.to(
    toWindowTable('sales_minute', ({ windowStartMs, value }) => ({
      from: clock(windowStartMs),
      euros: value,
    })),
  );
  const driver = await driveTopology(app.build(), { startMs: at('12:00:00') });
  return {
    driver,
    sell: (euros: number, time: string) =>
      driver.send('sales', { euros, time: at(time) }, { key: 'till', codec: sales }),
    said: () => lines(driver.read('out', json<WindowResult<number>>())),
    late: () => driver.read('sales.late', sales),
  };
}

describe('an event that comes after its window has closed', () => {
  test('goes to the late topic as it came, with the window that it missed', async () => {
    const { driver, sell, said, late } = await salesIn(tumbling({ sizeMs: 60_000, graceMs: 10_000 }));
    await sell(10, '10:00:30');
    await sell(20, '10:01:30');
    expect(said()).toEqual(['10:00:00–10:01:00 till 10 watermark']);
    await sell(5, '10:00:59');
    expect(said()).toEqual([]);
    const [record] = late();
    expect(record?.value).toEqual({ euros: 5, time: at('10:00:59') });
    expect(record?.headers).toMatchObject({
      'mr-window-start': '2026-01-01T10:00:00.000Z',
      'mr-window-end': '2026-01-01T10:01:00.000Z',
      // The watermark was at 10:01:30.
      'mr-lateness-ms': '30000',
      'mr-corrected': 'false',
      'mr-origin-topic': 'sales',
      'mr-origin-offset': '2',
    });
    // It is a fact like the others.
    expect(driver.rows('sales').map((row) => row['euros'])).toEqual([10, 20, 5]);
    expect(driver.task('sales').counters).toMatchObject({ ok: 2, late: 1, dropped: 0 });
  });

  test('corrects the result, as long as closed windows are kept for it', async () => {
    const spec = tumbling({ sizeMs: 60_000, graceMs: 10_000, correctionsMs: 3_600_000 });
    const { driver, sell, said, late } = await salesIn(spec);
    await sell(10, '10:00:30');
    await sell(20, '10:30:00');
    expect(said()).toEqual(['10:00:00–10:01:00 till 10 watermark']);
    await sell(5, '10:00:59');
    // The absolute value again, not the difference.
    expect(said()).toEqual(['10:00:00–10:01:00 till 15 correction']);
    expect(late().map(({ headers }) => headers['mr-corrected'])).toEqual(['true']);
    // In the table, the row with the higher version replaces the other.
    const rows = driver.rows('sales_minute').filter((row) => row['from'] === '10:00:00');
    expect(rows.map((row) => row['euros'])).toEqual([10, 15]);
    expect(Number(rows[1]?.['version'])).toBeGreaterThan(Number(rows[0]?.['version']));
    // A minute in which nothing was sold before is made good, too.
    await sell(7, '10:10:00');
    expect(said()).toEqual(['10:10:00–10:11:00 till 7 correction']);
    // An hour after its close, a window is forgotten.
    await sell(1, '11:30:00');
    await sell(1, '10:00:10');
    expect(said().filter((line) => line.includes('correction'))).toEqual([]);
    expect(late().map(({ headers }) => headers['mr-corrected'])).toEqual(['true', 'false']);
  });
});

test('an event counts in every overlapping window that is still open, and is late only when none is', async () => {
  const { driver, sell, said, late } = await salesIn(hopping({ sizeMs: 60_000, slideMs: 30_000 }));
  await sell(10, '10:00:10');
  await sell(20, '10:01:05');
  expect(said()).toEqual(['09:59:30–10:00:30 till 10 watermark', '10:00:00–10:01:00 till 10 watermark']);
  // 10:00:00–10:01:00 is closed, 10:00:30–10:01:30 is open.
  await sell(5, '10:00:40');
  expect(late()).toEqual([]);
  await driver.advanceClock(120_000);
  expect(said()).toEqual(['10:00:30–10:01:30 till 25 idle', '10:01:00–10:02:00 till 20 idle']);
});

test('what is late does not depend on how the log is cut into batches, nor on a restart', async () => {
  const { driver, sell, late } = await salesIn(tumbling({ sizeMs: 60_000 }));
  await sell(10, '10:00:30');
  await sell(20, '10:01:00');
  // State, watermark and position come back together.
  await driver.restart();
  await sell(5, '10:00:59');
  expect(late()).toHaveLength(1);
});
