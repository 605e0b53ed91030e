/** Real servers that tests run against, and the variable that says where each one is. */
const VARIABLES = {
  kafka: 'MR_TEST_KAFKA_BROKERS',
  redis: 'MR_TEST_REDIS_URL',
  postgres: 'MR_TEST_POSTGRES_URL',
  clickhouse: 'MR_TEST_CLICKHOUSE_URL',
  chromium: 'MR_TEST_CHROMIUM',
} as const;

export type ServiceName = keyof typeof VARIABLES;
type Environment = Readonly<Record<string, string | undefined>>;

export interface RequiredService {
  /** Brokers, URL or path of the program; empty where the service is missing. */
  readonly address: string;
  /** For `describe.skipIf`. */
  readonly isMissing: boolean;
  /** The title of the suite, with the reason where it is skipped. */
  title(text: string): string;
}

/**
 * Finds a real service: `const kafka = requireService('kafka'); describe.skipIf(kafka.isMissing)(kafka.title('…'), …)`.
 * A missing service is a visible, counted skip on a developer's machine and a failure of the file where CI is set.
 */
export function requireService(name: ServiceName, environment: Environment = process.env): RequiredService {
  const variable = VARIABLES[name];
  const address = environment[variable] ?? '';
  return { address, ...skipOrFail(address === '' ? `no ${name}: ${variable} is not set` : '', environment) };
}

/**
 * The rule itself, for suites that need something else of the machine.
 * @param reason why the suite cannot run; empty where it can
 * @throws Error where CI is set and there is a reason
 */
export function skipOrFail(
  reason: string,
  environment: Environment = process.env,
): Pick<RequiredService, 'isMissing' | 'title'> {
  const isMissing = reason !== '';
  if (isMissing && (environment['CI'] ?? '') !== '') throw new Error(`CI must run this suite, but ${reason}`);
  return { isMissing, title: (text) => (isMissing ? `${text} (skipped: ${reason})` : text) };
}
