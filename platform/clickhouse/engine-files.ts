/** The configuration that the engine in process is opened with: rights, limits and where its files may lie. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { folderFault } from '../folder-fault.ts';

/** A connection that has taken this role sees tables, not the machine. */
export const READER_ROLE = 'millrace_reader';
const ADMIN_ROLE = 'millrace_admin';

/** Most memory of one statement where nobody says otherwise, and the most that a setting may ask for. */
const STATEMENT_MEMORY = { default: 2 * 1024 ** 3, max: 4 * 1024 ** 3 } as const;

/**
 * Everything but what reaches beyond the engine: files and other servers (SOURCES), backups, the life of the engine,
 * users and stored credentials.
 */
const ADMIN_GRANTS = [
  'GRANT ALL ON *.*',
  ...[
    'SOURCES',
    'SYSTEM',
    'ACCESS MANAGEMENT',
    'NAMED COLLECTION ADMIN',
    'BACKUP',
    'CLUSTER',
    'displaySecretsInShowAndSelect',
  ].map((right) => `REVOKE ${right} ON *.*`),
];
const READER_GRANTS = ['GRANT SELECT, SHOW, dictGet ON *.*', 'REVOKE SHOW ACCESS ON *.*'];

/**
 * Writes the configuration into the directory of the engine and answers the arguments that every connection is opened
 * with. Naming the file also keeps the engine from reading a `config.xml` that happens to lie in the working directory.
 */
export function writeEngineFiles(path: string): readonly string[] {
  const dir = resolve(path);
  try {
    mkdirSync(dir, { recursive: true });
  } catch (error) {
    throw folderFault(error, dir);
  }
  const users = join(dir, 'millrace-users.xml');
  const config = join(dir, 'millrace-config.xml');
  write(users, usersXml());
  write(config, configXml(dir, users));
  return [`--config-file=${config}`];
}

/** Leaves a file alone that is right already: another process may have the directory open and read it again. */
function write(file: string, text: string): void {
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
}

function configXml(dir: string, users: string): string {
  return `<clickhouse>
  <users_config>${escape(users)}</users_config>
  <user_files_path>${escape(join(dir, 'user_files'))}/</user_files_path>
  <display_secrets_in_show_and_select>0</display_secrets_in_show_and_select>
</clickhouse>
`;
}

function usersXml(): string {
  return `<clickhouse>
  <profiles>
    <default>
      <implicit_select>0</implicit_select>
      <async_insert>0</async_insert>
      <max_memory_usage>${STATEMENT_MEMORY.default}</max_memory_usage>
      <constraints><max_memory_usage><max>${STATEMENT_MEMORY.max}</max></max_memory_usage></constraints>
    </default>
  </profiles>
  <roles>
    <${ADMIN_ROLE}>${grants(ADMIN_GRANTS)}</${ADMIN_ROLE}>
    <${READER_ROLE}>${grants(READER_GRANTS)}</${READER_ROLE}>
  </roles>
  <users>
    <default>
      <no_password/>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      ${grants([`GRANT ${ADMIN_ROLE}`, `GRANT ${READER_ROLE}`])}
    </default>
  </users>
  <quotas><default/></quotas>
</clickhouse>
`;
}

function grants(queries: readonly string[]): string {
  return `<grants>${queries.map((query) => `<query>${query}</query>`).join('')}</grants>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
