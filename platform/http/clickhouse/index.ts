export { createClickHouseServer } from './server.ts';
export type { Account } from './login.ts';
