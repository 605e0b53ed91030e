/** The one error class. */
import { ERROR_CATALOGUE, type ErrorEntry } from './error-catalogue.ts';

export { ERROR_CATALOGUE };

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

export type ErrorContext = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export interface ErrorOptions {
  readonly context?: ErrorContext;
  readonly cause?: unknown;
  /** Overrides the catalogue where the vendor's error tells more. */
  readonly retryable?: boolean;
}

/** Every expected failure of Millrace. An error of another class is a bug and stops the process. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly context: ErrorContext;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? ERROR_CATALOGUE[code].retryable;
    this.context = options.context ?? {};
  }

  /** HTTP status for an answer that carries this error. */
  get status(): number {
    const entry: ErrorEntry = ERROR_CATALOGUE[this.code];
    return entry.status ?? 500;
  }

  /** What to do next, from the catalogue. */
  get fix(): string {
    return ERROR_CATALOGUE[this.code].fix;
  }
}

/** True for a {@link MillraceError} with that code. */
export function hasCode(error: unknown, code: ErrorCode): error is MillraceError {
  return error instanceof MillraceError && error.code === code;
}

/** The text of anything thrown, for a message or a log field. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
