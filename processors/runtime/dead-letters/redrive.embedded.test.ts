import { onTestFinished, describe } from 'vitest';
import { openEmbeddedLog } from '../../../platform/kafka/embedded/index.ts';
import { silentLogger } from '../../../platform/log.ts';
import { temporaryDir } from '../../../test/harness/temporary-dir.ts';
import { redriveContract } from './redrive.contract.ts';

describe('redrive on the embedded log', () => {
  redriveContract(async () => {
    const kafka = await openEmbeddedLog({ dir: await temporaryDir(), log: silentLogger(), fsync: false });
    onTestFinished(() => kafka.close());
    return kafka;
  });
});
