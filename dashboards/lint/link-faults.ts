import type { ClassicDashboard, PlainLink } from '../model/grafana-types.ts';
import { contentPanels } from './walk.ts';

function linksOf(dashboard: ClassicDashboard): readonly PlainLink[] {
  return [...dashboard.links, ...contentPanels(dashboard).flatMap((panel) => panel.links ?? [])];
}

/** Links that lead nowhere, or lose the time range or the variables on the way. */
export function linkFaults(dashboard: ClassicDashboard, uids: ReadonlySet<string>): readonly string[] {
  return linksOf(dashboard).flatMap((link) => {
    const uid = /^\/d\/([\w-]+)/.exec(link.url ?? '')?.[1];
    return [
      uid === undefined || uids.has(uid) ? '' : `link ${link.title}: no dashboard ${uid}`,
      uid === undefined ? `link ${link.title}: does not lead to a dashboard` : '',
      link.keepTime && link.includeVars ? '' : `link ${link.title}: must keep time range and variables`,
    ].filter((fault) => fault !== '');
  });
}
