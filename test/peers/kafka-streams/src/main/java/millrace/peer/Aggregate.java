package millrace.peer;

/** What every windowed job computes of the values in a window. */
record Aggregate(long count, long sum, long min, long max) {
  static final Aggregate EMPTY = new Aggregate(0, 0, Long.MAX_VALUE, Long.MIN_VALUE);

  Aggregate add(Event event) {
    return merge(new Aggregate(1, event.v(), event.v(), event.v()));
  }

  Aggregate merge(Aggregate other) {
    return new Aggregate(
        count + other.count, sum + other.sum, Math.min(min, other.min), Math.max(max, other.max));
  }
}
