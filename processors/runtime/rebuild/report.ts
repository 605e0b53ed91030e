/** What a rebuild of one or more tables has done, or would do. */
export interface RebuildReport {
  tables: number;
  /** Rows that tasks have committed, as far as they were compared. */
  rowsChecked: number;
  /** Rows that were missing or read otherwise. */
  rowsWritten: number;
  /** Rows that no task has said. */
  rowsDeleted: number;
  /** Rows that cannot be made again, such as those whose input has left the log: left as they are. */
  rowsKept: number;
  /** Rows, kept, written or missing, for which nothing proves what they must be. */
  unproven: number;
}

export function emptyReport(): RebuildReport {
  return { tables: 0, rowsChecked: 0, rowsWritten: 0, rowsDeleted: 0, rowsKept: 0, unproven: 0 };
}

/** Something that a rebuild could not put right, or had to decide against the proofs. */
export interface Unsettled {
  readonly table: string;
  readonly place: string;
  readonly reason: string;
}

/** Told what a rebuild does. */
export interface RebuildEvents {
  /** How much of a table is compared, in rows that its tasks have said. */
  readonly onProgress: (table: string, done: number) => void;
  readonly onUnsettled: (unsettled: Unsettled) => void;
  /** Told in words what begins. */
  readonly onStep: (text: string) => void;
  /** Asked before anything of a table changes; throws where the application runs. */
  readonly requireStopped: () => Promise<void>;
}

export function addReports(x: RebuildReport, y: RebuildReport): RebuildReport {
  return {
    tables: x.tables + y.tables,
    rowsChecked: x.rowsChecked + y.rowsChecked,
    rowsWritten: x.rowsWritten + y.rowsWritten,
    rowsDeleted: x.rowsDeleted + y.rowsDeleted,
    rowsKept: x.rowsKept + y.rowsKept,
    unproven: x.unproven + y.unproven,
  };
}
