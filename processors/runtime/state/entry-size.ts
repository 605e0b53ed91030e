/** Of an entry beside its key and its value: slots of a Map that is between half and fully used. */
const ENTRY_BYTES = 64;
/** A string beside its characters, an array beside its items; an object beside its properties takes a word more. */
const HEADER_BYTES = 16;
const WORD_BYTES = 8;
/** A number that is no small integer, boxed. */
const NUMBER_BYTES = 16;
/** A Buffer beside its bytes. */
const BUFFER_BYTES = 200;
/** One entry in so many is measured. */
const SAMPLE_EVERY = 16;
/** The mean forgets: it is that of about so many samples. */
const MEAN_OF = 256;
/** Items of an array that are looked at; the others count as their mean. */
const LOOKED_AT = 64;

/**
 * Mean size in memory of an entry of a store, from samples: objects take several times the bytes of their JSON, by their
 * shape. Within some tens of percent of what V8 uses without pointer compression.
 */
export class EntrySize {
  #count = 0;
  #samples = 0;
  #mean = 256;

  get meanBytes(): number {
    return this.#mean;
  }

  /** Looks at an entry, or passes it over. */
  sample(key: string, value: unknown): void {
    if (this.#count++ % SAMPLE_EVERY !== 0) return;
    this.#samples = Math.min(this.#samples + 1, MEAN_OF);
    this.#mean += (ENTRY_BYTES + heapBytes(key) + heapBytes(value) - this.#mean) / this.#samples;
  }
}

/** Estimated bytes that a value of JSON takes on the heap. */
export function heapBytes(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return HEADER_BYTES + Math.ceil(value.length / WORD_BYTES) * WORD_BYTES;
    case 'number':
      return (value | 0) === value ? 0 : NUMBER_BYTES;
    case 'bigint':
      return HEADER_BYTES + WORD_BYTES;
    case 'object':
      return value === null ? 0 : objectBytes(value);
    default:
      return 0;
  }
}

function objectBytes(value: object): number {
  if (Array.isArray(value)) return 2 * HEADER_BYTES + itemsBytes(value);
  if (ArrayBuffer.isView(value)) return BUFFER_BYTES + value.byteLength;
  if (value instanceof Map || value instanceof Set) return ENTRY_BYTES + itemsBytes([...value].flat());
  const properties = Object.values(value);
  return HEADER_BYTES + WORD_BYTES + itemsBytes(properties);
}

function itemsBytes(items: readonly unknown[]): number {
  const looked = items.length > LOOKED_AT ? items.slice(0, LOOKED_AT) : items;
  let bytes = 0;
  for (const item of looked) bytes += WORD_BYTES + heapBytes(item);
  return looked.length === 0 ? 0 : (bytes / looked.length) * items.length;
}
