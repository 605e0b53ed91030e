import type { Config } from '../platform/config.ts';
import { namespaced } from '../schemas/topics.ts';
import type { Application } from './runtime/state-tools/application.ts';
import { shopTopology } from './topologies.ts';

/** Consumer group of the processors, whose committed offsets are where they are. */
export function processorsGroup(namespace: string): string {
  return namespaced(namespace, 'millrace-processors');
}

/** The shop's processors as an application whose state can be saved and replaced. */
export function shopApplication({ namespace, processing }: Config): Application {
  const { name, subtopologies } = shopTopology(processing);
  return { name, groupId: processorsGroup(namespace), namespace, subtopologies };
}
