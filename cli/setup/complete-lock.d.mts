interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
interface LockFile {
  readonly packages: Readonly<Record<string, LockEntry>>;
}
export function platformOf(name: string): { os: string[]; cpu: string[]; libc: string[] };
export function absentOptional(lock: LockFile): [parent: string, name: string, version: string][];
export function completeLock(lock: LockFile): LockFile;
