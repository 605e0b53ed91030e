/** A matrix in compressed sparse rows: columns of row r are `indices[starts[r] … starts[r + 1])`, ascending. */
export interface CsrMatrix {
  readonly rows: number;
  readonly columns: number;
  /** `[rows + 1]` */
  readonly starts: Uint32Array;
  /** `[entries]` */
  readonly indices: Int32Array;
}

/** A 0/1 matrix from the columns of each row, which it sorts; repeated ones count once. */
export function csrOfRows(rows: readonly ArrayLike<number>[], columns: number): CsrMatrix {
  const sorted = rows.map((row) => distinct(Int32Array.from(row).sort()));
  const starts = new Uint32Array(rows.length + 1);
  sorted.forEach((row, index) => (starts[index + 1] = (starts[index] ?? 0) + row.length));
  const indices = new Int32Array(starts[rows.length] ?? 0);
  sorted.forEach((row, index) => indices.set(row, starts[index]));
  return { rows: rows.length, columns, starts, indices };
}

/** The columns of a row, as a view. */
export function rowOf({ starts, indices }: CsrMatrix, row: number): Int32Array {
  return indices.subarray(starts[row], starts[row + 1]);
}

/** Rows become columns. O(entries). */
export function transpose({ rows, columns, starts, indices }: CsrMatrix): CsrMatrix {
  const turned = new Uint32Array(columns + 1);
  for (const column of indices) turned[column + 1] = (turned[column + 1] ?? 0) + 1;
  for (let column = 0; column < columns; column++)
    turned[column + 1] = (turned[column + 1] ?? 0) + (turned[column] ?? 0);
  const next = turned.slice(0, columns);
  const into = new Int32Array(indices.length);
  for (let row = 0; row < rows; row++) {
    for (let at = starts[row] ?? 0; at < (starts[row + 1] ?? 0); at++) {
      const column = indices[at] ?? 0;
      into[next[column] ?? 0] = row;
      next[column] = (next[column] ?? 0) + 1;
    }
  }
  return { rows: columns, columns: rows, starts: turned, indices: into };
}

/** Entries of each row: `[rows]`. */
export function rowCounts({ rows, starts }: CsrMatrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => (starts[row + 1] ?? 0) - (starts[row] ?? 0));
}

function distinct(sorted: Int32Array): Int32Array {
  return sorted.filter((value, index) => index === 0 || value !== sorted[index - 1]);
}
