import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { recordedLaunch } from './launch.ts';
import { isRunning, type ProcessRef } from './process-identity.ts';
import type { StackService, StackServiceKind } from './state.ts';

/** A server of this folder that runs although state.json does not name it: its launcher was killed too early. */
export interface Orphan extends ProcessRef {
  readonly name: string;
  readonly kind: StackServiceKind;
}

/** Servers that were launched in the folder and still run, beside those that are known. */
export async function findOrphans(dir: string, known: readonly StackService[]): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  for (const { name, kind, path } of await serverFolders(dir)) {
    const ref = await recordedLaunch(path);
    if (ref === undefined || !isRunning(ref)) continue;
    if (!known.some((service) => service.pid === ref.pid)) orphans.push({ name, kind, ...ref });
  }
  return orphans;
}

interface ServerFolder {
  readonly name: string;
  readonly kind: StackServiceKind;
  readonly path: string;
}

async function serverFolders(dir: string): Promise<ServerFolder[]> {
  const single = (['redis', 'postgres', 'clickhouse'] as const).map((kind) => ({
    name: kind,
    kind,
    path: join(dir, kind),
  }));
  const brokers: ServerFolder[] = [];
  for (const cluster of await listed(join(dir, 'kafka'))) {
    for (const name of await listed(join(dir, 'kafka', cluster)))
      if (/^kafka-\d+$/.test(name))
        brokers.push({ name, kind: 'kafka', path: join(dir, 'kafka', cluster, name) });
  }
  return [...single, ...brokers];
}

async function listed(dir: string): Promise<string[]> {
  return readdir(dir).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  });
}
