export function listSources(root: string): string[];
export function isBuilt(root: string): boolean;
export function build(root: string, say: (line: string) => void): void;
