import { errorText } from '../errors.ts';

/** A refusal with ClickHouse's number and words, for whoever speaks ClickHouse's protocols. */
export class StatementError extends Error {
  override readonly name = 'StatementError';
  readonly code: number;
  /** ClickHouse's name of the number, such as SYNTAX_ERROR. */
  readonly type: string;

  constructor(code: number, type: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.type = type;
  }
}

/** Codes behind which the engine or this process hides what it says itself. */
const NESTED = /^(?:Code: \d+\. DB::Exception: )+/;

/** Reads the number and the name out of what the engine throws: `Code: 62. DB::Exception: … (SYNTAX_ERROR)`. */
export function toStatementError(error: unknown): StatementError {
  if (error instanceof StatementError) return error;
  const text = errorText(error);
  const code = /Code: (\d+)\. DB::Exception: /.exec(text)?.[1];
  if (code === undefined) return new StatementError(1002, 'UNKNOWN_EXCEPTION', text, error);
  const type = /\(([A-Z][A-Z0-9_]{2,})\)[^()]*$/.exec(text)?.[1] ?? 'UNKNOWN_EXCEPTION';
  const message = text
    .slice(text.indexOf('Code: '))
    .replace(NESTED, '')
    .replace(/\s*\([A-Z][A-Z0-9_]{2,}\)(\s*\(version [^()]*\)\.?)?(\s*\([A-Z][A-Z0-9_]{2,}\))?\s*$/, '');
  return new StatementError(Number(code), type, message, error);
}

/** The text of an exception as a server writes it; clients read the number and the name from it. */
export function exceptionText(error: StatementError, version: string): string {
  const message = error.message.replace(/\.?\s*$/, '.');
  return `Code: ${error.code}. DB::Exception: ${message} (${error.type}) (version ${version})\n`;
}
