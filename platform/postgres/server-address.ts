import type { ConnectionOptions } from 'node:tls';
import type { PostgresConfig, Secret } from '../config.ts';
import { MillraceError } from '../errors.ts';
import { readPem } from '../pem-file.ts';

/** Where a server is and how to log in; `ssl` only where the connection must be TLS. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly ssl: ConnectionOptions | false;
}

const DEFAULT_PORT = 5432;
const SSL_MODES = ['disable', 'require', 'verify-full'] as const;

/**
 * Reads MR_POSTGRES_URL and the file of the authority. With TLS the certificate and the name in it are always checked:
 * `sslmode=require` means `verify-full` too.
 * @throws MillraceError MR_CONFIG_INVALID
 */
export async function serverAddress(
  config: PostgresConfig & { readonly url: Secret },
): Promise<ServerAddress> {
  const url = new URL(config.url.reveal());
  const sslMode = readParameters(url);
  if (sslMode === 'disable' && config.caFile !== undefined) {
    throw invalid('MR_POSTGRES_CA_FILE asks for TLS and sslmode=disable of MR_POSTGRES_URL refuses it');
  }
  const user = decodeURIComponent(url.username) || 'postgres';
  return {
    // An IPv6 address stands in brackets.
    host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1') || '127.0.0.1',
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    user,
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)) || user,
    ssl: tlsOptions(config.caFile, sslMode),
  };
}

function readParameters(url: URL): (typeof SSL_MODES)[number] | undefined {
  for (const name of url.searchParams.keys()) {
    if (name !== 'sslmode') throw invalid(`MR_POSTGRES_URL has the parameter ${name}; only sslmode is known`);
  }
  const given = url.searchParams.get('sslmode');
  const mode = SSL_MODES.find((known) => known === given);
  if (given === null || mode !== undefined) return mode;
  throw invalid(`sslmode of MR_POSTGRES_URL is none of ${SSL_MODES.join(', ')}`);
}

function tlsOptions(
  caFile: string | undefined,
  sslMode: (typeof SSL_MODES)[number] | undefined,
): ConnectionOptions | false {
  if (caFile === undefined) {
    return sslMode === undefined || sslMode === 'disable' ? false : { rejectUnauthorized: true };
  }
  return { rejectUnauthorized: true, ca: readPem('MR_POSTGRES_CA_FILE', caFile) };
}

function invalid(message: string): MillraceError {
  return new MillraceError('MR_CONFIG_INVALID', message);
}
