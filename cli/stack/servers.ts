/** What differs between the kinds of servers once they run: how each is reached, asked and ended. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STACK_USER, type Credentials } from './credentials.ts';
import { KAFKA_VERSION } from './kafka-jars.ts';
import { CONSOLE_LOG, SERVER_LOG } from './launch.ts';
import { findPostgres } from './postgres-programs.ts';
import { endPostgres, postgresAnswers } from './postgres-server.ts';
import { clickhouseAnswers, kafkaAnswers, redisAnswers } from './probe.ts';
import { endProcess, type ProcessRef } from './process-identity.ts';
import { redisVersion } from './redis-server.ts';
import { runCommand } from './run-command.ts';
import type { StackService, StackServiceKind } from './state.ts';
import { tlsFiles } from './tls-files.ts';

const PROBE_TIMEOUT_MS = 2000;
const END_TIMEOUT_MS = 20_000;

/** What it takes to talk to the servers of a stack. */
export interface StackAccess {
  readonly credentials: Credentials;
  /** PEM of the authority of the secure profile. */
  readonly ca: string | undefined;
  readonly secure: boolean;
}

/** The access of a stack whose certificates have been made. */
export async function stackAccess(
  dir: string,
  credentials: Credentials,
  secure: boolean,
): Promise<StackAccess> {
  return { credentials, secure, ca: secure ? await readFile(tlsFiles(dir).ca, 'utf8') : undefined };
}

/** Where the server is, without a password. */
export function serverUrl({ kind, port, tls }: Pick<StackService, 'kind' | 'port' | 'tls'>): string {
  const address = `127.0.0.1:${port}`;
  switch (kind) {
    case 'kafka':
      return address;
    case 'redis':
      return `${tls ? 'rediss' : 'redis'}://${address}`;
    case 'postgres':
      return `postgres://${address}/${STACK_USER}`;
    case 'clickhouse':
      return `http://${address}`;
  }
}

export function serverLog({ kind, dir }: Pick<StackService, 'kind' | 'dir'>): string {
  return join(dir, kind === 'kafka' || kind === 'redis' ? SERVER_LOG : CONSOLE_LOG);
}

/** Whether the server does what it is for, beyond taking connections. */
export function answers({ kind, port, tls }: StackService, access: StackAccess): Promise<boolean> {
  const ca = tls ? access.ca : undefined;
  switch (kind) {
    case 'kafka':
      return kafkaAnswers(port, PROBE_TIMEOUT_MS, { ca });
    case 'redis': {
      const password = access.secure ? access.credentials.redis : undefined;
      return redisAnswers(port, PROBE_TIMEOUT_MS, { ca, password });
    }
    case 'postgres':
      return postgresAnswers(port, PROBE_TIMEOUT_MS);
    case 'clickhouse':
      return clickhouseAnswers(port, PROBE_TIMEOUT_MS);
  }
}

/** The release that the server says it is; empty where it does not say. */
export async function serverVersion(service: StackService, access: StackAccess): Promise<string> {
  switch (service.kind) {
    case 'kafka':
      return KAFKA_VERSION;
    case 'redis':
      return redisVersion();
    case 'postgres': {
      const program = join(findPostgres() ?? '', 'bin', 'postgres');
      const result = await runCommand(program, ['--version'], 10_000);
      return /\d+(\.\d+)+/.exec(result?.output ?? '')?.[0] ?? '';
    }
    case 'clickhouse':
      return clickhouseVersion(service.port, access.credentials.clickhouse);
  }
}

async function clickhouseVersion(port: number, password: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/?query=SELECT+version()`, {
    headers: { 'x-clickhouse-user': STACK_USER, 'x-clickhouse-key': password },
    signal: AbortSignal.timeout(10_000),
  });
  const text = (await response.text()).trim();
  return response.ok ? text : '';
}

/** Ends a server as its kind wants it: SIGTERM (PostgreSQL: a fast shutdown), SIGKILL after 20 s. */
export function endServer(ref: ProcessRef & { readonly kind: StackServiceKind }): Promise<EndedHow> {
  return ref.kind === 'postgres' ? endPostgres(ref, END_TIMEOUT_MS) : endProcess(ref, END_TIMEOUT_MS);
}

export type EndedHow = 'gone' | 'ended' | 'killed';
