import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { StackService } from '../../../cli/stack/state.ts';

/** What a coordinator writes when all members of a generation have joined. */
const STABLE = /[Ss]tabilized group (\S+) generation (\d+)/g;

/** How many generations a group has had, by the logs of the brokers. */
export async function countRebalances(brokers: readonly StackService[], groupId: string): Promise<number> {
  const generations = new Set<string>();
  for (const { dir } of brokers) {
    for (const name of await readdir(dir)) {
      if (!name.startsWith('server.log')) continue;
      for (const [, group, generation] of (await readFile(join(dir, name), 'utf8')).matchAll(STABLE))
        if (group === groupId) generations.add(generation ?? '');
    }
  }
  return generations.size;
}
