import { spawn } from 'node:child_process';
import { readdir, rm, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import { MillraceError } from '../../platform/errors.ts';
import { requireJava, requireMaven } from '../stack/kafka-jars.ts';
import { lastLines, runCommand } from '../stack/run-command.ts';
import type { CompareJob } from './jobs.ts';

/** Sources of the Kafka Streams program, from the root of the checkout. */
export const PEER_DIR = join('test', 'peers', 'kafka-streams');
const MAIN_CLASS = 'millrace.peer.Peer';
const BUILD_TIMEOUT_MS = 15 * 60_000;
/** The program ends by itself at its time limit; it is killed when it has not after this long. */
const KILL_AFTER_MS = 30_000;
const KEPT_CHARS = 65_536;

export interface PeerPrograms {
  readonly java?: string;
  readonly mvn?: string;
}

export interface PeerJob {
  /** Class path, as {@link ensurePeer} gives it. */
  readonly classPath: string;
  /** `host:port`, separated by commas, without TLS or passwords. */
  readonly brokers: string;
  readonly prefix: string;
  readonly job: CompareJob;
  readonly timeoutMs: number;
  readonly java?: string;
}

const peerReport = z.object({
  job: z.string(),
  /** Version of Kafka Streams. */
  kafkaStreams: z.string(),
  /** Records of all input topics of the job. */
  inputs: z.number().int(),
  /** From the start of the topology to its end, without the start of the virtual machine. */
  elapsedMs: z.number().int(),
});

export type PeerReport = z.infer<typeof peerReport>;

/**
 * Builds the program unless it is newer than its sources; the first build downloads Kafka Streams.
 * @returns the class path to run it with
 * @throws MillraceError MR_STACK_JAVA_MISSING, MR_STACK_MAVEN_MISSING, MR_STACK_DOWNLOAD_FAILED
 */
export async function ensurePeer(
  peerDir: string,
  onProgress: (line: string) => void,
  { java, mvn = 'mvn' }: PeerPrograms = {},
): Promise<string> {
  await requireJava(java);
  const jar = join(peerDir, 'target', 'peer.jar');
  if (!(await isBuilt(peerDir, jar))) {
    await requireMaven(mvn);
    onProgress('Kafka Streams: building the program with Maven; the first time downloads 25 MB');
    await build(peerDir, jar, mvn);
  }
  return [jar, join(peerDir, 'target', 'lib', '*')].join(delimiter);
}

async function isBuilt(peerDir: string, jar: string): Promise<boolean> {
  const builtMs = await changedMs(jar);
  if (builtMs === undefined) return false;
  const sources = await readdir(join(peerDir, 'src'), { recursive: true, withFileTypes: true });
  const files = sources.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  const times = await Promise.all([join(peerDir, 'pom.xml'), ...files].map(changedMs));
  return times.every((timeMs) => timeMs !== undefined && timeMs <= builtMs);
}

async function changedMs(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined, // There is no such file.
  );
}

async function build(peerDir: string, jar: string, mvn: string): Promise<void> {
  // Afresh: libraries of another version must not stay behind. The jar comes last, so that a build that was broken off
  // has none.
  await rm(join(peerDir, 'target'), { recursive: true, force: true });
  const args = ['-B', '-q', '-f', join(peerDir, 'pom.xml'), 'package'];
  const result = await runCommand(mvn, args, BUILD_TIMEOUT_MS);
  if (result?.code === 0 && (await changedMs(jar)) !== undefined) return;
  throw new MillraceError(
    'MR_STACK_DOWNLOAD_FAILED',
    `Maven did not build the Kafka Streams program; it ended with ${result?.code ?? 'a time-out'}:\n` +
      lastLines(result?.output ?? '', 15),
  );
}

/**
 * Runs one job over all that its input topics hold now. The result is complete when this resolves.
 * @throws MillraceError MR_STACK_JAVA_MISSING; MR_KAFKA_FAILED with what the program says, also after its time limit
 */
export async function runPeerJob(peerJob: PeerJob): Promise<PeerReport> {
  const { classPath, brokers, prefix, job, timeoutMs, java = 'java' } = peerJob;
  const timeoutSeconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const args = ['-Xmx512m', '-cp', classPath, MAIN_CLASS, brokers, prefix, job, String(timeoutSeconds)];
  const { code, stdout, stderr } = await runProgram(java, args, timeoutMs + KILL_AFTER_MS);
  const report = code === 0 ? parseReport(stdout) : undefined;
  if (report !== undefined) return report;
  const ending = code === null ? `was killed after ${timeoutSeconds} s` : `ended with ${code}`;
  const said = lastLines(stderr, 5);
  throw new MillraceError(
    'MR_KAFKA_FAILED',
    `The Kafka Streams job ${job} ${ending}${said === '' ? '' : `: ${said}`}`,
    { context: { job } },
  );
}

function parseReport(stdout: string): PeerReport | undefined {
  try {
    return peerReport.parse(JSON.parse(lastLines(stdout, 1)));
  } catch {
    return undefined;
  }
}

interface Ended {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Kills only the process that it has started. */
function runProgram(command: string, args: readonly string[], timeoutMs: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const kept = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (part: string) => {
        kept[name] = (kept[name] + part).slice(-KEPT_CHARS);
      });
    }
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'ENOENT'
          ? new MillraceError('MR_STACK_JAVA_MISSING', `Kafka Streams needs Java; there is no ${command}.`)
          : error,
      );
    });
    child.once('close', (code) => resolve({ code, ...kept }));
  });
}
