import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MillraceError } from '../../platform/errors.ts';
import {
  javaOptions,
  kafkaProperties,
  log4jProperties,
  propertiesText,
  scramCredential,
} from './kafka-config.ts';
import type { BrokerLayout, ClusterLayout, ExtraListener } from './kafka-config.ts';
import { launchDetached, SERVER_LOG, type Launched } from './launch.ts';
import { lastLines, runCommand } from './run-command.ts';
import { writePrivate } from './state.ts';

export interface KafkaNode {
  readonly nodeId: number;
  readonly clientPort: number;
  /** Folder of this node: configuration, logs and data. */
  readonly dir: string;
  readonly heapMb: number;
  readonly isShortLived?: boolean | undefined;
  readonly extraListeners?: readonly ExtraListener[] | undefined;
}

const PARTIAL = 'data.partial-';

export interface KafkaFiles {
  readonly libDir: string;
  /** The same for all nodes of a cluster: 22 characters of base64url, as Kafka makes them. */
  readonly clusterId: string;
}

/**
 * A cluster id as `kafka-storage random-uuid` gives it: 16 random bytes in base64url. One that begins with a dash would
 * be read as an option by Kafka's tools, so such an id is passed over.
 */
export function randomClusterId(uuid: () => string = randomUUID): string {
  for (;;) {
    const id = Buffer.from(uuid().replaceAll('-', ''), 'hex').toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}

/** Writes the configuration, formats the data folder the first time, and starts the broker. */
export async function startKafkaNode(
  node: KafkaNode,
  cluster: ClusterLayout,
  files: KafkaFiles,
): Promise<Launched> {
  const dir = resolve(node.dir);
  const layout: BrokerLayout = { ...node, dataDir: join(dir, 'data') };
  const configFile = join(dir, 'server.properties');
  const log4jFile = join(dir, 'log4j2.properties');
  const temporaryDir = join(dir, 'tmp');
  await rm(temporaryDir, { recursive: true, force: true });
  await mkdir(temporaryDir, { recursive: true });
  await writeFile(log4jFile, log4jProperties(join(dir, SERVER_LOG)));
  if (!existsSync(join(layout.dataDir, 'meta.properties'))) await formatStorage(layout, cluster, files);
  await writePrivate(configFile, propertiesText(kafkaProperties(layout, cluster)));
  return launchDetached({
    name: `kafka-${node.nodeId}`,
    command: 'java',
    args: [...javaOptions(node, log4jFile, temporaryDir), ...classPath(files), 'kafka.Kafka', configFile],
    dir,
  });
}

function classPath(files: KafkaFiles): string[] {
  return ['-cp', join(files.libDir, '*')];
}

/** Formats under another name first: a start that was killed half-way leaves nothing that looks complete. */
async function formatStorage(broker: BrokerLayout, cluster: ClusterLayout, files: KafkaFiles): Promise<void> {
  const dir = dirname(broker.dataDir);
  for (const name of await readdir(dir))
    if (name.startsWith(PARTIAL)) await rm(join(dir, name), { recursive: true, force: true });
  const partial = await mkdtemp(join(dir, PARTIAL));
  const configFile = join(partial, 'format.properties');
  const argumentFile = join(partial, 'format.arguments');
  const dataDir = join(partial, 'data');
  const { security } = cluster;
  const options = [
    ...['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', ...classPath(files)],
    ...['kafka.tools.StorageTool', 'format', '-t', files.clusterId, '-c', configFile],
    ...(security === undefined ? [] : ['--add-scram', scramCredential(security)]),
  ];
  await writePrivate(configFile, propertiesText(kafkaProperties({ ...broker, dataDir }, cluster)));
  // In a file, since every user of the machine can read the arguments of a process.
  await writePrivate(argumentFile, options.map(quoted).join('\n'));
  const result = await runCommand('java', [`@${argumentFile}`], 60_000);
  if (result?.code !== 0) {
    const output = lastLines(result?.output ?? '', 15);
    throw new MillraceError('MR_STACK_START_FAILED', `Formatting Kafka's data folder failed:\n${output}`);
  }
  await rm(broker.dataDir, { recursive: true, force: true });
  await rename(dataDir, broker.dataDir);
  await rm(partial, { recursive: true });
}

/** An argument as the argument files of the java launcher have it. */
function quoted(argument: string): string {
  return `"${argument.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
