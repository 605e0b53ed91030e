/** ClickHouse's HTTP interface over the engine in process. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { EngineSession } from '../../clickhouse/engine-session.ts';
import { StatementError, toStatementError } from '../../clickhouse/statement-error.ts';
import type { StatementPool } from '../../clickhouse/statement-pool.ts';
import type { Logger } from '../../log.ts';
import type { Metrics } from '../../metrics.ts';
import { Answer, type Summary } from './answer.ts';
import { Login, type Account } from './login.ts';
import { isNativeGreeting, nativeGreeting } from './native-hello.ts';
import { killedQueryId, RunningQueries } from './running-queries.ts';
import { runStatement } from './run-statement.ts';
import { DEFAULT_LIMITS, settingsOf, type Limits } from './setting-rules.ts';
import { readRequest, urlOf } from './statement-request.ts';

export interface ClickHouseServerOptions {
  readonly pool: StatementPool;
  readonly accounts: readonly Account[];
  /** Folder for answers that are too large to be held in memory. */
  readonly spillDir: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** {@link DEFAULT_LIMITS} where absent. */
  readonly limits?: Limits;
}

const ONE_ROW: Summary = {
  readRows: 0,
  writtenRows: 0,
  writtenBytes: 0,
  resultRows: 1,
  resultBytes: 0,
  elapsedMs: 0,
};
const HEADERS_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 10_000;
const MAX_HEADER_BYTES = 64 * 1024;

/**
 * A server whose `close()` refuses what is new and waits for what runs. The pool stays the caller's to close.
 */
export function createClickHouseServer(options: ClickHouseServerOptions): FastifyInstance {
  const logger: FastifyBaseLogger = options.log.child({ server: 'clickhouse' });
  const app = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    // The body is read as it comes; a stalled one is ended by its reader.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: HEADERS_TIMEOUT_MS / 2,
    },
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _body, done) => {
    done(null);
  });
  const handler = new Handler(options);
  app.route({
    method: ['GET', 'HEAD', 'POST'],
    url: '/',
    handler: async (request, reply) => {
      reply.hijack();
      await handler.handle(request.raw, reply.raw);
    },
  });
  const ok = async () => 'Ok.\n';
  app.route({ method: ['GET', 'HEAD'], url: '/ping', handler: ok });
  app.route({ method: ['GET', 'HEAD'], url: '/replicas_status', handler: ok });
  app.get('/metrics', async (_request, reply) =>
    reply.type(options.metrics.registry.contentType).send(await options.metrics.registry.metrics()),
  );
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    void reply
      .code(404)
      .type('text/plain; charset=UTF-8')
      .send(
        `There is no handle ${path}\n\nUse / or /ping for health checks.\nSend queries from your program with POST method or GET /?query=...\n`,
      );
  });
  return app;
}

class Handler {
  readonly #options: ClickHouseServerOptions;
  readonly #login: Login;
  readonly #limits: Limits;
  readonly #queries = new RunningQueries();

  constructor(options: ClickHouseServerOptions) {
    this.#options = options;
    this.#login = new Login(options.accounts, options.now);
    this.#limits = options.limits ?? DEFAULT_LIMITS;
  }

