import { defineCommand, usageError, type CommandContext } from '../command.ts';
import { nearest } from '../nearest.ts';
import { ProgressLine } from '../progress.ts';
import { exportLines } from './endpoints.ts';
import { installPackages } from './install-packages.ts';
import { STACK_SERVICES } from './services.ts';
import { DEFAULT_STACK_DIR, stackDown, stackStatus, stackUp, type StackServiceKind } from './stack.ts';
import { statusTable } from './status.ts';

const options = {
  services: {
    type: 'string',
    placeholder: 'names',
    about: 'kafka, redis, postgres, clickhouse, separated by commas (default: all that can be had)',
  },
  secure: {
    type: 'boolean',
    about: 'TLS and passwords for every server; logs and data of its own for Kafka',
  },
  brokers: {
    type: 'integer',
    min: 1,
    max: 3,
    about: 'Kafka brokers, 1 or 3: three keep three replicas, two of them in sync (default 1)',
  },
  heap: {
    type: 'integer',
    default: 768,
    min: 256,
    max: 16_384,
    placeholder: 'MB',
    about: 'Java heap of each broker',
  },
  install: { type: 'boolean', about: 'with up: install missing system packages through apt (root only)' },
  dir: { type: 'string', about: 'folder of state, data and logs (default .millrace/stack)' },
  'any-ports': { type: 'boolean', about: 'any free ports instead of 9092, 6379, 5432 and 8123' },
  wipe: { type: 'boolean', about: 'with down: delete data, logs and passwords too' },
  json: { type: 'boolean', about: 'with up and status: one line of JSON' },
} as const;

type Context = Parameters<typeof stackUp>[0] & object;
type Values = CommandContext<typeof options>['options'];

/** @throws MillraceError MR_CLI_USAGE for a name that is no service */
export function parseServices(text: string): StackServiceKind[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const known: readonly string[] = STACK_SERVICES;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const suggestion = nearest(unknown, known);
    const hint = suggestion === undefined ? `: ${known.join(', ')}` : `; did you mean ${suggestion}?`;
    throw usageError(`no service "${unknown}"${hint}`, 'stack');
  }
  if (names.length === 0) throw usageError(`--services needs at least one of ${known.join(', ')}`, 'stack');
  return STACK_SERVICES.filter((service) => names.includes(service));
}

function upOptions(values: Values): Context {
  if (values.brokers === 2)
    throw usageError('--brokers is 1 or 3: two brokers cannot go on without either of them', 'stack');
  return {
    dir: values.dir ?? DEFAULT_STACK_DIR,
    heapMb: values.heap,
    anyPorts: values['any-ports'],
    ...(values.services === undefined ? {} : { services: parseServices(values.services) }),
    ...(values.brokers === undefined ? {} : { brokers: values.brokers }),
    ...(values.secure ? { secure: true } : {}),
  };
}

async function up(values: Values, { print, note }: Pick<CommandContext, 'print' | 'note'>): Promise<number> {
  const wanted = upOptions(values);
  const line = new ProgressLine();
  const onProgress = (text: string) => line.show(text);
  const onNotice = (text: string) => {
    line.finish();
    note(text);
  };
  try {
    if (values.install) await installPackages(onProgress, wanted.services ?? STACK_SERVICES);
    const { settings } = await stackUp({ ...wanted, onProgress, onNotice });
    line.finish();
    if (values.json) print(JSON.stringify(settings));
    else for (const text of exportLines(settings)) print(text);
    return 0;
  } finally {
    line.finish();
  }
}

async function status(
  values: Values,
  { print, note }: Pick<CommandContext, 'print' | 'note'>,
): Promise<number> {
  const services = await stackStatus({ dir: values.dir ?? DEFAULT_STACK_DIR });
  if (values.json) print(JSON.stringify(services));
  else if (services.length === 0) note('nothing runs; start it with `millrace stack up`');
  else for (const row of statusTable(services)) print(row);
  return services.length > 0 && services.every((service) => service.answers) ? 0 : 1;
}

export const stackCommand = defineCommand({
  usage: 'up|down|status [options]',
  details:
    "Kafka comes through Maven into .cache/ (about 45 MB, once) and needs Java 17; Redis is the system's redis-server;\n" +
    'PostgreSQL and ClickHouse come with the optional npm packages. Everything listens on 127.0.0.1 only; state, data\n' +
    'and logs are in .millrace/stack/. `up` starts what is missing, and prints the settings that lead other commands to\n' +
    'the servers, passwords included; a server killed meanwhile comes back on its port, with its data.',
  options,
  positionals: { min: 1, max: 1 },
  examples: [
    ['stack up --install', 'start one of each, installing what is missing'],
    ['stack up --services kafka,redis', 'these two alone'],
    ['stack up --brokers 3', 'three brokers: topics with three replicas'],
    ['stack up --secure', 'with TLS and passwords'],
    ['stack status', 'what runs, whether it answers, and where its log is'],
    ['stack down', 'end the servers; data and logs stay for the next start'],
    ['stack down --wipe', 'end the servers and delete all that is theirs'],
  ],
  async run({ options: values, positionals, print, note }) {
    switch (positionals[0]) {
      case 'up':
        return up(values, { print, note });
      case 'down': {
        const dir = values.dir ?? DEFAULT_STACK_DIR;
        for (const { name, pid, how } of await stackDown({ dir, wipe: values.wipe }))
          note(`${name} (${pid}): ${how}`);
        return 0;
      }
      case 'status':
        return status(values, { print, note });
      default:
        throw usageError(`no action "${positionals[0] ?? ''}" of stack: up, down or status`, 'stack');
    }
  },
});
