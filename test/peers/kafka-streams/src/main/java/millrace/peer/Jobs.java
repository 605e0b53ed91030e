package millrace.peer;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The topologies. Each writes rows as JSON text; the last value of a key is the final result and null takes it back.
 * Stores have no changelog: a run starts from nothing and is thrown away.
 */
final class Jobs {
  private static final Duration GRACE = Duration.ofSeconds(5);
  private static final Duration WINDOW = Duration.ofSeconds(10);
  private static final Duration ADVANCE = Duration.ofSeconds(2);
  private static final Duration SESSION_GAP = Duration.ofSeconds(3);
  private static final Duration JOIN_DISTANCE = Duration.ofSeconds(2);

  private static final Serde<String> KEY = Serdes.String();
  private static final Serde<Event> EVENT = Json.serde(Event.class);
  private static final Serde<Aggregate> AGGREGATE = Json.serde(Aggregate.class);

  private interface Job {
    KStream<String, String> build(Inputs inputs);
  }

  private record Definition(List<String> sides, Job job) {}

  private static final List<String> ONE_SIDE = List.of("left");
  private static final List<String> BOTH_SIDES = List.of("left", "right");

  private static final Map<String, Definition> JOBS =
      Map.of(
          "tumbling", new Definition(ONE_SIDE, Jobs::tumbling),
          "hopping", new Definition(ONE_SIDE, Jobs::hopping),
          "session", new Definition(ONE_SIDE, Jobs::session),
          "join-inner", new Definition(BOTH_SIDES, Jobs::joinInner),
          "join-left", new Definition(BOTH_SIDES, Jobs::joinLeft),
          "join-outer", new Definition(BOTH_SIDES, Jobs::joinOuter),
          "stream-table", new Definition(BOTH_SIDES, Jobs::streamTable),
          "table-table", new Definition(BOTH_SIDES, Jobs::tableTable));

  private Jobs() {}

  static List<String> names() {
    return JOBS.keySet().stream().sorted().toList();
  }

  static boolean exists(String job) {
    return JOBS.containsKey(job);
  }

  static List<String> inputTopics(String job, String prefix) {
    return JOBS.get(job).sides().stream().map(side -> prefix + "." + side).toList();
  }

  static String outputTopic(String job, String prefix) {
    return prefix + ".theirs." + job;
  }

  static void build(String job, String prefix, StreamsBuilder builder) {
    JOBS.get(job)
        .job()
        .build(new Inputs(builder, prefix))
        .to(outputTopic(job, prefix), Produced.with(Serdes.String(), Serdes.String()));
  }

  private record Inputs(StreamsBuilder builder, String prefix) {
    KStream<String, Event> stream(String side) {
      return builder.stream(prefix + "." + side, Consumed.with(KEY, EVENT));
    }

    KTable<String, Event> table(String side) {
      return builder.table(
          prefix + "." + side,
          Consumed.with(KEY, EVENT),
          Materialized.<String, Event, KeyValueStore<Bytes, byte[]>>with(KEY, EVENT).withLoggingDisabled());
    }
  }

  private static KStream<String, String> tumbling(Inputs inputs) {
    return windows(inputs, TimeWindows.ofSizeAndGrace(WINDOW, GRACE));
  }

  private static KStream<String, String> hopping(Inputs inputs) {
    return windows(inputs, TimeWindows.ofSizeAndGrace(WINDOW, GRACE).advanceBy(ADVANCE));
  }

  private static KStream<String, String> windows(Inputs inputs, TimeWindows windows) {
    return windowRows(
        leftByKey(inputs)
            .windowedBy(windows)
            .aggregate(
                () -> Aggregate.EMPTY,
                (key, event, aggregate) -> aggregate.add(event),
                Materialized.<String, Aggregate, WindowStore<Bytes, byte[]>>with(KEY, AGGREGATE)
                    .withCachingDisabled()
                    .withLoggingDisabled()));
  }

