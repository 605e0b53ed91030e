import { expect, it } from 'vitest';
import { missingPackages } from './install-packages.ts';
import { STACK_SERVICES } from './services.ts';

it.each([
  [{ java: 17, maven: true, redis: true }, STACK_SERVICES, []],
  [{ java: 11, maven: true, redis: false }, STACK_SERVICES, ['default-jre-headless', 'redis-server']],
  [{ java: undefined, maven: false, redis: true }, STACK_SERVICES, ['default-jre-headless', 'maven']],
  [{ java: undefined, maven: false, redis: false }, ['redis'] as const, ['redis-server']],
  [{ java: undefined, maven: false, redis: false }, ['postgres', 'clickhouse'] as const, []],
])('with %j it installs, for %j: %j', (installed, services, packages) => {
  expect(missingPackages(installed, services)).toEqual(packages);
});
