package millrace.peer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;

/**
 * Runs one job on Kafka Streams over what its input topics hold now, from a fresh start to the last committed offset,
 * and ends: 0 and one line of JSON on stdout, or 1 and one line on stderr.
 */
public final class Peer {
  private static final long DEFAULT_TIMEOUT_SECONDS = 120;
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(15);
  private static final long LOOK_EVERY_MS = 50;

  private record Report(String job, String kafkaStreams, long inputs, long elapsedMs) {}

  /** What the caller has to know; the message is the whole line. */
  private static final class Failure extends Exception {
    private static final long serialVersionUID = 1L;

    Failure(String message) {
      super(message);
    }
  }

  private Peer() {}

  public static void main(String[] args) {
    int exitCode = 0;
    try {
      if (args.length < 3 || args.length > 4 || !Jobs.exists(args[2])) {
        throw new Failure(
            "usage: Peer <bootstrap servers> <topic prefix> <job> [timeout in seconds]; jobs: "
                + String.join(", ", Jobs.names()));
      }
      long timeoutSeconds = args.length == 4 ? Long.parseLong(args[3]) : DEFAULT_TIMEOUT_SECONDS;
      System.out.println(Json.text(run(args[0], args[1], args[2], Duration.ofSeconds(timeoutSeconds))));
    } catch (Exception error) {
      System.err.println("peer: " + oneLine(error));
      exitCode = 1;
    }
    System.exit(exitCode);
  }

  /** What is wrong and, where something else is behind it, what that is. */
  private static String oneLine(Throwable error) {
    Throwable shown = error;
    while (shown instanceof ExecutionException && shown.getCause() != null) shown = shown.getCause();
    Throwable root = shown;
    while (root.getCause() != null) root = root.getCause();
    String text = shown instanceof Failure ? shown.getMessage() : shown.toString();
    return (root == shown ? text : text + " Caused by " + root).replaceAll("\\s*\\R\\s*", " ");
  }

  private static Report run(String bootstrap, String prefix, String job, Duration timeout) throws Exception {
    long deadlineNanos = System.nanoTime() + timeout.toNanos();
    String applicationId = prefix + ".peer." + job + "." + UUID.randomUUID();
    Path stateDir = Files.createTempDirectory("kafka-streams-peer-");
    try (Admin admin = Admin.create(adminConfig(bootstrap, timeout))) {
      List<String> topics = Jobs.inputTopics(job, prefix);
      if (!admin.listTopics().names().get().containsAll(topics)) {
        throw new Failure(job + " reads " + String.join(" and ", topics) + ": not there");
      }
      InputProgress inputs = InputProgress.of(admin, topics);
      inputs.createOutput(Jobs.outputTopic(job, prefix));
      StreamsBuilder builder = new StreamsBuilder();
      Jobs.build(job, prefix, builder);
      AtomicReference<Throwable> fault = new AtomicReference<>();
      long startNanos = System.nanoTime();
      KafkaStreams streams =
          new KafkaStreams(builder.build(), streamsConfig(bootstrap, applicationId, stateDir));
      try {
        streams.setUncaughtExceptionHandler(
            error -> {
              fault.compareAndSet(null, error);
              return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
        streams.start();
        while (!inputs.isCommitted(applicationId)) {
          if (fault.get() != null) throw new Failure(job + " failed: " + oneLine(fault.get()));
          if (System.nanoTime() > deadlineNanos) {
            throw new Failure(job + " did not finish within " + timeout.toSeconds() + " s");
          }
          Thread.sleep(LOOK_EVERY_MS);
        }
      } finally {
        streams.close(
            CloseOptions.timeout(CLOSE_TIMEOUT)
                .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP));
      }
      long elapsedMs = Duration.ofNanos(System.nanoTime() - startNanos).toMillis();
      if (fault.get() != null) throw new Failure(job + " failed: " + oneLine(fault.get()));
      admin.deleteConsumerGroups(List.of(applicationId)).all().get();
      return new Report(job, kafkaStreamsVersion(), inputs.records(), elapsedMs);
    } finally {
      delete(stateDir);
    }
  }

  private static Map<String, Object> adminConfig(String bootstrap, Duration timeout) {
    int timeoutMs = (int) Math.min(timeout.toMillis(), 20_000);
    return Map.of(
        AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap,
        AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, timeoutMs,
        AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, timeoutMs);
  }

  private static Properties streamsConfig(String bootstrap, String applicationId, Path stateDir) {
    Properties config = new Properties();
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, applicationId);
    config.put(StreamsConfig.STATE_DIR_CONFIG, stateDir.toString());
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 200);
    // With every input written beforehand, a task waits for a partition as long as the broker holds more of it: two
    // inputs merge by event time. This is the wait after the broker has said that there is no more.
    config.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, 1_000);
    config.put(StreamsConfig.DEFAULT_TIMESTAMP_EXTRACTOR_CLASS_CONFIG, Event.Time.class);
    config.put(
        StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
        BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class);
    // Rows without a partner come as soon as event time allows, not once a second of the wall clock.
    config.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_OUTER_JOIN_SPURIOUS_RESULTS_FIX, 0L);
    config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    return config;
  }

  /** The version that the jar names, not the one that the build asked for. */
  private static String kafkaStreamsVersion() throws IOException {
    try (InputStream file =
        KafkaStreams.class.getResourceAsStream("/kafka/kafka-streams-version.properties")) {
      Properties properties = new Properties();
      properties.load(file);
      return properties.getProperty("version");
    }
  }

  private static void delete(Path dir) throws IOException {
    try (Stream<Path> files = Files.walk(dir)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
    }
  }
}
