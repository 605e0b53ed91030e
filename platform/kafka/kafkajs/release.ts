import { requireVersion } from '../../version.ts';

/** Level of `metadata.version` at which each release begins (org.apache.kafka.server.common.MetadataVersion). */
const RELEASES: readonly (readonly [level: number, release: string])[] = [
  [1, '3.0'],
  [2, '3.1'],
  [3, '3.2'],
  [4, '3.3'],
  [8, '3.4'],
  [9, '3.5'],
  [12, '3.6'],
  [15, '3.7'],
  [20, '3.8'],
  [21, '3.9'],
  [22, '4.0'],
  [26, '4.1'],
  [28, '4.2'],
  [30, '4.3'],
  [31, '4.4'],
];
const NEWEST_LEVEL = 33;

export const KAFKA = 'Apache Kafka';
/** The oldest release that the requests of this folder are made for. */
export const OLDEST_KAFKA = '3.9';

/**
 * The release that a broker's highest level of `metadata.version` belongs to, such as `4.1`; `4.4 or newer` above the
 * levels that are known here, `unknown` where the broker names none.
 */
export function releaseOf(metadataLevel: number | undefined): string {
  if (metadataLevel === undefined) return 'unknown';
  const release = RELEASES.findLast(([level]) => level <= metadataLevel)?.[1];
  if (release === undefined) return 'unknown';
  return metadataLevel > NEWEST_LEVEL ? `${release} or newer` : release;
}

/** @throws MillraceError MR_ENGINE_TOO_OLD where the release is known and below 3.9 */
export function requireRelease(release: string): void {
  if (release !== 'unknown') requireVersion(KAFKA, release, OLDEST_KAFKA);
}
