import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessingConfig } from '../platform/config.ts';
import { PACKAGE_ROOT } from '../schemas/package-root.ts';
import type { JobDescription } from './runtime/evidence/evidence.ts';
import type { Topology } from './runtime/dsl/index.ts';
import { settingsOf } from './topologies.ts';

/** What evidence says of the program that decided, so that its topology can be made again. */
export function jobDescription(topology: Topology, config: ProcessingConfig): JobDescription {
  const manifest = readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8');
  const { name: application, version } = JSON.parse(manifest) as { name: string; version: string };
  return {
    ...{ application, version, settings: settingsOf(config) },
    topology: topologyHash(topology),
  };
}

/** Tells topologies apart by their description. SHA-256, in hex. */
export function topologyHash(topology: Topology): string {
  return createHash('sha256').update(topology.describe()).digest('hex');
}
