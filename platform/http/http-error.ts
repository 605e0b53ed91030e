import { ERROR_CATALOGUE, MillraceError, type ErrorCode } from '../errors.ts';

export interface HttpError {
  readonly code: ErrorCode;
  readonly status: number;
  readonly message: string;
}

/** What a client is told of an error: of the server's own failures (500 and above) nothing but the catalogue's words. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof MillraceError) {
    const { code, status } = error;
    return { code, status, message: status >= 500 ? ERROR_CATALOGUE[code].what : error.message };
  }
  const status = statusOf(error);
  if (status === undefined || status >= 500)
    return { code: 'MR_INTERNAL', status: 500, message: 'The server failed; the log has more.' };
  const code = CODES_BY_STATUS[status] ?? 'MR_HTTP_BAD_REQUEST';
  return { code, status, message: clientMessage(error, code) };
}

const CODES_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  404: 'MR_HTTP_NOT_FOUND',
  413: 'MR_HTTP_BODY_TOO_LARGE',
  415: 'MR_HTTP_UNSUPPORTED_MEDIA',
};

/** Status of an error that fastify raised while it read the request. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 600 ? statusCode : undefined;
}

/** Fastify's own words, which name no value; those of other libraries may quote the body. */
function clientMessage(error: unknown, code: ErrorCode): string {
  if (!(error instanceof Error)) return ERROR_CATALOGUE[code].what;
  return 'code' in error && typeof error.code === 'string' && error.code.startsWith('FST_')
    ? error.message
    : ERROR_CATALOGUE[code].what;
}
