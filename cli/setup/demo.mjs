/** `npm run demo`: from a bare checkout to a running shop. */
import { prepare, ROOT, runCompiled, runSetup, toStderr } from './prepare.mjs';

runSetup(async function () {
  await prepare({ root: ROOT, say: toStderr, needsEngine: true });
  await runCompiled(ROOT, ['demo'].concat(process.argv.slice(2)));
});
