import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../../platform/errors.ts';

const serviceSchema = z.strictObject({
  /** `kafka-1`, `kafka-2`, …, `redis`, `postgres`, `clickhouse`. */
  name: z.string().regex(/^(kafka-\d+|redis|postgres|clickhouse)$/),
  kind: z.enum(['kafka', 'redis', 'postgres', 'clickhouse']),
  pid: z.int().positive(),
  /** See processIdentity: tells this process from a later one with the same pid. */
  identity: z.string().min(1),
  port: z.int().min(1).max(65_535),
  /** Folder of data and logs. */
  dir: z.string().min(1),
  /** Whether it speaks TLS. */
  tls: z.boolean().default(false),
  /** Empty where the server did not say. */
  version: z.string().default(''),
  /** When it was started, in milliseconds since 1970; 0 where that is not known. */
  startedAtMs: z.number().min(0).default(0),
});

const stateSchema = z.strictObject({
  version: z.literal(1),
  /** Port of the KRaft controller; 0 where no Kafka runs. */
  controllerPort: z.int().min(0).max(65_535),
  /** Whether the servers take TLS and passwords only. */
  secure: z.boolean().default(false),
  services: z.array(serviceSchema),
});

/** A server that `stack up` has started. */
export type StackService = z.output<typeof serviceSchema>;
export type StackServiceKind = StackService['kind'];
export type StackState = z.output<typeof stateSchema>;

export const EMPTY_STATE: StackState = { version: 1, controllerPort: 0, secure: false, services: [] };

export function stateFile(dir: string): string {
  return join(dir, 'state.json');
}

/** @throws MillraceError MR_STACK_STATE_INVALID with the path of the file. */
export function parseState(text: string, file: string): StackState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MillraceError('MR_STACK_STATE_INVALID', `${file} is no JSON.`, { cause });
  }
  const result = stateSchema.safeParse(value);
  if (result.success) return result.data;
  throw new MillraceError('MR_STACK_STATE_INVALID', `${file}: ${z.prettifyError(result.error)}`);
}

/** The state, or the empty one where nothing has been started. */
export async function readState(dir: string): Promise<StackState> {
  const file = stateFile(dir);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY_STATE;
    throw error;
  }
  return parseState(text, file);
}

/** Replaces the file whole, so that a reader never sees half of it; an empty state removes it. */
export async function writeState(dir: string, state: StackState): Promise<void> {
  const file = stateFile(dir);
  if (state.services.length === 0) {
    await rm(file, { force: true });
    return;
  }
  await writePrivate(file, `${JSON.stringify(state, null, 2)}\n`);
}

/** Replaces a file that nobody else on the machine may read. */
export async function writePrivate(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  await rm(partial, { force: true });
  await writeFile(partial, text, { mode: 0o600, flag: 'wx' });
  await rename(partial, file);
}