  private static KStream<String, String> session(Inputs inputs) {
    return windowRows(
        leftByKey(inputs)
            .windowedBy(SessionWindows.ofInactivityGapAndGrace(SESSION_GAP, GRACE))
            .aggregate(
                () -> Aggregate.EMPTY,
                (key, event, aggregate) -> aggregate.add(event),
                (key, one, other) -> one.merge(other),
                Materialized.<String, Aggregate, SessionStore<Bytes, byte[]>>with(KEY, AGGREGATE)
                    .withCachingDisabled()
                    .withLoggingDisabled()));
  }

  private static KGroupedStream<String, Event> leftByKey(Inputs inputs) {
    return inputs.stream("left").groupByKey(Grouped.with(KEY, EVENT));
  }

  private record WindowKey(String key, long start, long end) {
    static WindowKey of(Windowed<String> windowed) {
      return new WindowKey(windowed.key(), windowed.window().start(), windowed.window().end());
    }
  }

  private static KStream<String, String> windowRows(KTable<Windowed<String>, Aggregate> table) {
    return table
        .toStream()
        .map(
            (key, aggregate) ->
                KeyValue.pair(
                    Json.text(WindowKey.of(key)), aggregate == null ? null : Json.text(aggregate)));
  }

  private static KStream<String, String> joinInner(Inputs inputs) {
    return pairRows(inputs.stream("left").join(inputs.stream("right"), Pair::new, joinWindows(), joinStores()));
  }

  private static KStream<String, String> joinLeft(Inputs inputs) {
    return pairRows(
        inputs.stream("left").leftJoin(inputs.stream("right"), Pair::new, joinWindows(), joinStores()));
  }

  private static KStream<String, String> joinOuter(Inputs inputs) {
    return pairRows(
        inputs.stream("left").outerJoin(inputs.stream("right"), Pair::new, joinWindows(), joinStores()));
  }

  private static JoinWindows joinWindows() {
    return JoinWindows.ofTimeDifferenceAndGrace(JOIN_DISTANCE, GRACE);
  }

  private static StreamJoined<String, Event, Event> joinStores() {
    return StreamJoined.with(KEY, EVENT, EVENT).withLoggingDisabled();
  }

  /** Left events against the latest right event of their key when they come; every left event gives one row. */
  private static KStream<String, String> streamTable(Inputs inputs) {
    return pairRows(
        inputs.stream("left").leftJoin(inputs.table("right"), Pair::new, Joined.with(KEY, EVENT, EVENT)));
  }

  private record PairKey(String key, String left, String right) {}

  private record PairSum(long sum) {}

  /** The two sides of a joined row; one of them may be missing. */
  private record Pair(Event left, Event right) {
    PairKey key(String key) {
      return new PairKey(key, left == null ? null : left.id(), right == null ? null : right.id());
    }

    PairSum sum() {
      return new PairSum((left == null ? 0 : left.v()) + (right == null ? 0 : right.v()));
    }
  }

  private static KStream<String, String> pairRows(KStream<String, Pair> pairs) {
    return pairs.map((key, pair) -> KeyValue.pair(Json.text(pair.key(key)), Json.text(pair.sum())));
  }

  private record TableKey(String key) {}

  private record TableRow(String left, String right, long sum) {
    static TableRow of(Pair pair) {
      PairKey ids = pair.key("");
      return new TableRow(ids.left(), ids.right(), pair.sum().sum());
    }
  }

  /** The latest event of each side; the rows in between depend on the order of arrival, the last ones do not. */
  private static KStream<String, String> tableTable(Inputs inputs) {
    return inputs
        .table("left")
        .outerJoin(inputs.table("right"), Pair::new)
        .toStream()
        .map((key, pair) -> KeyValue.pair(Json.text(new TableKey(key)), Json.text(TableRow.of(pair))));
  }
}
