/** What `millrace doctor` asks each backing system, real or embedded. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { askOwner } from '../../platform/control/control-client.ts';
import {
  probe,
  type EngineState,
  type OwnerStatus,
  type Probe,
} from '../../platform/control/control-server.ts';
import type { Config } from '../../platform/config.ts';
import { withDeadline } from '../../platform/deadline.ts';
import { ERROR_CATALOGUE, MillraceError, errorText, type ErrorCode } from '../../platform/errors.ts';
import type { Closable } from '../../platform/shutdown.ts';
import type { SystemCheck } from './check.ts';

/** A backing system as the configuration names it. */
export interface System {
  readonly name: 'kafka' | 'clickhouse' | 'redis' | 'postgres';
  readonly kind: 'real' | 'embedded';
  /** host:port without credentials, or a folder. */
  readonly where: string;
  /** The optional package of the embedded engine; absent where it is Millrace's own. */
  readonly package?: string;
  /** Connects, or opens the folder. Closed afterwards. */
  open(): Promise<Pick<Probe, 'info'> & Closable>;
}

/** The code of a system that does not answer. */
const SILENT = {
  kafka: 'MR_KAFKA_UNAVAILABLE',
  clickhouse: 'MR_CLICKHOUSE_UNAVAILABLE',
  redis: 'MR_ONLINE_STORE_UNAVAILABLE',
  postgres: 'MR_POSTGRES_UNAVAILABLE',
} as const satisfies Record<System['name'], ErrorCode>;

/** A round trip first, which also warms up; the second one gives the latency. */
async function ask(system: System, timeoutMs: number): Promise<EngineState> {
  const late = () =>
    new MillraceError(SILENT[system.name], `${system.where} did not answer within ${timeoutMs} ms`);
  const opening = system.open();
  try {
    const engine = await withDeadline(opening, timeoutMs, late);
    const probed = { name: system.name, info: (ms: number) => engine.info(ms) };
    const first = await probe(probed, timeoutMs);
    return first.ok ? await probe(probed, timeoutMs) : first;
  } catch (error) {
    const code = error instanceof MillraceError ? error.code : 'MR_INTERNAL';
    return { name: system.name, ok: false, code, message: errorText(error) };
  } finally {
    // Also one that opens after its time is closed; it has no one left to tell of a failure.
    void opening.then((engine) => engine.close()).catch(() => undefined);
  }
}

function fixOf(code: string): string {
  return code in ERROR_CATALOGUE ? ERROR_CATALOGUE[code as ErrorCode].fix : ERROR_CATALOGUE.MR_INTERNAL.fix;
}

function fromState(system: System, state: EngineState, by?: OwnerStatus): SystemCheck {
  const { name, kind, where } = system;
  if (!state.ok) {
    const { code, message } = state;
    return { name, kind, where, status: 'failed', found: `${code}: ${message}`, fix: fixOf(code), code };
  }
  const owner = by === undefined ? '' : `, open in \`millrace ${by.command}\` (process ${by.pid})`;
  return {
    name,
    kind,
    where: state.where,
    status: 'ok',
    found: `${state.engine} ${state.version} at ${state.where}, ${state.latencyMs} ms${owner}`,
    version: state.version,
    latencyMs: state.latencyMs,
  };
}

/** An engine whose folder is not there yet: nothing is made, but its package must be installed. */
function unmade(system: System): SystemCheck {
  const { name, kind, where } = system;
  if (system.package === undefined || isInstalled(system.package))
    return { name, kind, where, status: 'ok', found: `embedded, made at the first start in ${where}` };
  const code = 'MR_EMBEDDED_UNAVAILABLE';
  const found = `${code}: the optional package ${system.package} is not installed`;
  return { name, kind, where, status: 'failed', found, fix: fixOf(code), code };
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch (error) {
    // A package for `import` alone resolves to nothing else, but it is there.
    return !(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND');
  }
}

/**
 * Asks every system, one after the other: an embedded one through the owner of the data folder where there is one.
 *
 * @param timeoutMs for each connection and each answer
 */
export async function checkSystems(
  config: Pick<Config, 'dataDir'>,
  systems: readonly System[],
  timeoutMs: number,
): Promise<readonly SystemCheck[]> {
  const owner = await askOwner(config.dataDir, timeoutMs);
  const checks: SystemCheck[] = [];
  for (const system of systems) {
    const owned =
      system.kind === 'embedded' ? owner?.engines.find(({ name }) => name === system.name) : undefined;
    if (owned !== undefined) checks.push(fromState(system, owned, owner));
    else if (system.kind === 'embedded' && !existsSync(system.where)) checks.push(unmade(system));
    else checks.push(fromState(system, await ask(system, timeoutMs)));
  }
  return checks;
}
