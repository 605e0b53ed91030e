import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MillraceError } from '../../platform/errors.ts';
import { javaOptions, kafkaProperties, log4jProperties, propertiesText } from './kafka-config.ts';
import type { BrokerLayout, ClusterLayout } from './kafka-config.ts';
import { launchDetached, SERVER_LOG, type Launched } from './launch.ts';
import { lastLines, runCommand } from './run-command.ts';

export interface KafkaNode {
  readonly nodeId: number;
  readonly clientPort: number;
  /** Folder of this node: configuration, logs and data. */
  readonly dir: string;
  readonly heapMb: number;
}

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
  const layout: BrokerLayout = {
    nodeId: node.nodeId,
    clientPort: node.clientPort,
    dataDir: join(dir, 'data'),
  };
  const configFile = join(dir, 'server.properties');
  const log4jFile = join(dir, 'log4j2.properties');
  await mkdir(dir, { recursive: true });
  await writeFile(configFile, propertiesText(kafkaProperties(layout, cluster)));
  await writeFile(log4jFile, log4jProperties(join(dir, SERVER_LOG)));
  const classPath = ['-cp', join(files.libDir, '*')];
  if (!existsSync(join(layout.dataDir, 'meta.properties'))) {
    await formatStorage([...classPath, 'kafka.tools.StorageTool'], configFile, files.clusterId);
  }
  return launchDetached({
    name: `kafka-${node.nodeId}`,
    command: 'java',
    args: [...javaOptions(node.heapMb, log4jFile), ...classPath, 'kafka.Kafka', configFile],
    dir,
  });
}

async function formatStorage(java: readonly string[], configFile: string, clusterId: string): Promise<void> {
  const args = [...java, 'format', '-t', clusterId, '-c', configFile, '--ignore-formatted'];
  const result = await runCommand('java', ['-Xmx256m', '-XX:TieredStopAtLevel=1', ...args], 60_000);
  if (result?.code === 0) return;
  const output = lastLines(result?.output ?? '', 15);
  throw new MillraceError('MR_STACK_START_FAILED', `Formatting Kafka's data folder failed:\n${output}`);
}
