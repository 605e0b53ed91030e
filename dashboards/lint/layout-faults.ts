import type { ClassicDashboard, PlainPanel, PlainRowPanel } from '../model/grafana-types.ts';
import { GRID_COLUMNS } from '../model/grid-layout.ts';

type Placed = PlainPanel | PlainRowPanel;

function overlap(a: Placed, b: Placed): boolean {
  if (a.gridPos === undefined || b.gridPos === undefined) return false;
  const beside = a.gridPos.x + a.gridPos.w <= b.gridPos.x || b.gridPos.x + b.gridPos.w <= a.gridPos.x;
  const below = a.gridPos.y + a.gridPos.h <= b.gridPos.y || b.gridPos.y + b.gridPos.h <= a.gridPos.y;
  return !beside && !below;
}

function placeFault(panel: Placed): readonly string[] {
  const name = `panel ${panel.id ?? '?'}`;
  if (panel.gridPos === undefined) return [`${name}: no gridPos`];
  const { x, y, w, h } = panel.gridPos;
  const inside = x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= GRID_COLUMNS;
  return inside ? [] : [`${name}: outside of the grid of ${GRID_COLUMNS} columns`];
}

/** Panels outside of the grid or on top of each other. */
export function layoutFaults(dashboard: ClassicDashboard): readonly string[] {
  const { panels } = dashboard;
  const overlaps = panels.flatMap((panel, index) =>
    panels
      .slice(index + 1)
      .filter((other) => overlap(panel, other))
      .map((other) => `panels ${panel.id ?? '?'} and ${other.id ?? '?'} overlap`),
  );
  return [...panels.flatMap(placeFault), ...overlaps];
}
