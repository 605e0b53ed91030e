import { readTable } from './stores.ts';
import type { Findings } from './findings.ts';
import type { Case } from './case.ts';
import {
  channelSales,
  cohorts,
  itemMinutes,
  lastStates,
  salesMinutes,
  shopMinutes,
  type Table,
} from './windows.ts';

const CHANNEL_SALES = [
  'orders',
  'ordered_minor',
  'captured_payments',
  'captured_minor',
  'refunds',
  'refunded_minor',
  'charge_backs',
  'charged_back_minor',
  'failed_payments',
];
const START = 'toUnixTimestamp64Milli(window_start)';
const COHORTS = `(SELECT granularity, cohort, period, sum(c.buyers) AS buyers, sum(c.orders) AS orders
  FROM cohort_retention AS c FINAL GROUP BY granularity, cohort, period)`;

/**
 * Windows and states as analysts see them, by the views. Answers how many rows were compared.
 * @param missed eventIds that came after their minute had closed
 */
export async function checkTables(
  { events, clickhouse, findings }: Case,
  missed: ReadonlySet<string>,
): Promise<number> {
  let checked = 0;
  const check = async (from: string, wanted: Table, keys: readonly string[], figures: readonly string[]) => {
    const found = await readTable(clickhouse, from, { keys, figures });
    checked += compareTables(findings, from.startsWith('(') ? 'cohort_retention' : from, { wanted, found });
  };
  await check(
    'shop_by_minute',
    shopMinutes(events, missed),
    [START, 'channel'],
    [...['page_views', 'product_views', 'searches', 'cart_adds', 'checkouts', 'recommendation_clicks']],
  );
  await check('item_by_minute', itemMinutes(events, missed), [START, 'item_id'], ['views', 'cart_adds']);
  await check(
    'sales_by_minute',
    salesMinutes(events, missed),
    [START, 'currency'],
    [
      ...[
        'orders',
        'ordered_minor',
        'captured_payments',
        'captured_minor',
        'failed_payments',
        'refunded_minor',
      ],
    ],
  );
  const place = ['currency', 'channel', 'mode'];
  await check('channel_sales_by_minute', channelSales(events, 'minute'), [START, ...place], CHANNEL_SALES);
  const day = ['toUnixTimestamp64Milli(day_start)', ...place];
  await check('channel_sales_by_day', channelSales(events, 'day'), day, CHANNEL_SALES);
  await check(COHORTS, cohorts(events), ['granularity', 'cohort', 'period'], ['buyers', 'orders']);
  return checked + (await checkStates({ events, clickhouse, findings }));
}

/** Rows that are no sums: what was said last of each item and user. */
async function checkStates({
  events,
  clickhouse,
  findings,
}: Pick<Case, 'events' | 'clickhouse' | 'findings'>): Promise<number> {
  const { items, users } = lastStates(events);
  const wantedItems = new Map(
    [...items.values()].map(({ itemId, price, active }) => [
      itemId,
      { price_minor: price.amountMinor, is_active: active ? 1 : 0 },
    ]),
  );
  const foundItems = await readTable(clickhouse, 'items FINAL', {
    keys: ['item_id'],
    figures: ['price_minor', 'toUInt8(active) AS is_active'],
  });
  const wantedUsers = new Map(
    [...users.values()].map(({ userId, segment, eventTime }) => [
      `${userId}|${segment ?? ''}`,
      { event_time_ms: eventTime },
    ]),
  );
  const foundUsers = await readTable(clickhouse, 'users FINAL', {
    keys: ['user_id', 'segment'],
    figures: ['toUnixTimestamp64Milli(event_time) AS event_time_ms'],
  });
  return (
    compareTables(findings, 'items', { wanted: wantedItems, found: foundItems }) +
    compareTables(findings, 'users', { wanted: wantedUsers, found: foundUsers })
  );
}

/** Compares row by row; a figure that is absent is 0. Answers how many rows there were. */
export function compareTables(
  findings: Findings,
  name: string,
  { wanted, found }: { readonly wanted: Table; readonly found: Table },
): number {
  const keys = new Set([...wanted.keys(), ...found.keys()]);
  for (const key of keys) {
    const [want = {}, have = {}] = [wanted.get(key), found.get(key)];
    const faults = [...new Set([...Object.keys(want), ...Object.keys(have)])].flatMap((figure) => {
      const [right, is] = [want[figure] ?? 0, have[figure] ?? 0];
      return right === is ? [] : [`${figure} is ${is}, not ${right}`];
    });
    if (faults.length > 0) findings.add('wrong-window', `${name} ${key}: ${faults.join(', ')}`);
  }
  return keys.size;
}
