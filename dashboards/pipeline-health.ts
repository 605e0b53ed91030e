import { builtInAnnotation, queryAnnotation } from './model/annotations.ts';
import { dashboardLink } from './model/links.ts';
import { ModernDashboard } from './model/modern-dashboard.ts';
import { datasourceVariable, queryVariable } from './model/variables.ts';
import { auditPanels } from './pipeline-health/audit-panels.ts';
import { correctnessPanels } from './pipeline-health/correctness-panels.ts';
import { flowPanels } from './pipeline-health/flow-panels.ts';
import { nowPanels } from './pipeline-health/now-panels.ts';
import { storagePanels } from './pipeline-health/storage-panels.ts';
import { taskPanels } from './pipeline-health/task-panels.ts';
import { PIPELINE_HEALTH_UID, SHOP_LIVE_UID } from './dashboard-uids.ts';
import { taskGrowth } from './sql-fragments.ts';

const processStarts = `
SELECT min(at) AS time, concat('Process started: ', instance) AS text, 'start' AS tags
FROM pipeline_samples
WHERE at >= $__fromTime - INTERVAL 1 HOUR AND at <= $__toTime
GROUP BY instance
HAVING time >= $__fromTime
ORDER BY time`;

const deadLetterMarks = `
SELECT at AS time, concat(toString(sum(added)), ' dead letters in ', subtopology) AS text, 'dead-letter' AS tags
FROM ${taskGrowth('dead_letters')}
WHERE at >= $__fromTime AND added > 0
GROUP BY at, subtopology
ORDER BY time DESC
LIMIT 200`;

/** Whether the pipeline is fresh, complete and fast enough, and which task is to blame where it is not. */
export function pipelineHealthDashboard(): ModernDashboard {
  return new ModernDashboard({
    uid: PIPELINE_HEALTH_UID,
    title: 'Pipeline health',
    description: 'Freshness, lag, errors, commits, state and storage of the stream processors.',
    tags: ['millrace', 'pipeline'],
    timeFrom: 'now-1h',
    refresh: '10s',
    variables: [
      datasourceVariable(),
      queryVariable({
        name: 'subtopology',
        label: 'Sub-topology',
        description: 'Parts of the processing between two topics.',
        sql: 'SELECT DISTINCT subtopology FROM pipeline_samples WHERE at > now() - INTERVAL 1 DAY ORDER BY subtopology',
      }),
    ],
    annotations: [
      builtInAnnotation(),
      queryAnnotation({ name: 'Process starts', color: 'blue', sql: processStarts, enabled: true }),
      queryAnnotation({ name: 'Dead letters', color: 'red', sql: deadLetterMarks, enabled: true }),
    ],
    links: [dashboardLink(SHOP_LIVE_UID, 'Shop live', 'What happens in the shop')],
    rows: [
      { id: 101, title: 'Now', panels: nowPanels() },
      { id: 102, title: 'Lag, freshness and load', panels: flowPanels() },
      { id: 103, title: 'Correctness', panels: correctnessPanels() },
      { id: 106, title: 'Audit', panels: auditPanels() },
      { id: 104, title: 'Tasks', panels: taskPanels() },
      { id: 105, title: 'Storage', panels: storagePanels() },
    ],
  });
}
