import type { PlainLink } from './grafana-types.ts';

/** Link to another dashboard that keeps the time range and the variables. */
export function dashboardLink(uid: string, title: string, tooltip: string): PlainLink {
  return {
    type: 'link',
    title,
    tooltip,
    url: `/d/${uid}`,
    icon: 'dashboard',
    tags: [],
    asDropdown: false,
    targetBlank: false,
    keepTime: true,
    includeVars: true,
  };
}
