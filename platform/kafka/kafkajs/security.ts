import { readFile } from 'node:fs/promises';
import { createSecureContext, type ConnectionOptions } from 'node:tls';
import type { KafkaConfig } from '../../config.ts';
import { MillraceError, errorText } from '../../errors.ts';
import type { SASLOptions } from './vendor.ts';

export interface KafkaSecurity {
  /** Absent: plain TCP. */
  readonly ssl?: ConnectionOptions;
  /** Absent: no log-in. */
  readonly sasl?: SASLOptions;
}

/** Reads the PEM files that the settings name. Rejects with MR_CONFIG_INVALID, naming the setting at fault. */
export async function readSecurity(config: Pick<KafkaConfig, 'tls' | 'sasl'>): Promise<KafkaSecurity> {
  const { tls, sasl } = config;
  return {
    ...(tls === undefined ? {} : { ssl: await readTls(tls) }),
    ...(sasl === undefined
      ? {}
      : { sasl: { mechanism: sasl.mechanism, username: sasl.user, password: sasl.password.reveal() } }),
  };
}

async function readTls(tls: NonNullable<KafkaConfig['tls']>): Promise<ConnectionOptions> {
  const ca = await readPem('MR_KAFKA_CA_FILE', tls.caFile);
  const cert = await readPem('MR_KAFKA_CERT_FILE', tls.certFile);
  const key = await readPem('MR_KAFKA_KEY_FILE', tls.keyFile);
  const options = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw invalid(`MR_KAFKA_CERT_FILE, MR_KAFKA_KEY_FILE: ${errorText(error)}`, error);
  }
  return options;
}

async function readPem(setting: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw invalid(`${setting}: ${path} cannot be read: ${errorText(error)}`, error);
  });
  if (!text.includes('-----BEGIN ')) throw invalid(`${setting}: ${path} is no PEM file`);
  return text;
}

function invalid(fault: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_CONFIG_INVALID', fault, { cause, context: { faults: [fault] } });
}
