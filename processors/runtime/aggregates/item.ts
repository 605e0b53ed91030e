/** What can be counted by identity. The number 1 and the string '1' are different items. */
export type Item = string | number;

/** A total order: numbers by value, then strings by UTF-16 code units. */
export function compareItems(a: Item, b: Item): number {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
