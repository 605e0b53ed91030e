import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../schemas/package-root.ts';

/** Writes the result of a run to `bench/results/<subject>.json`, with the machine and the versions of its peers. */
export async function writeReport(
  subject: string,
  versions: Readonly<Record<string, string>>,
  result: object,
): Promise<void> {
  const machine = { node: process.version, cores: availableParallelism(), ...versions };
  const text = JSON.stringify({ subject, at: new Date().toISOString(), machine, ...result }, null, 2);
  await writeFile(join(PACKAGE_ROOT, 'bench', 'results', `${subject}.json`), `${text}\n`);
}
