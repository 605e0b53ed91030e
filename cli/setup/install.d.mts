import type { Machine, SetupError } from './preflight.d.mts';

interface LockEntry {
  readonly version?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly peer?: boolean;
  readonly link?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
}
interface LockFile {
  readonly packages: Readonly<Record<string, LockEntry>>;
}
export function isInstalled(root: string): boolean;
export function missingPackages(lock: LockFile, installed: LockFile): string[];
export function packagesFor(
  lock: LockFile,
  machine: { readonly platform: string; readonly arch: string },
): string[];
export function installError(result: { readonly code: number | null; readonly output: string }): SetupError;
export function missingOptional(root: string, machine: Machine): string[];
