import { chmod, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryDir } from '../../test/harness/temporary-dir.ts';
import { ensurePeer, runPeerJob } from './peer-process.ts';

let dir: string;
beforeEach(async () => {
  dir = await temporaryDir();
});

/** A program that stands for java or mvn. */
async function program(name: string, script: string): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

const job = (java: string, timeoutMs = 5000) =>
  runPeerJob({ classPath: 'peer.jar', brokers: 'b:1', prefix: 'p', job: 'tumbling', timeoutMs, java });

describe('runPeerJob', () => {
  it('gives brokers, prefix, job and time limit, and reads the report', async () => {
    const java = await program(
      'java',
      `echo "$@" > ${dir}/args\necho '{"job":"tumbling","kafkaStreams":"4.4.0","inputs":3,"elapsedMs":9}'`,
    );
    expect(await job(java, 4200)).toEqual({
      job: 'tumbling',
      kafkaStreams: '4.4.0',
      inputs: 3,
      elapsedMs: 9,
    });
    const args = await readFile(join(dir, 'args'), 'utf8');
    expect(args.trim()).toMatch(/-cp peer\.jar millrace\.peer\.Peer b:1 p tumbling 5$/);
  });

  it('says what the program says when it fails', async () => {
    const java = await program('java', 'echo "peer: tumbling did not finish within 5 s" >&2; exit 1');
    await expect(job(java)).rejects.toMatchObject({
      code: 'MR_KAFKA_FAILED',
      message: 'The Kafka Streams job tumbling ended with 1: peer: tumbling did not finish within 5 s',
    });
  });

  it('does not take silence for success', async () => {
    await expect(job(await program('java', 'exit 0'))).rejects.toMatchObject({ code: 'MR_KAFKA_FAILED' });
  });

  it('says that Java is missing', async () => {
    await expect(job('no-such-java')).rejects.toMatchObject({ code: 'MR_STACK_JAVA_MISSING' });
  });
});

describe('ensurePeer', () => {
  const old = new Date(2020, 0, 1);
  const older = new Date(2019, 0, 1);

  async function project(): Promise<{ peerDir: string; java: string; source: string }> {
    const peerDir = join(dir, 'peer');
    const source = join(peerDir, 'src', 'main', 'Peer.java');
    await mkdir(join(peerDir, 'src', 'main'), { recursive: true });
    for (const file of [join(peerDir, 'pom.xml'), source]) {
      await writeFile(file, '');
      await utimes(file, older, older);
    }
    return { peerDir, source, java: await program('java', `echo 'openjdk version "17.0.1"' >&2`) };
  }

  const buildingMvn = (peerDir: string) =>
    program(
      'mvn',
      `[ "$1" = --version ] && exit 0\necho x >> ${dir}/builds\n` +
        `mkdir -p ${peerDir}/target && touch ${peerDir}/target/peer.jar`,
    );
  const builds = async () => (await readFile(join(dir, 'builds'), 'utf8').catch(() => '')).length / 2;

  it('builds once, and again when a source has changed', async () => {
    const { peerDir, java, source } = await project();
    const programs = { java, mvn: await buildingMvn(peerDir) };
    const classPath = await ensurePeer(peerDir, () => undefined, programs);
    expect(classPath).toBe(`${peerDir}/target/peer.jar:${peerDir}/target/lib/*`);
    await ensurePeer(peerDir, () => undefined, programs);
    expect(await builds()).toBe(1);
    const jar = join(peerDir, 'target', 'peer.jar');
    await utimes(jar, old, old);
    await ensurePeer(peerDir, () => undefined, programs);
    expect(await builds()).toBe(1);
    await writeFile(source, 'changed');
    await ensurePeer(peerDir, () => undefined, programs);
    expect(await builds()).toBe(2);
  });

  it('says what Maven says when the build fails', async () => {
    const { peerDir, java } = await project();
    const mvn = await program('mvn', '[ "$1" = --version ] && exit 0\necho "[ERROR] no compiler"; exit 1');
    await expect(ensurePeer(peerDir, () => undefined, { java, mvn })).rejects.toMatchObject({
      code: 'MR_STACK_DOWNLOAD_FAILED',
      message: expect.stringContaining('[ERROR] no compiler') as string,
    });
  });

  it('says that Java or Maven is missing', async () => {
    const { peerDir, java } = await project();
    await expect(ensurePeer(peerDir, () => undefined, { java: 'no-such-java' })).rejects.toMatchObject({
      code: 'MR_STACK_JAVA_MISSING',
    });
    await expect(ensurePeer(peerDir, () => undefined, { java, mvn: 'no-such-mvn' })).rejects.toMatchObject({
      code: 'MR_STACK_MAVEN_MISSING',
    });
  });
});
