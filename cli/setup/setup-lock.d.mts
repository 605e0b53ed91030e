export function withSetupLock<T>(
  folder: string,
  say: (line: string) => void,
  work: () => T | Promise<T>,
): Promise<T>;
export function isAlive(pid: number): boolean;
