import { LIMITS } from '../limits.ts';
import type { ModernPanel } from '../model/modern-panel.ts';
import { statPanel, tablePanel } from '../model/panel-kinds.ts';

/** The newest pass of the range. */
const NEWEST_PASS = `audit_samples
WHERE at > $__toTime - INTERVAL 10 MINUTE AND at <= $__toTime
  AND at = (SELECT max(at) FROM audit_samples WHERE at > $__toTime - INTERVAL 10 MINUTE AND at <= $__toTime)`;

const differences = () =>
  statPanel({
    id: 50,
    title: 'Differences found by the auditor',
    about: {
      what: 'Records, rows and keys that are missing, there once more, altered, or said by nobody, by the newest pass of the auditor.',
      why: 'Must be zero: anything else means that a number on these dashboards is wrong.',
      action: 'Run `millrace audit`: it names topic, partition and offset, or the key.',
    },
    unit: 'locale',
    decimals: 0,
    width: 6,
    limits: LIMITS.auditDifferences,
    sql: `
SELECT sumOrNull(gaps + duplicates + altered + foreign) AS differences
FROM ${NEWEST_PASS}`,
  });

const age = () =>
  statPanel({
    id: 51,
    title: 'Oldest check',
    about: {
      what: 'Time since the part of the stores that was checked longest ago was checked, as of the end of the range.',
      why: 'A difference is found at the latest after this time. It grows where passes fail or tables are large.',
      action:
        'Look for failed audits in the log of the processors; lower MR_AUDIT_INTERVAL for large tables.',
    },
    unit: 's',
    decimals: 0,
    width: 6,
    limits: LIMITS.auditAgeSeconds,
    sql: `
SELECT dateDiff('second', minOrNull(checked_at), $__toTime) AS audit_age
FROM ${NEWEST_PASS}`,
  });

const places = () =>
  tablePanel({
    id: 52,
    title: 'What the auditor compared',
    about: {
      what: 'Each topic, table and sub-topology with keys of the newest pass: what is there, what nothing was left to compare with, and what was found.',
      why: 'Says where a difference is, and how much of the stores is proven.',
      action:
        'Unproven content comes from before the log or the journal reaches; it is watched from then on.',
    },
    unit: 'locale',
    width: 12,
    columns: {
      store: { title: 'Store', width: 100 },
      what: { title: 'Topic, table or keys' },
      there: { title: 'There', decimals: 0 },
      unproven: { title: 'Unproven', decimals: 0 },
      gaps: { title: 'Missing', decimals: 0, limits: LIMITS.auditDifferences },
      duplicates: { title: 'Doubled', decimals: 0, limits: LIMITS.auditDifferences },
      altered: { title: 'Altered', decimals: 0, limits: LIMITS.auditDifferences },
      foreign: { title: 'Foreign', decimals: 0, limits: LIMITS.auditDifferences },
    },
    sql: `
SELECT store, what, there, unproven, gaps, duplicates, altered, foreign
FROM ${NEWEST_PASS} AND there + gaps + duplicates + altered + foreign > 0
ORDER BY gaps + duplicates + altered + foreign DESC, store, what`,
  });

/** Whether the stores hold what was read and said, and nothing else. */
export function auditPanels(): readonly ModernPanel[] {
  return [differences(), age(), places()];
}
