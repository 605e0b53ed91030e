import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { StatementError } from '../../clickhouse/statement-error.ts';
import type { Secret } from '../../config.ts';

/** Someone who may log in. */
export interface Account {
  readonly user: string;
  readonly password: Secret;
  readonly isReader: boolean;
}

interface Credentials {
  readonly user: string;
  readonly password: string;
}

const FAILURES_ALLOWED = 20;
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/** Checks who asks. An address that fails too often is refused for a minute without a look at its password. */
export class Login {
  readonly #accounts: readonly Account[];
  readonly #now: () => number;
  readonly #failures = new Map<string, { count: number; untilMs: number }>();

  constructor(accounts: readonly Account[], now: () => number) {
    this.#accounts = accounts;
    this.#now = now;
  }

  /** @throws StatementError 516 */
  check(headers: IncomingHttpHeaders, query: URLSearchParams, address: string): Account {
    const failed = this.#failures.get(address);
    if (failed !== undefined && failed.count >= FAILURES_ALLOWED && failed.untilMs > this.#now())
      throw refused('too many failed log-ins from this address: try again in a minute');
    const { user, password } = readCredentials(headers, query);
    // Every account is compared, so that the time tells nothing of which part was wrong.
    const [account] = this.#accounts.filter((known) =>
      both(isSame(known.user, user), isSame(known.password.reveal(), password)),
    );
    if (account !== undefined) return account;
    this.#count(address);
    throw refused(
      `${user}: Authentication failed: password is incorrect, or there is no user with such name`,
    );
  }

  #count(address: string): void {
    const nowMs = this.#now();
    const known = this.#failures.get(address);
    if (known !== undefined && known.untilMs > nowMs) known.count++;
    else {
      if (this.#failures.size >= MAX_ADDRESSES) this.#failures.clear();
      this.#failures.set(address, { count: 1, untilMs: nowMs + WINDOW_MS });
    }
  }
}

function both(left: boolean, right: boolean): boolean {
  return left && right;
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [left, right].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

/** As a server reads them: its own headers, then Basic, then the query; without any, the user `default`. */
function readCredentials(headers: IncomingHttpHeaders, query: URLSearchParams): Credentials {
  const user = headers['x-clickhouse-user'];
  const key = headers['x-clickhouse-key'];
  if (user !== undefined || key !== undefined) return { user: text(user) || 'default', password: text(key) };
  const { authorization } = headers;
  if (authorization !== undefined) return readAuthorization(authorization);
  return { user: query.get('user') ?? 'default', password: query.get('password') ?? '' };
}

function readAuthorization(header: string): Credentials {
  const [, scheme = '', value = ''] = /^(\S+)\s+(.*)$/.exec(header.trim()) ?? [];
  if (scheme.toLowerCase() !== 'basic')
    throw refused('log in with Basic or X-ClickHouse-User and X-ClickHouse-Key; tokens are not known here');
  const decoded = Buffer.from(value, 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon === -1) throw refused('the Authorization header holds no user:password');
  return { user: decoded.slice(0, colon) || 'default', password: decoded.slice(colon + 1) };
}

function text(header: string | string[] | undefined): string {
  return typeof header === 'string' ? header : '';
}

function refused(message: string): StatementError {
  return new StatementError(516, 'AUTHENTICATION_FAILED', message);
}
