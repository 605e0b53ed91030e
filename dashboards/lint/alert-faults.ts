import type { ClassicDashboard } from '../model/grafana-types.ts';
import { DATASOURCE_UID } from '../model/variables.ts';
import type { AlertingFile } from '../provisioning.ts';
import { macroFaults, variablesIn } from './sql-faults.ts';

type Rule = AlertingFile['groups'][number]['rules'][number];

function sqlOf(rule: Rule): readonly string[] {
  return rule.data.flatMap((item) => ('rawSql' in item.model ? [item.model.rawSql] : []));
}

function ruleFaults(rule: Rule, dashboards: readonly ClassicDashboard[]): readonly string[] {
  const dashboard = dashboards.find(({ uid }) => uid === rule.dashboardUid);
  const refIds = rule.data.map((item) => item.refId);
  const texts = [...Object.values(rule.annotations), ...Object.values(rule.labels)];
  return [
    dashboard === undefined ? `no dashboard ${rule.dashboardUid}` : '',
    dashboard?.panels.some((panel) => panel.id === rule.panelId) === false ? `no panel ${rule.panelId}` : '',
    new Set(refIds).size === refIds.length ? '' : 'a refId is used twice',
    refIds.includes(rule.condition) ? '' : `condition ${rule.condition} is no refId`,
    rule.data.every((item) => [DATASOURCE_UID, '__expr__'].includes(item.datasourceUid))
      ? ''
      : 'a query names another data source',
    // Grafana expands environment variables in these texts.
    texts.some((text) => text.includes('$')) ? 'a text holds a $' : '',
    ...sqlOf(rule).flatMap((sql) => [
      ...variablesIn(sql).map((name) => `template variable ${name} in an alert`),
      ...(sql.includes('$__conditionalAll') ? ['$__conditionalAll in an alert'] : []),
      ...macroFaults(sql, []),
    ]),
  ].filter((fault) => fault !== '');
}

/** Alert rules without their panel, with template variables, or with broken references. */
export function alertFaults(file: AlertingFile, dashboards: readonly ClassicDashboard[]): readonly string[] {
  const rules = file.groups.flatMap((group) => group.rules);
  const uids = rules.map((rule) => rule.uid);
  return [
    ...uids
      .filter((uid, index) => uids.indexOf(uid) !== index)
      .map((uid) => `alert uid ${uid} is used twice`),
    ...rules.flatMap((rule) => ruleFaults(rule, dashboards).map((fault) => `alert ${rule.uid}: ${fault}`)),
  ];
}
