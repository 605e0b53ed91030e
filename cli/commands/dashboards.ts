import { checkDashboards, generateDashboards } from '../../dashboards/cli.ts';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { defineCommand } from '../command.ts';

export const dashboardsCommand = defineCommand({
  usage: '[--check]',
  details: 'Writes the Grafana dashboards, data source and alert rules from their code.',
  options: { check: { type: 'boolean', about: 'write nothing; fail where the committed files differ' } },
  positionals: { min: 0, max: 0 },
  examples: [
    ['dashboards', 'write dashboards/json and dashboards/provisioning'],
    ['dashboards --check', 'what CI runs'],
  ],
  async run({ options, print, note }) {
    if (!options.check) {
      for (const path of generateDashboards(PACKAGE_ROOT)) print(path);
      return 0;
    }
    const differences = checkDashboards(PACKAGE_ROOT);
    for (const difference of differences) note(difference);
    return differences.length === 0 ? 0 : 1;
  },
});
