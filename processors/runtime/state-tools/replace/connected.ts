import { channelsOf, type Application } from '../application.ts';

/**
 * The sub-topologies that have to be reset with these, these included. Whoever is reset says everything again: who reads
 * that would count it twice, and who writes to the same channels would lose what its readers pass over.
 */
export function connectedTo(application: Application, names: readonly string[]): readonly string[] {
  const connected = new Set(names);
  const channels = channelsOf(application);
  for (let size = -1; size !== connected.size; ) {
    size = connected.size;
    for (const { writers, reader } of channels) {
      if (!writers.some((name) => connected.has(name))) continue;
      for (const name of [...writers, reader]) connected.add(name);
    }
  }
  return application.subtopologies.map(({ name }) => name).filter((name) => connected.has(name));
}
