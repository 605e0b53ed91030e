/** Ports and place of one broker of the local cluster; node 1 is the controller too. */
export interface BrokerLayout {
  readonly nodeId: number;
  readonly clientPort: number;
  readonly dataDir: string;
}

export interface ClusterLayout {
  readonly brokers: number;
  /** Port of the KRaft controller, which runs in node 1. */
  readonly controllerPort: number;
}

/**
 * server.properties of one broker: KRaft with static voters (so that ports may change between starts), loopback only,
 * and small internal topics, since a fresh broker creates their partitions before a first group can join.
 */
export function kafkaProperties(broker: BrokerLayout, cluster: ClusterLayout): Record<string, string> {
  const isController = broker.nodeId === 1;
  const replicas = String(Math.min(cluster.brokers, 3));
  const minInSync = cluster.brokers >= 3 ? '2' : '1';
  const client = `CLIENT://127.0.0.1:${broker.clientPort}`;
  const controller = `127.0.0.1:${cluster.controllerPort}`;
  return {
    'process.roles': isController ? 'broker,controller' : 'broker',
    'node.id': String(broker.nodeId),
    'controller.quorum.voters': `1@${controller}`,
    listeners: isController ? `${client},CONTROLLER://${controller}` : client,
    'advertised.listeners': client,
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'CLIENT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': broker.dataDir,
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': minInSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '8',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minInSync,
    'transaction.state.log.num.partitions': '8',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': minInSync,
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.dedupe.buffer.size': '33554432',
  };
}

export function propertiesText(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
}

/** Log4j 2 configuration: one rolling file, so that a stack left running does not fill the disk. */
export function log4jProperties(logFile: string): string {
  return propertiesText({
    status: 'warn',
    'appender.file.type': 'RollingFile',
    'appender.file.name': 'file',
    'appender.file.fileName': logFile,
    'appender.file.filePattern': `${logFile}.%i`,
    'appender.file.layout.type': 'PatternLayout',
    'appender.file.layout.pattern': '%d{ISO8601} %p %m (%c)%n%throwable',
    'appender.file.policies.type': 'Policies',
    'appender.file.policies.size.type': 'SizeBasedTriggeringPolicy',
    'appender.file.policies.size.size': '20MB',
    'appender.file.strategy.type': 'DefaultRolloverStrategy',
    'appender.file.strategy.max': '2',
    'rootLogger.level': 'info',
    'rootLogger.appenderRef.file.ref': 'file',
  });
}

/** Options of the Java virtual machine of one broker. */
export function javaOptions(heapMb: number, log4jFile: string): string[] {
  return [
    `-Xms${Math.min(heapMb, 256)}m`,
    `-Xmx${heapMb}m`,
    '-XX:+UseG1GC',
    '-XX:MaxGCPauseMillis=20',
    '-XX:+ExitOnOutOfMemoryError',
    '-Djava.awt.headless=true',
    `-Dlog4j2.configurationFile=${log4jFile}`,
  ];
}
