/** `npm run -s millrace -- <command>`: prepares what is not ready, then runs the compiled command line. */
import { prepare, ROOT, runCompiled, runSetup, toStderr } from './prepare.mjs';

runSetup(async function () {
  await prepare({ root: ROOT, say: toStderr, needsEngine: false });
  await runCompiled(ROOT, process.argv.slice(2));
});
