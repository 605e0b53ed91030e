import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../platform/errors.ts';
import { lastLines, runCommand } from './run-command.ts';

/** The release of Apache Kafka that the stack runs. */
export const KAFKA_VERSION = '4.4.0';
const LOG4J_VERSION = '2.25.5';
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const DOWNLOAD_TIMEOUT_MS = 15 * 60_000;
const OLDEST_JAVA = 17;

/** Folder of the jars inside the cache folder. */
export function kafkaLibDir(cacheDir: string): string {
  return join(cacheDir, 'kafka', KAFKA_VERSION, 'libs');
}

/** True where the jars have been downloaded whole, so that a start needs no network. */
export function kafkaJarsCached(cacheDir: string): boolean {
  return existsSync(kafkaLibDir(cacheDir));
}

/** The pom whose dependencies are the broker, its tools and a logging back end for slf4j 1.7. */
export function kafkaPom(): string {
  const dependency = (group: string, artifact: string, version: string) =>
    `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>\n`;
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace</groupId><artifactId>stack</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
${dependency('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION)}${dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION)}  </dependencies>
</project>
`;
}

/** Major version in what `java -version` prints; undefined where the text is something else. */
export function javaMajor(text: string): number | undefined {
  const match = /version "(\d+)(?:\.(\d+))?/.exec(text);
  if (match === null) return undefined;
  return Number(match[1] === '1' ? match[2] : match[1]);
}

/** Major version of the Java on the PATH; undefined where there is none. */
export async function installedJava(java = 'java'): Promise<number | undefined> {
  const result = await runCommand(java, ['-version'], 20_000);
  return result === undefined ? undefined : javaMajor(result.output);
}

/** @throws MillraceError MR_STACK_JAVA_MISSING where Java is absent or older than 17. */
export async function requireJava(java = 'java'): Promise<void> {
  const major = await installedJava(java);
  if (major !== undefined && major >= OLDEST_JAVA) return;
  const found = major === undefined ? 'none was found' : `version ${major} was found`;
  throw new MillraceError(
    'MR_STACK_JAVA_MISSING',
    `Apache Kafka needs Java ${OLDEST_JAVA} or newer; ${found}.`,
  );
}

/** @throws MillraceError MR_STACK_MAVEN_MISSING */
export async function requireMaven(mvn = 'mvn'): Promise<void> {
  if ((await runCommand(mvn, ['--version'], 30_000))?.code === 0) return;
  throw new MillraceError('MR_STACK_MAVEN_MISSING', 'Maven (mvn) is needed once, to download Kafka.');
}

/**
 * Downloads the jars of Kafka unless they are there. The folder appears under its name only when it is complete.
 * @throws MillraceError MR_STACK_MAVEN_MISSING, MR_STACK_DOWNLOAD_FAILED
 */
export async function ensureKafkaJars(cacheDir: string, onProgress: (line: string) => void): Promise<string> {
  const target = kafkaLibDir(cacheDir);
  if (existsSync(target)) return target;
  await requireMaven();
  const partial = `${target}.partial-${process.pid}`;
  await mkdir(partial, { recursive: true });
  const timer = setInterval(() => {
    void readdir(partial).then(
      (jars) => onProgress(`Apache Kafka ${KAFKA_VERSION}: ${jars.length} of about 41 jars through Maven`),
      () => undefined, // Moved to its place between two looks.
    );
  }, 1000);
  try {
    onProgress(`Apache Kafka ${KAFKA_VERSION}: downloading about 45 MB through Maven`);
    await copyDependencies(partial);
    await rename(partial, target).catch((error: unknown) => {
      // Another process has finished the same download first.
      if (!existsSync(target)) throw error;
    });
  } finally {
    clearInterval(timer);
    await rm(partial, { recursive: true, force: true });
  }
  return target;
}

async function copyDependencies(outputDir: string): Promise<void> {
  const pom = join(outputDir, '..', 'pom.xml');
  await writeFile(pom, kafkaPom());
  const args = ['-B', '-q', '-f', pom, DEPENDENCY_PLUGIN, `-DoutputDirectory=${outputDir}`];
  const result = await runCommand('mvn', args, DOWNLOAD_TIMEOUT_MS);
  if (result?.code !== 0) {
    throw new MillraceError(
      'MR_STACK_DOWNLOAD_FAILED',
      `Maven ended with ${result?.code ?? 'a time-out'}:\n${lastLines(result?.output ?? '', 15)}`,
    );
  }
}
