import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../platform/config.ts';
import { repairLog, type RepairReport } from '../../platform/kafka/embedded/index.ts';
import { defineCommand } from '../command.ts';
import { withSession } from '../session.ts';

/** What is wrong and what it costs, a line for each. */
function tell({ faults, lost, movedBack, unknownBytes }: RepairReport, note: (line: string) => void): void {
  for (const { file, position, bytes, what } of faults)
    note(`damaged: ${file}, byte ${position}, ${bytes} bytes: ${what}`);
  for (const { topic, partition, firstOffset, lastOffset, records } of lost)
    note(`lost: ${topic}/${partition}, offsets ${firstOffset} to ${lastOffset}, ${records} records at most`);
  if (unknownBytes > 0) note(`nobody can tell what another ${unknownBytes} bytes held`);
  for (const { groupId, topic, partition, from, to } of movedBack)
    note(`group ${groupId} goes back on ${topic}/${partition} from offset ${from} to ${to ?? 'its start'}`);
}

function verdict(report: RepairReport, dryRun: boolean): string {
  if (report.faults.length === 0) return 'the log is whole; there is nothing to repair';
  if (dryRun) return 'nothing was changed: run `millrace repair` without --dry-run to cut this out';
  return `the log is whole again; the files as they were are kept in ${report.keptIn ?? ''}`;
}

export const repairCommand = defineCommand({
  usage: '[--dry-run] [--data-dir <folder>]',
  details:
    'Reads the whole embedded log and checks every sum. Where it is damaged, cuts it back to the last commits that are\n' +
    'whole, moves consumer groups back with them, keeps the replaced files in <data folder>/log/damaged and leaves a log\n' +
    'that opens. docs/embedded-log.md says what stays. The last line is JSON.',
  options: {
    'dry-run': { type: 'boolean', about: 'only tell what is damaged and what a repair would cost' },
    'data-dir': { type: 'string', placeholder: '<folder>', about: 'data folder; MR_DATA_DIR where absent' },
  },
  positionals: { min: 0, max: 0 },
  examples: [
    ['repair --dry-run', 'tell what is damaged'],
    ['repair', 'cut it out'],
  ],
  async run({ options, print, note }) {
    const dataDir = options['data-dir'];
    const config = loadConfig(dataDir === undefined ? {} : { MR_DATA_DIR: dataDir });
    const dir = join(config.dataDir, 'log');
    const dryRun = options['dry-run'];
    const report = await withSession(config, 'repair', async ({ own }) => {
      if (existsSync(config.dataDir)) await own(); // nobody may open the folder meanwhile, whichever engine it is for
      return repairLog({ dir, dryRun, now: Date.now });
    });
    tell(report, note);
    note(
      existsSync(dir)
        ? verdict(report, dryRun)
        : `there is no log in ${dir}: MR_DATA_DIR names the data folder`,
    );
    print(JSON.stringify({ dir, dryRun, ...report, keptIn: report.keptIn ?? null }));
    return report.faults.length > 0 && dryRun ? 1 : 0;
  },
});
