import { expect, it } from 'vitest';
import { missingPackages } from './install-packages.ts';

it.each([
  [{ java: 17, maven: true, redis: true }, []],
  [{ java: 11, maven: true, redis: false }, ['default-jre-headless', 'redis-server']],
  [{ java: undefined, maven: false, redis: true }, ['default-jre-headless', 'maven']],
])('with %j it installs %j', (installed, packages) => {
  expect(missingPackages(installed)).toEqual(packages);
});
