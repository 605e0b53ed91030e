import { MillraceError } from './errors.ts';

/**
 * @param actual the version that the engine states, such as `7.0.15`
 * @param least the lowest that Millrace works with, such as `7.0`
 * @throws MillraceError MR_ENGINE_TOO_OLD
 */
export function requireVersion(engine: string, actual: string, least: string): void {
  if (isAtLeast(actual, least)) return;
  throw new MillraceError(
    'MR_ENGINE_TOO_OLD',
    `${engine} ${actual} is too old: Millrace needs ${least} or newer`,
    {
      context: { engine, actual, least },
    },
  );
}

/** Compares part by part, as numbers, as many parts as `least` has: 18.4 (Debian) is at least 18.4, 20.9 is not 20.19. */
export function isAtLeast(version: string, least: string): boolean {
  const partsOf = (text: string) =>
    text
      .replace(/^v/, '')
      .split(/[^0-9]+/)
      .map(Number);
  const actual = partsOf(version);
  for (const [index, part] of partsOf(least).entries()) {
    const difference = (actual[index] ?? 0) - part;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
