import { loadConfig } from '../../platform/config.ts';
import { ensureTopics, openLog } from '../backends.ts';
import { defineCommand } from '../command.ts';
import { withSession } from '../session.ts';

export const topicsCommand = defineCommand({
  usage: '',
  details:
    'Creates the topics of the contract that are missing and checks the partition counts of the others.',
  options: {},
  positionals: { min: 0, max: 0 },
  examples: [['topics', 'create the topics of MR_NAMESPACE on MR_KAFKA_BROKERS, or in the embedded log']],
  run: ({ print }) =>
    withSession(loadConfig(), 'topics', async (session) => {
      const { config } = session;
      const kafka = await openLog(session);
      const names = await ensureTopics(config, kafka);
      const counts = await kafka.admin.partitionCounts(names);
      for (const name of names) print(`${name}\t${counts.get(name) ?? 0}`);
      return 0;
    }),
});
