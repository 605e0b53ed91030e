import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../log.ts';
import { kafkaContract } from '../kafka.contract.ts';
import { openEmbeddedLog } from './embedded-log.ts';

kafkaContract('embedded log', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'mr-log-'));
  const log = silentLogger();
  let kafka = await openEmbeddedLog({ dir, log });
  return {
    kafka,
    reopen: async () => {
      await kafka.close();
      kafka = await openEmbeddedLog({ dir, log });
      return kafka;
    },
    close: async () => {
      await kafka.close();
      await rm(dir, { recursive: true });
    },
  };
});
