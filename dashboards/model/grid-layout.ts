import type { PlainPanel, PlainRowPanel } from './grafana-types.ts';
import { ModernPanel } from './modern-panel.ts';

/** Columns of Grafana's grid. */
export const GRID_COLUMNS = 24;

export interface LayoutRow {
  readonly id: number;
  readonly title: string;
  readonly panels: readonly unknown[];
}

/** Places panels from left to right, a new line where the next one does not fit; each row starts with its header. */
export function layoutRows(rows: readonly LayoutRow[]): readonly (PlainPanel | PlainRowPanel)[] {
  const placed: (PlainPanel | PlainRowPanel)[] = [];
  let y = 0;
  for (const row of rows) {
    placed.push({
      id: row.id,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: GRID_COLUMNS, h: 1 },
      panels: [],
    });
    const line = { x: 0, y: y + 1, height: 0 };
    for (const panel of row.panels) placed.push(placeOne(panel, line));
    y = line.y + line.height;
  }
  return placed;
}

function placeOne(panel: unknown, line: { x: number; y: number; height: number }): PlainPanel {
  if (!(panel instanceof ModernPanel))
    throw new TypeError('a row may hold panels made by panel-kinds.ts only');
  const { width, height } = panel.spec;
  if (line.x + width > GRID_COLUMNS) {
    line.y += line.height;
    line.x = 0;
    line.height = 0;
  }
  const gridPos = { x: line.x, y: line.y, w: width, h: height };
  line.x += width;
  line.height = Math.max(line.height, height);
  return { ...panel.classic(), gridPos };
}
