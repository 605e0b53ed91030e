import { join } from 'node:path';
import type { Config } from '../platform/config.ts';
import { errorText, hasCode } from '../platform/errors.ts';
import type { Logger } from '../platform/log.ts';
import { openSpill, type Spill } from '../platform/spill/index.ts';
import { StateMemory } from './runtime/state/state-memory.ts';

/** Processes on one data folder, each with a spill of its own. */
const MAX_SPILLS = 64;

/**
 * The memory that state may take in this process, and the disk for what is beyond it. Without lmdb there is no such
 * disk: then more state than fits is an error.
 */
export async function openStateMemory(
  { dataDir, processing }: Config,
  log: Logger,
): Promise<{ readonly memory: StateMemory; close(): Promise<void> }> {
  const spill = await openFreeSpill(join(dataDir, 'spill'), log);
  const memory = new StateMemory({
    limitBytes: processing.stateMemoryBytes,
    ...(spill === undefined ? {} : { spill }),
  });
  return { memory, close: async () => spill?.close() };
}

async function openFreeSpill(folder: string, log: Logger): Promise<Spill | undefined> {
  for (let number = 0; ; number++) {
    try {
      return await openSpill({ path: join(folder, String(number)) });
    } catch (error) {
      if (hasCode(error, 'MR_EMBEDDED_IN_USE') && number < MAX_SPILLS) continue;
      if (!hasCode(error, 'MR_EMBEDDED_UNAVAILABLE')) throw error;
      log.warn({ error: errorText(error) }, 'state that does not fit in memory has nowhere to go');
      return undefined;
    }
  }
}
