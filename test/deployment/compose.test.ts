import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MEMORY_BUDGET_MB } from '../../cli/memory-budget.ts';
import { DATASOURCE_ENVIRONMENT } from '../../dashboards/provisioning.ts';
import { SETTINGS } from '../../platform/config.ts';
import { PACKAGE_ROOT } from '../../schemas/package-root.ts';
import { readCompose, type ComposeValue } from './compose-file.ts';

type Map = Readonly<Record<string, ComposeValue>>;
const read = (file: string) => readFileSync(join(PACKAGE_ROOT, file), 'utf8');
const source = read('docker-compose.yml');
const compose = readCompose(source);
const services = Object.entries(compose['services'] as Record<string, Map>);
const long = services.filter(([, service]) => service['restart'] !== 'no');
const environmentOf = (service: Map) => (service['environment'] ?? {}) as Record<string, string>;
const listOf = (value: ComposeValue | undefined) => (value ?? []) as readonly string[];

describe('readCompose', () => {
  it('reads maps, lists, anchors and merges', () => {
    const text =
      "x-a: &a\n  k: 'v'\n  deep: &d\n    e: 1\nb:\n  <<: *a\n  l:\n    - x:y\n    - 'z'\n  f: [CMD, 'q']\n";
    expect(readCompose(text)['b']).toEqual({ k: 'v', deep: { e: '1' }, l: ['x:y', 'z'], f: ['CMD', 'q'] });
    expect(() => readCompose('a: 1\n   b\n')).toThrow();
  });
});

describe('docker-compose.yml', () => {
  it('has the servers and the stages', () => {
    const names = services.map(([name]) => name);
    for (const name of ['kafka', 'clickhouse', 'redis', 'postgres', 'schema-registry', 'grafana'])
      expect(names).toContain(name);
    for (const stage of ['ingest', 'processors', 'serving']) expect(names).toContain(stage);
  });

  it.each(services)('%s: the image is pinned to a release', (_name, service) => {
    expect(service['image']).toMatch(/^[a-z/-]+:\d+(\.\d+)+$/);
  });

  it.each(long)('%s: a health check with a start period', (_name, service) => {
    const check = service['healthcheck'] as Map;
    expect(listOf(check['test']).length).toBeGreaterThan(1);
    expect(Object.keys(check)).toEqual(
      expect.arrayContaining(['interval', 'timeout', 'retries', 'start_period']),
    );
  });

  it.each(services)('%s: ports on loopback, volumes declared or in the repository', (_name, service) => {
    for (const port of listOf(service['ports'])) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    for (const volume of listOf(service['volumes'])) {
      const from = volume.split(':')[0] ?? '';
      if (!from.startsWith('./')) expect(Object.keys(compose['volumes'] as Map)).toContain(from);
      else expect(volume).toMatch(/:ro$/);
    }
  });

  it.each(services)('%s: waits for services that have a health check, or end', (_name, service) => {
    for (const [other, how] of Object.entries((service['depends_on'] ?? {}) as Record<string, Map>)) {
      const target = services.find(([name]) => name === other)?.[1];
      const isShort = target?.['restart'] === 'no';
      expect(how['condition']).toBe(isShort ? 'service_completed_successfully' : 'service_healthy');
    }
  });

  it('has no password of its own: each comes from the environment, without a default', () => {
    const secret = /PASSWORD|_KEYS$|_AUTH$|SECRET/;
    const found = services.flatMap(([, service]) =>
      Object.entries(environmentOf(service)).filter(([name]) => secret.test(name)),
    );
    expect(found.length).toBeGreaterThan(6);
    for (const [name, value] of found) expect(value, name).toMatch(/^\$\{\w+:\?/);
    expect(source).not.toMatch(/\$\{\w+:?-/);
  });

  it('lists every required variable in compose.env.example, without a value', () => {
    const required = new Set([...source.matchAll(/\$\{(\w+):\?/g)].map((match) => match[1]));
    const offered = [...read('compose.env.example').matchAll(/^(\w+)=(.*)$/gm)];
    expect(new Set(offered.map((match) => match[1]))).toEqual(required);
    expect(offered.filter((match) => match[2] !== '')).toEqual([]);
  });

  it('gives the stages settings that exist', () => {
    for (const [, service] of services) {
      const settings = Object.keys(environmentOf(service)).filter((name) => name.startsWith('MR_'));
      for (const name of settings) expect(SETTINGS).toHaveProperty(name);
    }
  });

  it.each(['ingest', 'processors', 'serving'] as const)('limits the memory of %s to its budget', (stage) => {
    const service = services.find(([name]) => name === stage)?.[1] ?? {};
    expect(service['mem_limit']).toBe(`${MEMORY_BUDGET_MB[stage]}m`);
  });

  it('gives Grafana all that its data source reads, and a user that ClickHouse knows', () => {
    const grafana = environmentOf(services.find(([name]) => name === 'grafana')?.[1] ?? {});
    for (const name of Object.values(DATASOURCE_ENVIRONMENT)) expect(grafana).toHaveProperty(name);
    const users = read('dashboards/clickhouse/grafana-reader.xml');
    expect(users).toContain(`<${grafana[DATASOURCE_ENVIRONMENT.user] ?? ''}>`);
    expect(users).toContain(`from_env="${DATASOURCE_ENVIRONMENT.password}"`);
    expect(users).toContain(`GRANT SELECT ON ${grafana[DATASOURCE_ENVIRONMENT.database] ?? ''}.*`);
    expect(users).toMatch(/<readonly>2<\/readonly>/);
  });
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  it('runs files that the build makes of sources', () => {
    const scripts = `${dockerfile}\n${source}`.matchAll(/dist\/(cli\/[\w-]+)\.js/g);
    for (const [, name] of scripts)
      expect(existsSync(join(PACKAGE_ROOT, `${name ?? ''}.ts`)), name).toBe(true);
  });
});
