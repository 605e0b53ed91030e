/** `npm run generate`: everything in the repository that is derived from a contract. A test fails on a difference. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PACKAGE_ROOT } from '../schemas/package-root.ts';
import { allGeneratedFiles } from './generated-files.ts';

for (const file of allGeneratedFiles()) {
  const path = join(PACKAGE_ROOT, file.path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, file.text);
  process.stdout.write(`${file.path}\n`);
}
