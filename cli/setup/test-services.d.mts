export function unnamedServers(environment: Readonly<Record<string, string | undefined>>): string[];
export function testVariables(settings: Readonly<Record<string, string>>): Record<string, string>;
export function findProgram(names: readonly string[], searchPath: string | undefined): string | undefined;
export function startWhatCan(
  up: (kinds: readonly string[]) => Promise<{ readonly settings: Readonly<Record<string, string>> }>,
  kinds: readonly string[],
): Promise<{ readonly settings: Record<string, string>; readonly missing: string[] }>;
