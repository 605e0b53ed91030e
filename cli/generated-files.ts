import { envExample, parseConfig } from '../platform/config.ts';
import { ERROR_CATALOGUE } from '../platform/errors.ts';
import { shopTopology } from '../processors/topologies.ts';
import { generatedFiles, type GeneratedFile } from '../schemas/generated-files.ts';

function errorsPage(): string {
  const rows = Object.entries(ERROR_CATALOGUE)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([code, entry]) => `| \`${code}\` | ${entry.what} | ${entry.fix} | ${entry.retryable ? 'yes' : 'no'} |`,
    );
  return [
    '# Errors',
    '',
    'Every error carries a stable code. Made from `platform/error-catalogue.ts` by `npm run generate`; do not edit.',
    '',
    '| code | what happened | what to do | may succeed later |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** With the default settings; none of them changes the shape. */
function topologyPage(): string {
  const shop = shopTopology(parseConfig({}).processing);
  return [
    '# Topology of the shop',
    '',
    'What `processors/` computes: a frame is a sub-topology, what stands between frames is a topic. Made from',
    '`processors/topologies.ts` by `npm run generate`; do not edit.',
    '',
    '```mermaid',
    `${shop.mermaid()}\`\`\``,
    '',
  ].join('\n');
}

/** Every file of the repository that is made from a contract or from the topology, with the text it must have. */
export function allGeneratedFiles(): readonly GeneratedFile[] {
  return [
    ...generatedFiles(),
    { path: 'docs/errors.md', text: errorsPage() },
    { path: 'docs/streams/shop-topology.md', text: topologyPage() },
    { path: '.env.example', text: envExample() },
  ];
}
