import type { Session } from 'chdb';
import type { Chdb } from './chdb-engine.ts';
import { READER_ROLE } from './engine-files.ts';
import { StatementError, toStatementError } from './statement-error.ts';
import type { Inspection } from './statement-guard.ts';

/** How a connection is set up before its statement. */
export interface SessionSetup {
  readonly database: string;
  /** Takes the rights of a reader away from everything but tables. */
  readonly isReader: boolean;
  /** Nothing may be written, and no setting changed by the statement. */
  readonly isReadOnly: boolean;
  readonly settings: Readonly<Record<string, string>>;
  /** Values of `{name:Type}` placeholders, escaped as in TabSeparated. */
  readonly params: Readonly<Record<string, string>>;
}

interface SessionOptions {
  readonly engine: Chdb;
  readonly connection: Session;
  /** Marks what this connection runs, so that another one can cancel it. */
  readonly tag: string;
  readonly cancel: (tag: string) => void;
  readonly onRelease: () => void;
}

const RECANCEL_MS = 50;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** The engine's class of statements that read only. */
const READ_CLASS = 0;

/** One connection to the engine, for one statement after another. Every failure is a {@link StatementError}. */
export class EngineSession {
  readonly #options: SessionOptions;
  #running: Promise<unknown> = Promise.resolve();
  #isBusy = false;
  #aborted: StatementError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #released = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** The role and `readonly` come last: settings may not be changed behind them. */
  async prepare(setup: SessionSetup): Promise<void> {
    const statements = [`USE ${quoteName(setup.database)}`];
    const settings = { ...setup.settings, log_comment: this.#options.tag };
    statements.push(
      `SET ${Object.entries(settings)
        .map(([name, value]) => `${settingName(name)} = ${quoteText(value)}`)
        .join(', ')}`,
    );
    for (const [name, value] of Object.entries(setup.params))
      statements.push(`SET param_${settingName(name)} = ${quoteText(value)}`);
    if (setup.isReader) statements.push(`SET ROLE ${READER_ROLE}`);
    if (setup.isReadOnly) statements.push('SET readonly = 1');
    await this.#run(() => this.#options.connection.queryAsync(statements.join('; '), { format: 'Null' }));
  }

  /** Changes settings of a connection that is no reader's. */
  async set(name: string, value: string): Promise<void> {
    const sql = `SET ${settingName(name)} = ${quoteText(value)}`;
    await this.#run(() => this.#options.connection.queryAsync(sql, { format: 'Null' }));
  }

  /** What the engine's parser says of the text; nothing of it runs. Rejects with what is wrong with it. */
  async inspect(sql: string): Promise<Inspection> {
    const { engine, connection } = this.#options;
    const found = await this.#run(() =>
      engine.addon.DurableClassifyAsync(connection.connection, sql, 'default'),
    );
    if (found.statementCount > 1) return { statements: found.statementCount, isRead: false, tree: [] };
    const tree = await this.#run(() => connection.queryAsync(`EXPLAIN AST ${sql}`, { format: 'TSVRaw' }));
    return {
      statements: found.statementCount,
      isRead: found.queryClass === READ_CLASS,
      tree: Buffer.from(tree.bytes()).toString().split('\n'),
    };
  }

  /** A select, block by block: the next one is made when the one before has been taken. */
  async *stream(
    sql: string,
    format: string,
  ): AsyncGenerator<{ readonly rows: number; readonly bytes: Uint8Array }> {
    this.#throwIfAborted();
    const { connection } = this.#options;
    const stream = this.#guard(() => connection.queryStream(sql, { format }));
    const blocks = stream[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await this.#run(() => blocks.next());
        if (step.done === true) return;
        yield { rows: step.value.numRows, bytes: step.value.raw() };
      }
    } finally {
      stream.cancel();
    }
  }

  /** Any statement, with its whole result at once. */
  async execute(sql: string, format: string): Promise<{ readonly rows: number; readonly bytes: Uint8Array }> {
    const result = await this.#run(() => this.#options.connection.queryAsync(sql, { format }));
    return { rows: result.rowsRead, bytes: result.bytes() };
  }

  /** `INSERT … FORMAT x` with its data behind it. The bytes may not change until the insert is done. */
  insert(
    sql: string,
    data: Uint8Array,
  ): Promise<{ readonly rowsWritten: number; readonly bytesWritten: number }> {
    const { engine, connection } = this.#options;
    return this.#run(() => engine.addon.InsertRawAsyncConnection(connection.connection, sql, data, false));
  }

  /** Ends what runs, and refuses what would follow, with this error. */
  abort(error: StatementError): void {
    if (this.#released || this.#aborted !== undefined) return;
    this.#aborted = error;
    if (this.#isBusy) this.#cancel();
  }

  /** Gives the place back once the engine is done with this connection. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#running;
    clearInterval(this.#timer);
    this.#options.connection.close();
    this.#options.onRelease();
  }

  /** Again and again, since a statement that has only just been handed over is not yet known by its tag. */
  #cancel(): void {
    this.#options.cancel(this.#options.tag);
    this.#timer ??= setInterval(() => {
      if (this.#isBusy) this.#options.cancel(this.#options.tag);
    }, RECANCEL_MS);
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    this.#throwIfAborted();
    this.#isBusy = true;
    const running = this.#guard(work);
    this.#running = running.catch(() => undefined); // the caller gets the error below
    try {
      return await running;
    } catch (error) {
      throw this.#aborted ?? toStatementError(error);
    } finally {
      this.#isBusy = false;
    }
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#isBusy = false;
      throw toStatementError(error);
    }
  }

  #throwIfAborted(): void {
    if (this.#aborted !== undefined) throw this.#aborted;
    if (this.#released) throw new StatementError(236, 'ABORTED', 'the connection has been released');
  }
}

function settingName(name: string): string {
  if (NAME.test(name)) return name;
  throw new StatementError(
    115,
    'UNKNOWN_SETTING',
    `Setting ${name} is neither a builtin setting nor a parameter`,
  );
}

function quoteName(name: string): string {
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
