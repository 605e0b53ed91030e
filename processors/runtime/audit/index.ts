/** The auditor: proves at run time that nothing was lost, doubled or altered on its way into the stores. */
export { AccountReader } from './account-reader.ts';
export { Auditor, type AuditReport } from './auditor.ts';
export { FactCheck } from './fact-check.ts';
export type { FactMapping } from './remade-facts.ts';
export type { AuditCheck, AuditLine, AuditStore, Finding } from './finding.ts';
export { InputCheck } from './input-check.ts';
export { OnlineCheck } from './online-check.ts';
export { TopicCheck } from './topic-check.ts';
export { WindowCheck } from './window-check.ts';
