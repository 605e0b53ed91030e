/**
 * Why a connection failed, in words for whoever runs it. `tls` stays as it is until somebody changes a
 * setting or a certificate; the others may heal by themselves.
 */
export interface ConnectionFault {
  readonly kind: 'unknown-host' | 'refused' | 'unreachable' | 'closed' | 'timeout' | 'tls';
  readonly text: string;
}

const FAULTS: readonly (readonly [pattern: RegExp, kind: ConnectionFault['kind'], text: string])[] = [
  [/^(ENOTFOUND|EAI_AGAIN|EAI_NONAME)$/, 'unknown-host', 'the name of the host is not known'],
  [/^ECONNREFUSED$/, 'refused', 'nothing listens on that port'],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/, 'unreachable', 'there is no route to the host'],
  [/^(ETIMEDOUT|ESOCKETTIMEDOUT)$/, 'timeout', 'the host did not answer in time'],
  [/^CERT_HAS_EXPIRED$/, 'tls', 'the certificate of the server has expired'],
  [/^CERT_NOT_YET_VALID$/, 'tls', 'the certificate of the server is not valid yet'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'tls', 'the certificate of the server is for another host name'],
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_\w+)$/,
    'tls',
    'the certificate of the server was not signed by a known authority',
  ],
  [
    /^(EPROTO|ERR_SSL_\w+|ERR_TLS_\w+)$/,
    'tls',
    'the two sides could not agree on TLS: perhaps only one of them expects it',
  ],
  [/^(ECONNRESET|EPIPE|ECONNABORTED)$/, 'closed', 'the other side closed the connection'],
];

/** The first known fault in an error, its causes and its parts; undefined where none is a fault of a connection. */
export function connectionFault(error: unknown): ConnectionFault | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const found = FAULTS.find(([pattern]) => pattern.test(code));
  if (found !== undefined) return { kind: found[1], text: found[2] };
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  for (const inner of [...parts, error.cause, 'originalError' in error ? error.originalError : undefined]) {
    const fault = connectionFault(inner);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
