/** Finds where the text of an INSERT ends and its data begin. */

export interface InsertHead {
  /** Bytes of the statement in front of FORMAT or VALUES. */
  readonly statementBytes: number;
  /** Format of the data as written; `Values` for VALUES. */
  readonly format: string;
  /** Where the data begin. */
  readonly dataStart: number;
}

const TOKEN =
  /\s+|--[^\n]*(?:\n|$)|#[ !][^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`\\]|\\[\s\S]|``)*`|[A-Za-z_$][\w$]*|[\s\S]/gy;
const IS_SKIPPED = /^(?:\s|--|#[ !]|\/\*)/;

/**
 * @param bytes the beginning of a request, long enough to hold the statement
 * @returns undefined where it is no INSERT with data behind it
 */
export function findInsertHead(bytes: Buffer): InsertHead | undefined {
  const text = bytes.toString('latin1'); // one character for each byte
  let depth = 0;
  let position = 0;
  let first = true;
  let readsInput = false;
  let selects = false;
  for (const token of tokens(text)) {
    position = token.start;
    if (first) {
      if (token.text.toUpperCase() !== 'INSERT') return undefined;
      first = false;
    } else if (token.text === '(') depth++;
    else if (token.text === ')') depth--;
    else if (/^input$/i.test(token.text)) readsInput = true;
    else if (depth === 0) {
      const word = token.text.toUpperCase();
      if (word === 'SELECT' || word === 'WITH') selects = true;
      if (word === 'VALUES' && !selects) return values(text, position, token.end);
      if (word === 'FORMAT' && (!selects || readsInput)) return format(text, position, token.end);
    }
  }
  return undefined;
}

function* tokens(text: string): Generator<{ text: string; start: number; end: number }> {
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const end = TOKEN.lastIndex;
    if (!IS_SKIPPED.test(match[0])) yield { text: match[0], start: match.index, end };
    TOKEN.lastIndex = end; // the pattern is shared: another search may have moved it
  }
}

function values(text: string, start: number, end: number): InsertHead {
  return { statementBytes: start, format: 'Values', dataStart: end };
}

function format(text: string, start: number, end: number): InsertHead | undefined {
  const found = /^\s+(\w+)[ \t\r]*(?:;?[ \t\r]*\n|;)?/.exec(text.slice(end, end + 1000));
  const name = found?.[1];
  if (found === null || name === undefined) return undefined;
  return { statementBytes: start, format: name, dataStart: end + found[0].length };
}
