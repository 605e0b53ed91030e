/** An interval of event time, the end excluded. Epoch ms. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** Intervals of one size: [n·size + offset, (n+1)·size + offset). */
export function evenSpans(sizeMs: number, offsetMs: number): (timeMs: number) => Span {
  return (timeMs) => {
    const startMs = Math.floor((timeMs - offsetMs) / sizeMs) * sizeMs + offsetMs;
    return { startMs, endMs: startMs + sizeMs };
  };
}
