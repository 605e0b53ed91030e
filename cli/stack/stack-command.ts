import { defineCommand, usageError } from '../command.ts';
import { ProgressLine } from '../progress.ts';
import { installPackages } from './install-packages.ts';
import { stackDown, stackStatus, stackUp, type StackServiceKind } from './stack.ts';

const options = {
  install: { type: 'boolean', about: 'install missing system packages through apt (root only)' },
  brokers: { type: 'integer', default: 1, min: 1, max: 5, about: 'Kafka brokers' },
  heap: {
    type: 'integer',
    default: 768,
    min: 256,
    max: 16_384,
    placeholder: 'MB',
    about: 'Java heap of each broker',
  },
  only: { type: 'string', choices: ['kafka', 'redis'], about: 'start this service alone' },
  dir: { type: 'string', about: 'folder of state, data and logs (default .millrace/stack)' },
  'any-ports': { type: 'boolean', about: 'any free ports instead of 9092 and 6379' },
  wipe: { type: 'boolean', about: 'with down: delete topics, keys and logs too' },
} as const;

export const stackCommand = defineCommand({
  usage: 'up|down|status [options]',
  details:
    "Apache Kafka comes through Maven into .cache/ (about 45 MB, once) and needs Java 17; Redis is the system's\n" +
    'redis-server. Everything listens on 127.0.0.1 only; state, data and logs are in .millrace/stack/.',
  options,
  positionals: { min: 1, max: 1 },
  examples: [
    ['stack up --install', 'start one broker and Redis, installing what is missing'],
    ['stack up --brokers 3', 'three brokers: topics with three replicas'],
    ['stack status', 'what runs, and whether it answers'],
    ['stack down --wipe', 'end the servers and delete their data'],
  ],
  async run({ options: values, positionals, print, note }) {
    const dir = values.dir === undefined ? {} : { dir: values.dir };
    switch (positionals[0]) {
      case 'up': {
        const only: { services?: StackServiceKind[] } =
          values.only === undefined ? {} : { services: [values.only] };
        const line = new ProgressLine();
        const onProgress = (text: string) => line.show(text);
        try {
          if (values.install) await installPackages(onProgress);
          const { brokers, redisUrl } = await stackUp({
            ...dir,
            ...only,
            brokers: values.brokers,
            heapMb: values.heap,
            anyPorts: values['any-ports'],
            onProgress,
          });
          line.finish();
          if (brokers !== '') print(`export MR_KAFKA_BROKERS=${brokers}`);
          if (redisUrl !== '') print(`export MR_REDIS_URL=${redisUrl}`);
        } finally {
          line.finish();
        }
        return 0;
      }
      case 'down':
        for (const { name, pid, how } of await stackDown({ ...dir, wipe: values.wipe }))
          note(`${name} (${pid}): ${how}`);
        return 0;
      case 'status': {
        const services = await stackStatus(dir);
        if (services.length === 0) note('nothing runs; start it with `millrace stack up`');
        for (const { name, pid, url, running, answers } of services) {
          const word = answers ? 'answers' : running ? 'runs, but does not answer' : 'has ended';
          print(`${name.padEnd(8)} pid ${String(pid).padEnd(8)} ${url.padEnd(24)} ${word}`);
        }
        return services.length > 0 && services.every((service) => service.answers) ? 0 : 1;
      }
      default:
        throw usageError(`no action "${positionals[0] ?? ''}" of stack: up, down or status`, 'stack');
    }
  },
});
