import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../schemas/package-root.ts';
import { allDashboards, check, renderDashboards } from './build.ts';
import { checkDashboards, generateDashboards } from './cli.ts';
import { contentPanels } from './lint/walk.ts';
import { DATASOURCE_ENVIRONMENT } from './provisioning.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-dashboards-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the files in the repository', () => {
  it('are what the code makes (run `millrace dashboards` after a change)', () => {
    expect(check(PACKAGE_ROOT)).toEqual([]);
  });

  it('come out the same twice in one process: no id depends on what was made before', () => {
    expect(renderDashboards()).toEqual(renderDashboards());
  });

  it('hold no password, only the name of its variable', () => {
    const text = renderDashboards().find(({ path }) => path.includes('/datasources/'))?.text;
    expect(text).toContain(`password: "$${DATASOURCE_ENVIRONMENT.password}"`);
  });
});

describe('generate and check', () => {
  it('find nothing after generating, and name each difference', () => {
    expect(check(root)).toHaveLength(renderDashboards().length);
    const paths = generateDashboards(root);
    expect(checkDashboards(root)).toEqual([]);
    const [first = '', second = ''] = paths;
    writeFileSync(
      join(root, first),
      readFileSync(join(root, first), 'utf8').replace('"id": 1,', '"id": 99,'),
    );
    rmSync(join(root, second));
    writeFileSync(join(root, 'dashboards/json/old.json'), '{}');
    expect(check(root)).toEqual([
      `${first}: differs from what the code makes`,
      `${second}: missing`,
      'dashboards/json/old.json: nothing makes this file',
    ]);
  });
});

describe('every dashboard', () => {
  it.each(allDashboards().map((dashboard) => [dashboard.uid, dashboard] as const))(
    '%s: an overview that opens with a row of numbers',
    (_, dashboard) => {
      const panels = contentPanels(dashboard);
      expect(panels.length).toBeGreaterThanOrEqual(8);
      expect(panels.length).toBeLessThanOrEqual(24);
      const top = panels.filter((panel) => panel.gridPos?.y === 1);
      expect(new Set(top.map((panel) => panel.type))).toEqual(new Set(['stat']));
      expect(top.reduce((width, panel) => width + (panel.gridPos?.w ?? 0), 0)).toBe(24);
    },
  );

  it.each(allDashboards().map((dashboard) => [dashboard.uid, dashboard] as const))(
    '%s: holds none of the keys of the Angular era',
    (_, dashboard) => {
      const text = JSON.stringify(dashboard);
      for (const key of ['rows', 'span', 'style', 'hideControls', 'sharedCrosshair', 'originalTitle']) {
        expect(text).not.toContain(`"${key}":`);
      }
    },
  );
});
