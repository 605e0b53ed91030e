import { MillraceError, errorText } from './errors.ts';

export interface OptionalPackage {
  /** As npm knows it. */
  readonly name: string;
  /** What it gives, for the message: `ClickHouse in process`. */
  readonly gives: string;
  /** The setting that names a server in its place. */
  readonly setting: string;
}

/**
 * Loads the package of an embedded engine. It is loaded only when used, since it is large and not on every platform.
 * @throws MillraceError MR_EMBEDDED_UNAVAILABLE
 */
export async function loadOptional<T>(optional: OptionalPackage, load: () => Promise<T>): Promise<T> {
  const { name, gives, setting } = optional;
  try {
    return await load();
  } catch (error) {
    throw new MillraceError(
      'MR_EMBEDDED_UNAVAILABLE',
      `${gives} (${name}) cannot be loaded here: set ${setting} to a server, or install ${name}`,
      {
        context: { engine: name, platform: process.platform, arch: process.arch, reason: errorText(error) },
        cause: error,
      },
    );
  }
}
