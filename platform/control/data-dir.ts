import { mkdirSync } from 'node:fs';
import { MillraceError, hasCode } from '../errors.ts';
import { lockDirectory, type DirectoryLock } from '../directory-lock.ts';
import { folderFault } from '../folder-fault.ts';
import type { Logger } from '../log.ts';
import type { Closable } from '../shutdown.ts';
import { askOwner } from './control-client.ts';
import type { ControlEndpoint } from './control-endpoint.ts';
import { startControlServer, type Probe } from './control-server.ts';

/** The data folder in the hands of this process. */
export interface DataDirOwner extends Closable {
  /** Names an engine that was opened in the folder, so that the control socket can tell of it. */
  add(probe: Probe): void;
  /** Has the control socket answer for an endpoint too. */
  serve(endpoint: ControlEndpoint): void;
}

export interface DataDirOptions {
  readonly dataDir: string;
  /** The command that runs, for those who find the folder taken. */
  readonly command: string;
  readonly now: () => number;
  readonly log: Logger;
}

const ASK_TIMEOUT_MS = 1000;

/**
 * Makes this process the owner of a data folder and serves its control socket.
 * @throws MillraceError MR_EMBEDDED_IN_USE, naming the owner; MR_FOLDER_UNUSABLE
 */
export async function ownDataDir(options: DataDirOptions): Promise<DataDirOwner> {
  const { dataDir, command, now, log } = options;
  const lock = await takeFolder(dataDir);
  const probes: Probe[] = [];
  const endpoints: ControlEndpoint[] = [];
  try {
    const server = await startControlServer({
      dataDir,
      command,
      startedAtMs: now(),
      engines: () => probes,
      endpoints: () => endpoints,
      log,
    });
    let closing: Promise<void> | undefined;
    return {
      add: (probe) => probes.push(probe),
      serve: (endpoint) => endpoints.push(endpoint),
      close: () => (closing ??= server.close().then(() => lock.release())),
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function takeFolder(dataDir: string): Promise<DirectoryLock> {
  try {
    mkdirSync(dataDir, { recursive: true });
    return await lockDirectory(dataDir);
  } catch (error) {
    throw hasCode(error, 'MR_EMBEDDED_IN_USE') ? await inUse(dataDir, error) : folderFault(error, dataDir);
  }
}

/** The same error with the name of the command that owns the folder, where that answers. */
async function inUse(dataDir: string, error: MillraceError): Promise<MillraceError> {
  const owner = await askOwner(dataDir, ASK_TIMEOUT_MS);
  if (owner === undefined)
    return new MillraceError('MR_EMBEDDED_IN_USE', `Another process owns the data folder ${dataDir}`, {
      context: error.context,
      cause: error,
    });
  return new MillraceError(
    'MR_EMBEDDED_IN_USE',
    `\`millrace ${owner.command}\` (process ${owner.pid}, since ${owner.startedAt}) owns the data folder ${dataDir}`,
    { context: { dir: dataDir, ownerPid: owner.pid, command: owner.command }, cause: error },
  );
}
