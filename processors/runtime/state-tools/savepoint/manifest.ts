import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../../../../platform/errors.ts';
import { decodeMeta, encodeMeta, type TaskMeta } from '../../state/task-meta.ts';
import { damaged } from './saved-file.ts';

/** Of the files and of what they hold; another one is refused. */
const FORMAT = 1;
export const MANIFEST = 'manifest.json';

const count = z.number().int().nonnegative();
const file = { file: z.string().regex(/^[\w.-]+$/), sha256: z.string().length(64), bytes: count };
const savedTask = z.object({
  subtopology: z.string(),
  partition: count,
  /** What the commit says that was saved: positions, watermark, epoch, layouts. */
  meta: z.record(z.string(), z.unknown()),
  entries: count,
  ...file,
});
const savedChannel = z.object({
  /** Name in the contract. */
  topic: z.string(),
  partition: count,
  /** What its reader had not read. */
  records: count,
  ...file,
});
const manifest = z.object({
  format: z.literal(FORMAT),
  application: z.string(),
  groupId: z.string(),
  namespace: z.string(),
  topology: z.string(),
  /** ISO text, UTC. */
  takenAt: z.string(),
  /** Partition counts of the sub-topologies. */
  partitions: z.record(z.string(), count),
  tasks: z.array(savedTask),
  channels: z.array(savedChannel),
});

export type SavedTask = z.infer<typeof savedTask>;
export type SavedChannel = z.infer<typeof savedChannel>;
/** What a savepoint holds. */
export type Manifest = z.infer<typeof manifest>;

export function emptyManifest(
  about: Pick<Manifest, 'application' | 'groupId' | 'namespace' | 'topology' | 'takenAt' | 'partitions'>,
): Manifest {
  return { format: FORMAT, ...about, tasks: [], channels: [] };
}

export function savedMeta(meta: TaskMeta): SavedTask['meta'] {
  return JSON.parse(encodeMeta(meta).toString('utf8')) as SavedTask['meta'];
}

export function metaOf({ meta }: Pick<SavedTask, 'meta'>): TaskMeta {
  return decodeMeta(Buffer.from(JSON.stringify(meta)));
}

/** With a digest of all of it, so that a damaged manifest is noticed as well. */
export function manifestText(content: Manifest): string {
  return `${JSON.stringify({ ...content, digest: digestOf(content) }, null, 1)}\n`;
}

/** @throws MillraceError MR_SAVEPOINT_DAMAGED, MR_SAVEPOINT_FORMAT */
export async function readManifest(dir: string): Promise<Manifest> {
  const path = join(dir, MANIFEST);
  const { digest, ...content } = await readJson(path);
  if (typeof content['format'] === 'number' && content['format'] !== FORMAT)
    throw new MillraceError(
      'MR_SAVEPOINT_FORMAT',
      `${dir} has format ${content['format']}; this version reads format ${FORMAT}`,
    );
  const parsed = manifest.safeParse(content);
  if (!parsed.success) throw damaged(`${path} is no manifest of a savepoint`, path, parsed.error);
  if (digest !== digestOf(parsed.data)) throw damaged(`${path} fails its checksum`, path);
  return parsed.data;
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw damaged(`there is no savepoint: ${path} cannot be read`, path, cause);
  }
}

function digestOf(content: Manifest): string {
  // By sorted keys: what a reader of JSON does with their order does not matter.
  const sorted = JSON.stringify(content, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(sorted).digest('hex');
}
