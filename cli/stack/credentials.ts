import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../../platform/errors.ts';
import { writePrivate } from './state.ts';

const password = z.string().regex(/^[\w-]{16,}$/);
const schema = z.strictObject({
  /** Of the user {@link STACK_USER} in Kafka, of Redis, and so on; the first two are for the secure profile. */
  kafka: password,
  redis: password,
  postgres: password,
  clickhouse: password,
  /** Of the user {@link CLICKHOUSE_READER}. */
  clickhouseReader: password,
});

/** The passwords of one stack. They live as long as its data, which were made with them. */
export type Credentials = z.output<typeof schema>;

/** User of Kafka, PostgreSQL and ClickHouse, and database of PostgreSQL. */
export const STACK_USER = 'millrace';
export const CLICKHOUSE_READER = 'reader';

export function credentialsFile(dir: string): string {
  return join(dir, 'credentials.json');
}

/**
 * The passwords of the stack in this folder, random, made when they are first asked for; `down --wipe` deletes them
 * with the data.
 * @throws MillraceError MR_STACK_STATE_INVALID
 */
export async function ensureCredentials(dir: string): Promise<Credentials> {
  const found = await readCredentials(dir);
  if (found !== undefined) return found;
  const random = () => randomBytes(18).toString('base64url');
  const made: Credentials = {
    kafka: random(),
    redis: random(),
    postgres: random(),
    clickhouse: random(),
    clickhouseReader: random(),
  };
  await writePrivate(credentialsFile(dir), `${JSON.stringify(made, null, 2)}\n`);
  return made;
}

/** @throws MillraceError MR_STACK_STATE_INVALID with the path of the file, and nothing of what is in it. */
export async function readCredentials(dir: string): Promise<Credentials | undefined> {
  const file = credentialsFile(dir);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // The cause would show the text: it stays out of the error.
    const message = `${file} does not hold the passwords of a stack; its data can be opened with no others.`;
    throw new MillraceError('MR_STACK_STATE_INVALID', message);
  }
}
