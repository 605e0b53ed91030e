import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { silentLogger } from '../../log.ts';
import { readAll, text } from '../contract/harness.contract.ts';
import type { Kafka } from '../port.ts';
import { openEmbeddedLog, type EmbeddedLogOptions } from './embedded-log.ts';

/** Directories and open logs of one test file; each test leaves none behind. */
export class Scratch {
  readonly #dirs: string[] = [];
  readonly #open: Kafka[] = [];

  constructor() {
    afterEach(async () => {
      for (const kafka of this.#open.splice(0)) await kafka.close();
      for (const dir of this.#dirs.splice(0)) rmSync(dir, { recursive: true });
    });
  }

  directory(): string {
    const dir = mkdtempSync(join(tmpdir(), 'mr-log-'));
    this.#dirs.push(dir);
    return dir;
  }

  async open(dir: string, options: Partial<EmbeddedLogOptions> = {}): Promise<Kafka> {
    const kafka = await openEmbeddedLog({ dir, log: silentLogger(), ...options });
    this.#open.push(kafka);
    return kafka;
  }

  /** Another directory with the same files, as a killed process would leave them. */
  copyOf(dir: string): string {
    const copy = this.directory();
    mkdirSync(copy, { recursive: true });
    for (const name of logFiles(dir)) copyFileSync(join(dir, name), join(copy, name));
    return copy;
  }
}

function logFiles(dir: string): string[] {
  return readdirSync(dir).filter((name) => /\.(log|idx)$/.test(name));
}

/** Paths of the segments, the oldest first. */
export function segmentFiles(dir: string): string[] {
  return logFiles(dir)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => join(dir, name));
}

/** Bytes of all segments. */
export function logBytes(dir: string): number {
  return segmentFiles(dir).reduce((sum, path) => sum + statSync(path).size, 0);
}

/** Sends values to a partition, one after the other in one call. */
export async function sendValues(
  kafka: Kafka,
  to: { readonly topic: string; readonly partition?: number },
  values: readonly string[],
): Promise<void> {
  const { topic, partition = 0 } = to;
  const producer = kafka.producer();
  await producer.send(values.map((value) => ({ topic, partition, key: null, value: Buffer.from(value) })));
  await producer.close();
}

/** Key and value of each record of a partition, as text. */
export async function readPairs(
  kafka: Kafka,
  topic: string,
  partition = 0,
): Promise<(readonly [string | null, string | null])[]> {
  const records = await readAll(kafka, { topic, partition });
  return records.map((record) => [text(record.key), text(record.value)] as const);
}
