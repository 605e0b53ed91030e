import { StatementError } from '../../clickhouse/statement-error.ts';

interface RunningQuery {
  readonly user: string;
  readonly end: AbortController;
}

/** What runs now, by the id that the client gave. */
export class RunningQueries {
  readonly #queries = new Map<string, RunningQuery>();

  /**
   * @returns to be called at its end
   * @throws StatementError 216
   */
  add(queryId: string, user: string, end: AbortController): () => void {
    if (this.#queries.has(queryId))
      throw new StatementError(
        216,
        'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING',
        `Query with id = ${queryId} is already running`,
      );
    this.#queries.set(queryId, { user, end });
    return () => this.#queries.delete(queryId);
  }

  /** @returns what was ended, undefined where nothing with that id runs */
  kill(queryId: string): RunningQuery | undefined {
    const query = this.#queries.get(queryId);
    query?.end.abort(new StatementError(394, 'QUERY_WAS_CANCELLED', 'Query was cancelled'));
    return query;
  }
}

/** The id that `KILL QUERY WHERE query_id = '…'` names. */
export function killedQueryId(sql: string): string | undefined {
  return /^\s*KILL\s+QUERY\s+WHERE\s+query_id\s*=\s*'([^'\\]*)'\s*(?:SYNC|ASYNC)?\s*;?\s*$/i.exec(sql)?.[1];
}
