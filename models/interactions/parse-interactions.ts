import { MillraceError } from '../../platform/errors.ts';
import { csrOfRows, type CsrMatrix } from '../sparse/csr-matrix.ts';

/** Who had to do with what: rows are users, columns are items, both by their place in the lists of ids. */
export interface Interactions {
  readonly users: readonly string[];
  readonly items: readonly string[];
  readonly matrix: CsrMatrix;
  /** Pairs that were given more than once. */
  readonly repeated: number;
}

/** What tokens of lists that went wrong elsewhere look like. */
const NO_ID = new Set(['nan', 'null', 'undefined', 'none', 'inf', 'infinity', '-inf', '-infinity']);
const MAX_ID_LENGTH = 200;

/**
 * Reads lines `user item item …`. Ids are any words; those of a training file may have gaps. A user may have several
 * lines, or one without items. Empty lines count for nothing.
 * @param source names it in errors
 * @throws MillraceError MR_MODEL_DATA_INVALID with the line, MR_MODEL_DATA_EMPTY where there is no pair
 */
export async function parseInteractions(
  lines: AsyncIterable<string> | Iterable<string>,
  source: string,
): Promise<Interactions> {
  const users = new Map<string, number>();
  const items = new Map<string, number>();
  const rows: number[][] = [];
  let number = 0;
  for await (const line of lines) {
    number += 1;
    const [user, ...own] = line.split(/\s+/).filter((word) => word !== '');
    if (user === undefined) continue;
    for (const id of [user, ...own]) checkId(id, { source, line: number });
    const row = numberOf(users, user);
    const into = (rows[row] ??= []);
    for (const item of own) into.push(numberOf(items, item));
  }
  const given = rows.reduce((sum, row) => sum + row.length, 0);
  if (given === 0)
    throw new MillraceError(
      'MR_MODEL_DATA_EMPTY',
      `${source} has no interaction: ${number} lines were read`,
      {
        context: { source, lines: number },
      },
    );
  const matrix = csrOfRows(rows, items.size);
  const repeated = given - matrix.indices.length;
  return { users: [...users.keys()], items: [...items.keys()], matrix, repeated };
}

function checkId(id: string, { source, line }: { readonly source: string; readonly line: number }): void {
  if (!NO_ID.has(id.toLowerCase()) && id.length <= MAX_ID_LENGTH) return;
  const what = id.length > MAX_ID_LENGTH ? `an id of ${id.length} characters` : `"${id}", which is no id`;
  throw new MillraceError('MR_MODEL_DATA_INVALID', `${source}, line ${line}: ${what}`, {
    context: { source, line },
  });
}

function numberOf(ids: Map<string, number>, id: string): number {
  let number = ids.get(id);
  if (number === undefined) ids.set(id, (number = ids.size));
  return number;
}
