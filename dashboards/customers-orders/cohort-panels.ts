import { tablePanel, type ColumnSpec } from '../model/panel-kinds.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { majorUnits } from '../sql-fragments.ts';

/** Periods that a triangle shows after the first. */
const PERIODS = 12;
const COHORTS = 24;

/** A column for each period, empty where it has not come yet. */
function triangle(granularity: 'month' | 'week') {
  const periods = Array.from({ length: PERIODS }, (_, index) => index + 1);
  const columns: Record<string, ColumnSpec> = {
    first_order: {
      title: granularity === 'month' ? 'First order in' : 'Week from',
      unit: 'none',
      width: 110,
    },
    customers: { title: 'Buyers', unit: 'locale', decimals: 0, width: 80 },
  };
  for (const period of periods) columns[`period_${period}`] = { title: `+${period}`, decimals: 1 };
  const sql = `
SELECT toString(cohort) AS first_order, max(cohort_buyers) AS customers,
  ${periods.map((n) => `maxOrNullIf(retention, period = ${n}) AS period_${n}`).join(',\n  ')}
FROM retention_triangle
WHERE granularity = '${granularity}'
GROUP BY cohort
ORDER BY cohort DESC
LIMIT ${COHORTS}`;
  return { columns, sql };
}

const byMonth = () =>
  tablePanel({
    id: 40,
    title: 'Retention by month',
    about: {
      what: 'Buyers by the month of their first order, and the share of them who ordered again so many months later. Every order that was placed counts; all channels; not bound to the range.',
      why: 'Growth that does not come back is bought; a young row above the older ones in the same column is a better shop.',
      action: 'A row that falls behind the others: see which campaign or channel brought these buyers.',
    },
    unit: 'percentunit',
    width: 24,
    height: 9,
    ...triangle('month'),
  });

const byWeek = () =>
  tablePanel({
    id: 41,
    title: 'Retention by week',
    about: {
      what: 'The same by weeks from Monday to Sunday.',
      why: 'Shows within weeks what the months show in a quarter.',
      action: 'Compare the weeks before and after a change of the shop in the columns +1 to +4.',
    },
    unit: 'percentunit',
    width: 24,
    height: 9,
    ...triangle('week'),
  });

const worth = () =>
  tablePanel({
    id: 42,
    title: 'What cohorts have ordered',
    about: {
      what: 'Ordered so far by the buyers of each month, in all and for each buyer of it, by currency. Cancelled orders are included.',
      why: 'What a new buyer is worth, to hold against what it costs to win one.',
      action: 'Compare cohorts of the same age only: older ones have had more time.',
    },
    unit: 'locale',
    width: 12,
    columns: {
      first_order: { title: 'First order in', unit: 'none', width: 120 },
      currency: { title: 'Currency', width: 90 },
      customers: { title: 'Buyers', decimals: 0, width: 90 },
      ordered: { title: 'Ordered', decimals: 2 },
      per_buyer: { title: 'For each buyer', decimals: 2 },
    },
    sql: `
SELECT toString(cohort) AS first_order, currency, max(cohort_buyers) AS customers,
  ${majorUnits('argMax(cumulative_minor, period)')} AS ordered, ordered / customers AS per_buyer
FROM cohort_revenue
WHERE granularity = 'month'
GROUP BY cohort, currency
ORDER BY cohort DESC, customers DESC, currency
LIMIT 100`,
  });

const trending = () =>
  tablePanel({
    id: 43,
    title: 'Trending items by segment',
    about: {
      what: 'The five items that users of each segment, and everybody together, want most at the end of the range. A score is the number of views, a cart counting three and a purchase ten, halved every 30 minutes.',
      why: 'What to show to whom now.',
      action: 'An item that one segment alone wants: place it where that segment looks.',
    },
    unit: 'locale',
    width: 12,
    columns: {
      users_of: { title: 'Segment', width: 140 },
      place: { title: 'Rank', decimals: 0, width: 70 },
      item_id: { title: 'Item' },
      points: { title: 'Score', decimals: 1, width: 90 },
    },
    sql: `
SELECT if(segment = '', 'everybody', segment) AS users_of, rank AS place, item_id, score AS points
FROM segment_trending
WHERE (segment, window_start) IN (
  SELECT segment, max(window_start) FROM segment_trending_minute WHERE $__timeFilter(window_start) GROUP BY segment
)
  AND rank <= 5
ORDER BY users_of, place
LIMIT 100`,
  });

/** Who comes back, and what for. */
export function cohortPanels(): readonly ModernPanel[] {
  return [byMonth(), byWeek(), worth(), trending()];
}
