import { readFile, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** What a coordinator writes when all members of a generation have joined. */
const STABLE = /[Ss]tabilized group (\S+) generation (\d+)/g;

/** How many generations a group has had, by the logs of the brokers in the folder of a run. */
export async function countRebalances(dir: string, groupId: string): Promise<number> {
  const generations = new Set<string>();
  const files = await readdir(join(dir, 'stack', 'kafka'), { recursive: true });
  for (const file of files.filter((name) => basename(name).startsWith('server.log'))) {
    const text = await readFile(join(dir, 'stack', 'kafka', file), 'utf8');
    for (const [, group, generation] of text.matchAll(STABLE))
      if (group === groupId) generations.add(generation ?? '');
  }
  return generations.size;
}
