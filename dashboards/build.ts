import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { customersOrdersDashboard } from './customers-orders.ts';
import type { ClassicDashboard } from './model/grafana-types.ts';
import { pipelineHealthDashboard } from './pipeline-health.ts';
import { alertingFile, datasourceFile, providerFile } from './provisioning.ts';
import { shopLiveDashboard } from './shop-live.ts';
import { toYaml, type YamlValue } from './yaml.ts';

export interface RenderedFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

const JSON_FOLDER = 'dashboards/json';
const PROVISIONING_FOLDER = 'dashboards/provisioning';
const HEADER = '# Made by `millrace dashboards`; do not edit.\n';

/** Every dashboard, in the order of their files. */
export function allDashboards(): readonly ClassicDashboard[] {
  return [
    pipelineHealthDashboard().classic(),
    shopLiveDashboard().classic(),
    customersOrdersDashboard().classic(),
  ];
}

function yamlFile(name: string, value: YamlValue): RenderedFile {
  return { path: `${PROVISIONING_FOLDER}/${name}`, text: HEADER + toYaml(value) };
}

/** Every file that Grafana reads, with the text it must have. The same input gives the same bytes. */
export function renderDashboards(): readonly RenderedFile[] {
  return [
    ...allDashboards().map((dashboard) => ({
      path: `${JSON_FOLDER}/${dashboard.uid}.json`,
      text: `${JSON.stringify(dashboard, null, 2)}\n`,
    })),
    yamlFile('datasources/clickhouse.yaml', datasourceFile()),
    yamlFile('dashboards/millrace.yaml', providerFile()),
    yamlFile('alerting/millrace.yaml', alertingFile()),
  ];
}

function filesBelow(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll(sep, '/'));
}

/** What differs between the files below `root` and what the code makes, one line each; empty where they agree. */
export function check(root: string): string[] {
  const rendered = renderDashboards();
  const expected = new Set(rendered.map((file) => file.path));
  const wrong = rendered.flatMap((file) => {
    const path = join(root, file.path);
    if (!existsSync(path)) return [`${file.path}: missing`];
    return readFileSync(path, 'utf8') === file.text ? [] : [`${file.path}: differs from what the code makes`];
  });
  const unknown = [JSON_FOLDER, PROVISIONING_FOLDER]
    .flatMap((folder) => filesBelow(root, folder))
    .filter((path) => !expected.has(path))
    .map((path) => `${path}: nothing makes this file`);
  return [...wrong, ...unknown];
}
