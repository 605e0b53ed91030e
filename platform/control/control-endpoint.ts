import { MillraceError, errorText, type ErrorCode } from '../errors.ts';

/** Something that the owner of a data folder tells those who ask, or does for them. */
export interface ControlEndpoint {
  /** Its path below `/v1/`. */
  readonly name: string;
  /** Whether it changes something: then it is asked by POST. One that does not is asked by GET. */
  readonly changes?: boolean;
  /** Parts of an answer, each a value of JSON. They are made as fast as they are read. */
  answer(query: URLSearchParams): AsyncIterable<unknown>;
}

/** A line of an answer: a part of it, its end, or the fault that ended it. Without one of the last two it was cut off. */
export type AnswerLine =
  | { readonly part: unknown }
  | { readonly end: true }
  | { readonly error: { readonly code: ErrorCode; readonly message: string } };

/** An answer as lines of JSON. */
export async function* answerLines(
  endpoint: ControlEndpoint,
  query: URLSearchParams,
): AsyncGenerator<string> {
  try {
    for await (const part of endpoint.answer(query)) yield lineOf({ part });
    yield lineOf({ end: true });
  } catch (error) {
    const code = error instanceof MillraceError ? error.code : 'MR_INTERNAL';
    yield lineOf({ error: { code, message: errorText(error) } });
  }
}

function lineOf(line: AnswerLine): string {
  return `${JSON.stringify(line)}\n`;
}
