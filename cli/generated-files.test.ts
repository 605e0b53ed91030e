import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../schemas/package-root.ts';
import { allGeneratedFiles } from './generated-files.ts';

it.each(allGeneratedFiles().map((file) => [file.path, file.text]))(
  '%s is what its contract makes of it (npm run generate)',
  (path, text) => {
    expect(readFileSync(join(PACKAGE_ROOT, path), 'utf8')).toBe(text);
  },
);
