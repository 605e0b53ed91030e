import { allDashboards } from './build.ts';
import { alertFaults } from './lint/alert-faults.ts';
import { layoutFaults } from './lint/layout-faults.ts';
import { linkFaults } from './lint/link-faults.ts';
import { panelFaults } from './lint/panel-faults.ts';
import { sqlFaults } from './lint/sql-faults.ts';
import type { ClassicDashboard } from './model/grafana-types.ts';
import { alertingFile, type AlertingFile } from './provisioning.ts';

function dashboardFaults(dashboard: ClassicDashboard, uids: ReadonlySet<string>): readonly string[] {
  return [
    /^[a-z0-9-]{1,40}$/.test(dashboard.uid) ? '' : 'uid needs a-z, 0-9 and -, at most 40',
    dashboard.schemaVersion === 42 ? '' : 'schemaVersion is not 42',
    'rows' in dashboard ? 'rows belong to the old model' : '',
    dashboard.templating.list[0]?.name === 'datasource' ? '' : 'the first variable must be datasource',
    ...panelFaults(dashboard),
    ...layoutFaults(dashboard),
    ...sqlFaults(dashboard),
    ...linkFaults(dashboard, uids),
  ].filter((fault) => fault !== '');
}

/** What Grafana would take without a word and then show wrongly or not at all, one line each. */
export function lint(dashboards: readonly ClassicDashboard[], alerting: AlertingFile): readonly string[] {
  const uids = dashboards.map((dashboard) => dashboard.uid);
  const titles = dashboards.map((dashboard) => dashboard.title);
  return [
    ...uids.filter((uid, index) => uids.indexOf(uid) !== index).map((uid) => `uid ${uid} is used twice`),
    ...titles
      .filter((title, index) => titles.indexOf(title) !== index)
      .map((title) => `two dashboards are titled ${title}`),
    ...dashboards.flatMap((dashboard) =>
      dashboardFaults(dashboard, new Set(uids)).map((fault) => `${dashboard.uid}: ${fault}`),
    ),
    ...alertFaults(alerting, dashboards),
  ];
}

/** The faults of what is in the repository; empty where all is well. */
export function lintAll(): readonly string[] {
  return lint(allDashboards(), alertingFile());
}
