/** State of days is kept under a name of its own for each time zone: what is a day differs, and so does its state. */

/** Name of the state of days of a time zone; of all names of one zone the same. */
export function dayStoreName(timeZone: string): string {
  const { timeZone: canonical } = new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions();
  const zone = canonical
    .toLowerCase()
    .replaceAll('+', '-plus-')
    .replaceAll(/[^a-z0-9]+/g, '-');
  return `channel-sales-by-day-${zone}`;
}

/**
 * What another time zone may have left behind, so that the shop's time zone can be changed: days that were open are told
 * up to the change in the old zone and from the change on in the new one.
 */
export function dayStoresOfOtherZones(timeZone: string): readonly string[] {
  const name = dayStoreName(timeZone);
  const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];
  return [...new Set(zones.map(dayStoreName))]
    .filter((other) => other !== name)
    .flatMap((other) => [other, `${other}-horizon`]);
}
