import type { CommandEntry } from './command.ts';

/** Every command, in the order of `millrace --help`. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'demo',
    summary: 'everything in one process on embedded engines, with traffic and a page',
    load: () => import('./demo/demo-command.ts').then((module) => module.demoCommand),
  },
  {
    name: 'start',
    summary: 'run ingest, processors and serving',
    load: () => import('./commands/start.ts').then((module) => module.startCommand),
  },
  {
    name: 'simulate',
    summary: 'a seeded synthetic shop with planted fraud and lost parcels',
    load: () => import('./commands/simulate.ts').then((module) => module.simulateCommand),
  },
  {
    name: 'replay',
    summary: 'a recorded data set, processed until every event is a fact',
    load: () => import('./commands/replay.ts').then((module) => module.replayCommand),
  },
  {
    name: 'eval',
    summary: 'what a recommendation model is worth, on files',
    load: () => import('./commands/eval.ts').then((module) => module.evalCommand),
  },
  {
    name: 'migrate',
    summary: 'bring the tables up to date',
    load: () => import('./commands/migrate.ts').then((module) => module.migrateCommand),
  },
  {
    name: 'clickhouse',
    summary: 'serve the embedded ClickHouse to other programs and Grafana',
    load: () => import('./commands/clickhouse.ts').then((module) => module.clickhouseCommand),
  },
  {
    name: 'topics',
    summary: 'create the topics that are missing',
    load: () => import('./commands/topics.ts').then((module) => module.topicsCommand),
  },
  {
    name: 'state',
    summary: 'look into the keyed state of the stream tasks, save it, restore it, reset it',
    load: () => import('./commands/state.ts').then((module) => module.stateCommand),
  },
  {
    name: 'dlq',
    summary: 'look at dead letters and send them again',
    load: () => import('./commands/dlq.ts').then((module) => module.dlqCommand),
  },
  {
    name: 'audit',
    summary: 'prove that nothing was lost, doubled or altered on its way into the stores',
    load: () => import('./commands/audit.ts').then((module) => module.auditCommand),
  },
  {
    name: 'explain',
    summary: 'why an alert was raised: its decision taken again, from what it was given then',
    load: () => import('./commands/explain.ts').then((module) => module.explainCommand),
  },
  {
    name: 'rebuild',
    summary: 'make the online store or the tables what the stream tasks have committed',
    load: () => import('./commands/rebuild.ts').then((module) => module.rebuildCommand),
  },
  {
    name: 'repair',
    summary: 'cut damage out of the embedded log',
    load: () => import('./commands/repair.ts').then((module) => module.repairCommand),
  },
  {
    name: 'dashboards',
    summary: 'write the Grafana dashboards from their code',
    load: () => import('./commands/dashboards.ts').then((module) => module.dashboardsCommand),
  },
  {
    name: 'simulate-faults',
    summary: 'the stream engine through thousands of seeded faults, on a clock of its own',
    load: () => import('./commands/simulate-faults.ts').then((module) => module.simulateFaultsCommand),
  },
  {
    name: 'bench',
    summary: 'benchmarks beside a peer',
    load: () => import('./commands/bench.ts').then((module) => module.benchCommand),
  },
  {
    name: 'compare',
    summary: 'the same topologies on Kafka Streams and here, row for row',
    load: () => import('./compare/compare-command.ts').then((module) => module.compareCommand),
  },
  {
    name: 'chaos',
    summary: 'break the pipeline or its engines while they work, and count what was lost',
    load: () => import('./commands/chaos.ts').then((module) => module.chaosCommand),
  },
  {
    name: 'contracts',
    summary: 'run the contract suite of each port on every engine',
    load: () => import('./contracts/contracts-command.ts').then((module) => module.contractsCommand),
  },
  {
    name: 'doctor',
    summary: 'what each connection is, whether it works, and what to do',
    load: () => import('./doctor/doctor-command.ts').then((module) => module.doctorCommand),
  },
  {
    name: 'stack',
    summary: 'start, show and end real servers (Kafka, Redis, PostgreSQL, ClickHouse) without Docker',
    load: () => import('./stack/stack-command.ts').then((module) => module.stackCommand),
  },
];
