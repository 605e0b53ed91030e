import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts';

/**
 * Translates a module and all of ours that it imports into JavaScript under `target`, so that a child process starts in a
 * tenth of the time that a loader takes. Answers the path of the translated module.
 */
export function compileChild(module: string, target: string): string {
  const seen = new Set<string>();
  const queue = [module];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const source = readFileSync(path, 'utf8');
    const { outputText } = ts.transpileModule(source, { compilerOptions: options, fileName: path });
    const out = outputOf(path, target);
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, outputText);
    for (const { fileName } of ts.preProcessFile(outputText).importedFiles)
      if (fileName.startsWith('.')) queue.push(resolve(dirname(path), fileName.replace(/\.js$/, '.ts')));
  }
  for (const name of ['package.json', 'node_modules'])
    symlinkSync(join(PACKAGE_ROOT, name), join(target, name));
  return outputOf(module, target);
}

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2023,
  rewriteRelativeImportExtensions: true,
  verbatimModuleSyntax: true,
};

function outputOf(path: string, target: string): string {
  return join(target, relative(PACKAGE_ROOT, path)).replace(/\.ts$/, '.js');
}
