/** Ports and place of one broker of the local cluster; node 1 is the controller too. */
export interface BrokerLayout {
  readonly nodeId: number;
  readonly clientPort: number;
  readonly dataDir: string;
  readonly extraListeners?: readonly ExtraListener[] | undefined;
}

const SCRAM = 'SCRAM-SHA-512';

/** What `kafka-storage format --add-scram` takes. */
export function scramCredential(security: Pick<KafkaSecurityFiles, 'user' | 'password'>): string {
  return `${SCRAM}=[name=${security.user},password=${security.password}]`;
}

export interface ClusterLayout {
  readonly brokers: number;
  /** Port of the KRaft controller, which runs in node 1. */
  readonly controllerPort: number;
  /** Of the secure profile. */
  readonly security?: KafkaSecurityFiles | undefined;
}

/** What the brokers of the secure profile show and ask for. */
export interface KafkaSecurityFiles {
  readonly user: string;
  readonly password: string;
  /** PEM file of key and certificate. */
  readonly keyStore: string;
  /** PEM file of the authority. */
  readonly ca: string;
}

/** One more door of a broker for clients, with a certificate of its own. */
export interface ExtraListener {
  /** Capital letters. */
  readonly name: string;
  readonly port: number;
  /** PEM file of key and certificate. */
  readonly keyStore: string;
}

/**
 * server.properties of one broker: KRaft with static voters (so that ports may change between starts), loopback only,
 * and small internal topics, since a fresh broker creates their partitions before a first group can join.
 */
export function kafkaProperties(broker: BrokerLayout, cluster: ClusterLayout): Record<string, string> {
  const isController = broker.nodeId === 1;
  const replicas = String(Math.min(cluster.brokers, 3));
  const minInSync = cluster.brokers >= 3 ? '2' : '1';
  const controller = `127.0.0.1:${cluster.controllerPort}`;
  return {
    'process.roles': isController ? 'broker,controller' : 'broker',
    'node.id': String(broker.nodeId),
    'controller.quorum.voters': `1@${controller}`,
    ...listenerProperties(broker, cluster),
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
    // Retention and compaction show within seconds instead of minutes.
    'log.initial.task.delay.ms': '1000',
    'log.retention.check.interval.ms': '2000',
    'log.cleaner.backoff.ms': '1000',
  };
}

function listenerProperties(broker: BrokerLayout, cluster: ClusterLayout): Record<string, string> {
  const { security } = cluster;
  const extra = broker.extraListeners ?? [];
  const doors = [{ name: 'CLIENT', port: broker.clientPort }, ...extra].map(
    ({ name, port }) => `${name}://127.0.0.1:${port}`,
  );
  const controller = `CONTROLLER://127.0.0.1:${cluster.controllerPort}`;
  const protocols = [
    `CLIENT:${security === undefined ? 'PLAINTEXT' : 'SASL_SSL'}`,
    `CONTROLLER:${security === undefined ? 'PLAINTEXT' : 'SSL'}`,
    ...extra.map(({ name }) => `${name}:SSL`),
  ];
  return {
    listeners: [...doors, ...(broker.nodeId === 1 ? [controller] : [])].join(','),
    'advertised.listeners': doors.join(','),
    'listener.security.protocol.map': protocols.join(','),
    'inter.broker.listener.name': 'CLIENT',
    'controller.listener.names': 'CONTROLLER',
    ...(security === undefined ? {} : securityProperties(security)),
    ...Object.fromEntries(extra.flatMap((door) => keyStoreOf(door.name, door.keyStore))),
  };
}

/**
 * TLS everywhere. Clients and other brokers log in by SCRAM. The controller takes certificates of the authority
 * instead: passwords of SCRAM are kept in the metadata, which it has to serve before it can read them.
 */
function securityProperties(security: KafkaSecurityFiles): Record<string, string> {
  const { user, password, keyStore, ca } = security;
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': ca,
    'listener.name.controller.ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': SCRAM,
    'sasl.mechanism.inter.broker.protocol': SCRAM,
    'listener.name.client.scram-sha-512.sasl.jaas.config': `org.apache.kafka.common.security.scram.ScramLoginModule required username="${user}" password="${password}";`,
  };
}

function keyStoreOf(listener: string, keyStore: string): [property: string, value: string][] {
  const prefix = `listener.name.${listener.toLowerCase()}`;
  return [
    [`${prefix}.ssl.keystore.type`, 'PEM'],
    [`${prefix}.ssl.keystore.location`, keyStore],
  ];
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

export interface JavaDemand {
  readonly heapMb: number;
  /** Started often and for short: compiled quickly instead of well. */
  readonly isShortLived?: boolean | undefined;
}

/** Options of the Java virtual machine of one broker; nothing of it lies outside its own folder. */
export function javaOptions(
  { heapMb, isShortLived = false }: JavaDemand,
  log4jFile: string,
  temporaryDir: string,
): string[] {
  return [
    `-Xms${Math.min(heapMb, 256)}m`,
    `-Xmx${heapMb}m`,
    '-XX:+UseG1GC',
    '-XX:MaxGCPauseMillis=20',
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:-UsePerfData',
    // A broker that lives for minutes on a shared machine never earns back what the second compiler takes.
    ...(isShortLived ? ['-XX:TieredStopAtLevel=1'] : []),
    '-Djava.awt.headless=true',
    `-Djava.io.tmpdir=${temporaryDir}`,
    `-Dlog4j2.configurationFile=${log4jFile}`,
  ];
}
