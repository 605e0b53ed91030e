import type { ConnectionOptions } from 'node:tls';
import type { RedisConfig } from '../config.ts';
import { MillraceError } from '../errors.ts';
import { readPem } from '../pem-file.ts';

/** Where Redis is and how to get in. Never logged: it holds the password. */
export interface RedisEndpoint {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  readonly tls?: ConnectionOptions;
}

const DEFAULT_PORT = 6379;

/**
 * The parts of MR_REDIS_URL with the authority of MR_REDIS_CA_FILE.
 * @throws MillraceError MR_CONFIG_INVALID (never with the URL in it), MR_ENGINE_TLS_FAILED (the file cannot be read)
 */
export function redisEndpoint(config: RedisConfig): RedisEndpoint {
  const url = parse(config.url?.reveal() ?? '');
  const db = url.pathname.replace(/^\//, '') || '0';
  if (!/^\d+$/.test(db)) throw invalid('what follows the host is the number of a database, such as /1');
  if (config.isCluster === true && db !== '0') throw invalid('a Redis Cluster has the database 0 alone');
  const isTls = url.protocol === 'rediss:';
  if (!isTls && config.caFile !== undefined) throw invalid('MR_REDIS_CA_FILE has no effect without rediss:');
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    ...(url.username === '' ? {} : { username: decoded(url.username) }),
    ...(url.password === '' ? {} : { password: decoded(url.password) }),
    db: Number(db),
    ...(isTls
      ? { tls: config.caFile === undefined ? {} : { ca: readPem('MR_REDIS_CA_FILE', config.caFile) } }
      : {}),
  };
}

/** host:port, without credentials. */
export function whereOf({ host, port }: Pick<RedisEndpoint, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parse(text: string): URL {
  if (!/^rediss?:/.test(text) || !URL.canParse(text))
    throw invalid('is not a URL such as redis://user:password@host:6379');
  return new URL(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('percent signs in user and password are written as %25'); // the error would quote the password
  }
}

function invalid(fault: string): MillraceError {
  return new MillraceError('MR_CONFIG_INVALID', `MR_REDIS_URL: ${fault}`, { context: { faults: [fault] } });
}