  /** Never rejects: a failure is an answer. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics, now, pool, log } = this.#options;
    const startedMs = now();
    const query = urlOf(request);
    const answer = new Answer(request, response, pool.version, query.get('enable_http_compression') === '1');
    if (request.method !== 'POST' && (query.get('query') ?? '') === '') {
      answerNothing(response);
      return;
    }
    let user = 'unknown';
    let result = 'ok';
    try {
      const account = this.#login.check(request.headers, query, request.socket.remoteAddress ?? '');
      user = account.isReader ? 'reader' : 'full';
      await this.#answer(request, response, { query, answer, account, startedMs });
    } catch (error) {
      const refusal = toStatementError(error);
      result = response.destroyed ? 'cancelled' : 'failed';
      if (refusal.code === 1002)
        log.error(
          { error: refusal.message, stack: stackOf(error) },
          'a statement failed with an unknown error; please report it',
        );
      this.#fail(request, response, answer, refusal);
    }
    metrics.counter('millrace_clickhouse_statements_total').inc({ user, result });
    metrics.histogram('millrace_clickhouse_statement_seconds').observe((now() - startedMs) / 1000);
  }

  /** The rest of an unread body would be taken for the next request: it is thrown away, or the connection ends. */
  #fail(request: IncomingMessage, response: ServerResponse, answer: Answer, refusal: StatementError): void {
    if (response.destroyed) return;
    if (!request.complete && !answer.isStarted) {
      response.setHeader('Connection', 'close');
      request.resume();
    }
    answer.fail(refusal);
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    asked: { query: URLSearchParams; answer: Answer; account: Account; startedMs: number },
  ): Promise<void> {
    const { query, answer, account } = asked;
    const settings = settingsOf(query, account.isReader, this.#limits);
    const statement = await readRequest(request, query, this.#limits);
    answer.setQueryId(statement.queryId);
    if (statement.sql.trim() === '')
      throw new StatementError(
        62,
        'SYNTAX_ERROR',
        'Syntax error: failed at position 1 (end of query): Empty query',
      );
    const killed = killedQueryId(statement.sql);
    if (killed !== undefined && !account.isReader) {
      this.#kill(killed, answer);
      return;
    }
    const revision = Number(query.get('client_protocol_version') ?? 0);
    if (isNativeGreeting(statement.sql, revision)) {
      await this.#greet(answer, revision);
      return;
    }
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(timeout(settings.maxExecutionMs)), settings.maxExecutionMs);
    const onClose = () =>
      end.abort(new StatementError(735, 'QUERY_WAS_CANCELLED_BY_CLIENT', 'the client has left'));
    response.once('close', onClose);
    const done = this.#queries.add(statement.queryId, account.user, end);
    let session: EngineSession | undefined;
    try {
      session = await this.#options.pool.acquire(end.signal);
      const held = session;
      end.signal.addEventListener('abort', () => held.abort(toStatementError(end.signal.reason)));
      await runStatement({
        session,
        request: statement,
        settings,
        isReader: account.isReader,
        isReadOnly: account.isReader || settings.isReadOnly || request.method !== 'POST',
        waitForEnd: query.get('wait_end_of_query') === '1' || query.get('buffer_size') !== null,
        answer,
        response,
        limits: this.#limits,
        spillDir: this.#options.spillDir,
        startedMs: asked.startedMs,
        now: this.#options.now,
      });
    } finally {
      clearTimeout(timer);
      response.removeListener('close', onClose);
      done();
      await session?.release();
    }
  }

  async #greet(answer: Answer, revision: number): Promise<void> {
    answer.start('Native', ONE_ROW);
    await answer.write(nativeGreeting(this.#options.pool.version, revision));
    answer.end();
  }

  /** KILL QUERY WHERE query_id = '…': the ids of clients are known here, not in the engine. */
  #kill(queryId: string, answer: Answer): void {
    const killed = this.#queries.kill(queryId);
    answer.start('TabSeparated', killed === undefined ? { ...ONE_ROW, resultRows: 0 } : ONE_ROW);
    if (killed !== undefined) void answer.write(Buffer.from(`waiting\t${queryId}\t${killed.user}\n`));
    answer.end();
  }
}

/** A GET without a statement is a health check, for whoever asks. */
function answerNothing(response: ServerResponse): void {
  response.setHeader('Content-Type', 'text/html; charset=UTF-8');
  response.end('Ok.\n');
}

function timeout(ms: number): StatementError {
  return new StatementError(
    159,
    'TIMEOUT_EXCEEDED',
    `Timeout exceeded: the statement may run for ${ms / 1000} seconds`,
  );
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
