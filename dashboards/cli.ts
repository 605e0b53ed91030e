/** What the command `millrace dashboards [--check]` calls. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { check, renderDashboards } from './build.ts';
import { lintAll } from './lint.ts';

/** Writes every file of Grafana below `root` and returns their paths. */
export function generateDashboards(root: string): readonly string[] {
  return renderDashboards().map((file) => {
    const path = join(root, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.text);
    return file.path;
  });
}

/** What is wrong with the dashboards or their files below `root`, one line each; empty where all is well. */
export function checkDashboards(root: string): readonly string[] {
  return [...lintAll(), ...check(root)];
}
