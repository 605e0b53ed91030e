export class SetupError extends Error {
  constructor(code: string, message: string, fix: string);
  readonly code: string;
  readonly fix: string;
}
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  readonly isGlibc: boolean;
  readonly clickhouseUrl: string;
}
export const OLDEST_NODE: string;
export const FIRST_INSTALL_BYTES: number;
export function compareVersions(a: string, b: string): number;
export function checkNode(version: string): SetupError | null;
export function checkEngine(machine: Machine): SetupError | null;
export function checkDisk(disk: { readonly freeBytes: number | null }): SetupError | null;
export function readMachine(): Machine;
export function freeBytes(folder: string): number | null;
