/** `millrace <command>`: the composition root. Commands load their stages only when they are called. */
import { argv, exit, stderr, stdout } from 'node:process';
import { COMMANDS } from './commands.ts';
import { runCommandLine } from './run.ts';

/** What a shell shows of a command that SIGPIPE ended. */
const SIGPIPE_EXIT = 141;

// Whoever reads the output may have enough of it (`| head`).
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  exit(SIGPIPE_EXIT);
});

const code = await runCommandLine(COMMANDS, argv.slice(2), {
  print: (line) => stdout.write(`${line}\n`),
  note: (line) => stderr.write(`${line}\n`),
});
// Pipes may still hold output; an exit before they are empty would cut it off.
stdout.write('', () => stderr.write('', () => exit(code)));
