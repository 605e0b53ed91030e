import { createSecureContext, type ConnectionOptions } from 'node:tls';
import type { KafkaConfig } from '../../config.ts';
import { MillraceError, errorText } from '../../errors.ts';
import { readPem } from '../../pem-file.ts';
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
    ...(tls === undefined ? {} : { ssl: readTls(tls) }),
    ...(sasl === undefined
      ? {}
      : { sasl: { mechanism: sasl.mechanism, username: sasl.user, password: sasl.password.reveal() } }),
  };
}

function readTls(tls: NonNullable<KafkaConfig['tls']>): ConnectionOptions {
  const ca = tls.caFile === undefined ? undefined : readPem('MR_KAFKA_CA_FILE', tls.caFile);
  const cert = tls.certFile === undefined ? undefined : readPem('MR_KAFKA_CERT_FILE', tls.certFile);
  const key = tls.keyFile === undefined ? undefined : readPem('MR_KAFKA_KEY_FILE', tls.keyFile);
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

function invalid(fault: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_CONFIG_INVALID', fault, { cause, context: { faults: [fault] } });
}
