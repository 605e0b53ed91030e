import { connectionFault } from '../../connection-fault.ts';
import { MillraceError, errorText } from '../../errors.ts';
import type { Api } from './protocol/api.ts';

/** What is known of a connection when it fails. */
export interface ConnectionSigns {
  /** host:port. */
  readonly broker: string;
  /** `connect`, or the name of the request. */
  readonly doing: string;
  readonly usesTls: boolean;
  readonly logsIn: boolean;
  /** The TLS handshake was finished. */
  readonly isSecured: boolean;
  /** The first bytes of the other side were a TLS alert. */
  readonly peerSpeaksTls: boolean;
  /** A request other than those of the connection itself was answered. */
  readonly wasUsed: boolean;
}

const LOG_IN_REFUSALS = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
]);
const CLOSED = 'the other side closed the connection';
const WANTS_CERTIFICATE = /ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN)/;
/** kafkajs wraps whatever happens during a log-in as a refusal, a lost connection included. */
const LOST_LOG_IN = /closed connection|connection error|timed out|not connected|connection given up/i;

/**
 * What a connection threw, as an error of ours: MR_ENGINE_TLS_FAILED and MR_ENGINE_AUTH_FAILED stay until somebody
 * changes a setting; everything else is a lost connection, MR_KAFKA_UNAVAILABLE.
 */
export function connectionError(error: unknown, signs: ConnectionSigns): MillraceError {
  if (error instanceof MillraceError) return error;
  const context = { broker: signs.broker, doing: signs.doing };
  const name = error instanceof Error ? error.name : '';
  if (name === 'TypeError' || name === 'RangeError')
    return new MillraceError('MR_INTERNAL', `a Kafka request failed: ${errorText(error)}`, {
      cause: error,
      context,
    });
  if (isRefusedLogIn(error, name))
    return new MillraceError(
      'MR_ENGINE_AUTH_FAILED',
      `Kafka at ${signs.broker} refused the log-in: ${errorText(error)}`,
      { cause: error, context },
    );
  const tls = tlsFault(error, signs);
  if (tls !== undefined)
    return new MillraceError('MR_ENGINE_TLS_FAILED', `no TLS with Kafka at ${signs.broker}: ${tls.text}`, {
      cause: error,
      context,
      retryable: tls.mayPass,
    });
  const isClosed = errorText(error) === 'Closed connection';
  const reason = isClosed ? CLOSED : (connectionFault(error)?.text ?? errorText(error));
  return new MillraceError(
    'MR_KAFKA_UNAVAILABLE',
    `no answer from Kafka at ${signs.broker}: ${reason}${isClosed ? hint(signs) : ''}`,
    {
      cause: error,
      context,
    },
  );
}

function isRefusedLogIn(error: unknown, name: string): boolean {
  if (!(error instanceof Error)) return false;
  if ('type' in error && LOG_IN_REFUSALS.has(String(error.type))) return true;
  return name === 'KafkaJSSASLAuthenticationError' && !LOST_LOG_IN.test(error.message);
}

function tlsFault(error: unknown, signs: ConnectionSigns): { text: string; mayPass: boolean } | undefined {
  if (!signs.usesTls)
    return signs.peerSpeaksTls
      ? { text: 'this port expects TLS (MR_KAFKA_TLS=true)', mayPass: false }
      : undefined;
  if (error instanceof Error && 'code' in error && WANTS_CERTIFICATE.test(String(error.code)))
    return {
      text: 'this port wants a certificate of ours that it trusts (MR_KAFKA_CERT_FILE)',
      mayPass: false,
    };
  const fault = connectionFault(error);
  if (fault?.kind === 'tls') return { text: fault.text, mayPass: false };
  // A broker that stops in the middle of a handshake looks the same, so it is worth another try.
  if (!signs.isSecured && fault?.kind === 'closed')
    return { text: 'the handshake was cut off; perhaps this port does not speak TLS', mayPass: true };
  return undefined;
}

/** A listener that wants a log-in closes the connection at the first request of who did not. */
function hint(signs: ConnectionSigns): string {
  return !signs.logsIn && !signs.wasUsed && signs.doing !== 'connect'
    ? '; perhaps it expects a log-in (MR_KAFKA_SASL)'
    : '';
}

/** @throws MillraceError MR_ENGINE_TOO_OLD, naming the request and both versions */
export function requireApi(
  broker: string,
  api: Pick<Api<unknown, unknown>, 'key' | 'name' | 'version'>,
  offered: { readonly minVersion: number; readonly maxVersion: number } | undefined,
): void {
  const { name, version } = api;
  const context = { broker, api: name, version };
  if (offered === undefined || offered.maxVersion < version)
    throw new MillraceError(
      'MR_ENGINE_TOO_OLD',
      `Kafka at ${broker} is too old: Millrace needs version ${version} of ${name}, the broker speaks ${
        offered === undefined ? 'none' : `${offered.minVersion} to ${offered.maxVersion}`
      }`,
      { context },
    );
  if (offered.minVersion > version)
    throw new MillraceError(
      'MR_KAFKA_FAILED',
      `Kafka at ${broker} is newer than this Millrace: version ${version} of ${name} was removed there; the lowest is ${offered.minVersion}`,
      { context },
    );
}
