/** Grafana's provisioning files as values: data source, dashboard provider, alert rules. */
import { ALERT_RULES, type AlertRule } from './alert-rules.ts';
import { PLUGIN_VERSION, TARGET_FORMATS } from './model/clickhouse-target.ts';
import { CLICKHOUSE } from './model/grafana-types.ts';
import { DATASOURCE_NAME, DATASOURCE_UID } from './model/variables.ts';
import type { YamlValue } from './yaml.ts';

const ORG_ID = 1;
const FOLDER = 'Millrace';
/** Evaluation of the rules. */
const EVERY = '30s';
/** Grafana's own expression engine: reduce and threshold. */
const EXPRESSIONS = '__expr__';

/** Where the place of ClickHouse comes from: the environment of the Grafana server. */
export const DATASOURCE_ENVIRONMENT = {
  host: 'CLICKHOUSE_HOST',
  port: 'CLICKHOUSE_HTTP_PORT',
  database: 'CLICKHOUSE_DATABASE',
  user: 'CLICKHOUSE_GRAFANA_USER',
  password: 'CLICKHOUSE_GRAFANA_PASSWORD',
} as const;

export function datasourceFile(): YamlValue {
  const from = DATASOURCE_ENVIRONMENT;
  return {
    apiVersion: 1,
    datasources: [
      {
        name: DATASOURCE_NAME,
        uid: DATASOURCE_UID,
        type: CLICKHOUSE.type,
        access: 'proxy',
        isDefault: false,
        editable: false,
        jsonData: {
          host: `$${from.host}`,
          port: `$${from.port}`,
          protocol: 'http',
          secure: false,
          tlsSkipVerify: false,
          username: `$${from.user}`,
          defaultDatabase: `$${from.database}`,
          dialTimeout: '10',
          // The client asks the server for a few seconds more; that must stay below the limit of the read-only user.
          queryTimeout: '30',
        },
        secureJsonData: { password: `$${from.password}` },
      },
    ],
  };
}

export function providerFile(): YamlValue {
  return {
    apiVersion: 1,
    providers: [
      {
        name: 'millrace',
        orgId: ORG_ID,
        folder: FOLDER,
        folderUid: 'millrace',
        type: 'file',
        disableDeletion: true,
        allowUiUpdates: false,
        updateIntervalSeconds: 30,
        options: { path: '/var/lib/grafana/dashboards/millrace', foldersFromFilesStructure: false },
      },
    ],
  };
}

function ruleData(rule: AlertRule) {
  const expression = { type: EXPRESSIONS, uid: EXPRESSIONS };
  return [
    {
      refId: 'A',
      relativeTimeRange: { from: rule.windowSeconds, to: 0 },
      datasourceUid: DATASOURCE_UID,
      model: {
        refId: 'A',
        datasource: { type: CLICKHOUSE.type, uid: DATASOURCE_UID },
        pluginVersion: PLUGIN_VERSION,
        editorType: 'sql',
        queryType: 'table',
        format: TARGET_FORMATS.table,
        rawSql: rule.sql.trim(),
        intervalMs: 1000,
        maxDataPoints: 43_200,
      },
    },
    {
      refId: 'B',
      relativeTimeRange: { from: rule.windowSeconds, to: 0 },
      datasourceUid: EXPRESSIONS,
      model: { refId: 'B', type: 'reduce', expression: 'A', reducer: 'last', datasource: expression },
    },
    {
      refId: 'C',
      relativeTimeRange: { from: rule.windowSeconds, to: 0 },
      datasourceUid: EXPRESSIONS,
      model: {
        refId: 'C',
        type: 'threshold',
        expression: 'B',
        conditions: [{ evaluator: { type: 'gt', params: [rule.above] } }],
        datasource: expression,
      },
    },
  ];
}

/** No rows mean silence of the processors, which has its own rule; the others stay quiet then. */
const NO_DATA_STATE = 'OK';

export function alertingFile(rules: readonly AlertRule[] = ALERT_RULES) {
  return {
    apiVersion: 1,
    groups: [
      {
        orgId: ORG_ID,
        name: 'millrace',
        folder: FOLDER,
        interval: EVERY,
        rules: rules.map((rule) => ({
          uid: rule.uid,
          title: rule.title,
          condition: 'C',
          data: ruleData(rule),
          dashboardUid: rule.dashboardUid,
          panelId: rule.panelId,
          for: rule.forDuration,
          noDataState: NO_DATA_STATE,
          execErrState: 'Error',
          annotations: { summary: rule.summary, description: rule.action },
          labels: { severity: rule.severity, product: 'millrace' },
          isPaused: false,
        })),
      },
    ],
  };
}
export type AlertingFile = ReturnType<typeof alertingFile>;
