import type { ClassicDashboard, PlainPanel } from '../model/grafana-types.ts';
import { UNITS } from '../model/units.ts';
import { contentPanels, panelQueries } from './walk.ts';

/** Panel types of today's Grafana that model/panel-kinds.ts makes; `graph` and `singlestat` are gone. */
const PANEL_TYPES = new Set(['timeseries', 'stat', 'table', 'bargauge', 'text']);
const KNOWN_UNITS: ReadonlySet<string> = new Set(UNITS);
const VARIABLE_DATASOURCE = '${datasource}';

function duplicates<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

function unitsOf(panel: PlainPanel): readonly string[] {
  const overridden = (panel.fieldConfig?.overrides ?? []).flatMap((override) =>
    override.properties
      .filter((property) => property.id === 'unit')
      .map((property) => String(property.value)),
  );
  const unit = panel.fieldConfig?.defaults.unit;
  return unit === undefined ? overridden : [unit, ...overridden];
}

function faultsOf(panel: PlainPanel): readonly string[] {
  const queries = panelQueries(panel);
  const isText = panel.type === 'text';
  const blank = (text: string | undefined) => text === undefined || text.trim() === '';
  return [
    PANEL_TYPES.has(panel.type) ? '' : `type ${panel.type} is not known`,
    blank(panel.title) ? 'no title' : '',
    blank(panel.description) ? 'no description' : '',
    !isText && panel.fieldConfig?.defaults.unit === undefined ? 'no unit' : '',
    !isText && panel.fieldConfig?.defaults.thresholds === undefined ? 'no thresholds' : '',
    !isText && queries.length === 0 ? 'no query' : '',
    panel.type === 'timeseries' && panel.interval === undefined ? 'no smallest interval' : '',
    panel.datasource?.uid === VARIABLE_DATASOURCE ? '' : `data source is not ${VARIABLE_DATASOURCE}`,
    ...unitsOf(panel)
      .filter((unit) => !KNOWN_UNITS.has(unit))
      .map((unit) => `unit ${unit} is not known`),
    ...queries
      .filter((query) => query.datasourceUid !== VARIABLE_DATASOURCE)
      .map((query) => `query ${query.refId}: data source is not ${VARIABLE_DATASOURCE}`),
    ...duplicates(queries.map((query) => query.refId)).map((refId) => `refId ${refId} is used twice`),
  ].filter((fault) => fault !== '');
}

/** Ids, types, texts, units, data sources and refIds of the panels. */
export function panelFaults(dashboard: ClassicDashboard): readonly string[] {
  const ids = dashboard.panels.map((panel) => panel.id ?? 0);
  const titles = contentPanels(dashboard).map((panel) => panel.title ?? '');
  return [
    ...duplicates(ids).map((id) => `panel id ${id} is used twice`),
    ...duplicates(titles).map((title) => `two panels are titled ${title}`),
    ...ids.filter((id) => id <= 0).map(() => 'a panel has no id'),
    ...contentPanels(dashboard).flatMap((panel) =>
      faultsOf(panel).map((fault) => `panel ${panel.id ?? '?'}: ${fault}`),
    ),
  ];
}
