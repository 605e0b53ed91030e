export { openEmbeddedLog } from './embedded-log.ts';
export { repairLog, type RepairReport } from './repair.ts';
