package millrace.peer;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicExistsException;

/** How far a consumer group is in what the input topics held at the start. */
final class InputProgress {
  private final Admin admin;
  private final Map<TopicPartition, Long> starts;
  private final Map<TopicPartition, Long> ends;

  private InputProgress(Admin admin, Map<TopicPartition, Long> starts, Map<TopicPartition, Long> ends) {
    this.admin = admin;
    this.starts = starts;
    this.ends = ends;
  }

  static InputProgress of(Admin admin, List<String> topics) throws ExecutionException, InterruptedException {
    Collection<TopicDescription> descriptions = admin.describeTopics(topics).allTopicNames().get().values();
    List<TopicPartition> partitions =
        descriptions.stream()
            .flatMap(
                topic -> topic.partitions().stream().map(p -> new TopicPartition(topic.name(), p.partition())))
            .toList();
    return new InputProgress(
        admin,
        offsets(admin, partitions, OffsetSpec.earliest()),
        offsets(admin, partitions, OffsetSpec.latest()));
  }

  private static Map<TopicPartition, Long> offsets(
      Admin admin, List<TopicPartition> partitions, OffsetSpec spec)
      throws ExecutionException, InterruptedException {
    Map<TopicPartition, OffsetSpec> request =
        partitions.stream().collect(Collectors.toMap(Function.identity(), partition -> spec));
    Map<TopicPartition, Long> offsets = new HashMap<>();
    for (Map.Entry<TopicPartition, ListOffsetsResultInfo> answer :
        admin.listOffsets(request).all().get().entrySet()) {
      offsets.put(answer.getKey(), answer.getValue().offset());
    }
    return offsets;
  }

  /** Offsets between start and end over all partitions. */
  long records() {
    return ends.keySet().stream().mapToLong(partition -> ends.get(partition) - starts.get(partition)).sum();
  }

  boolean isCommitted(String groupId) throws ExecutionException, InterruptedException {
    Map<TopicPartition, OffsetAndMetadata> committed =
        admin.listConsumerGroupOffsets(groupId).partitionsToOffsetAndMetadata().get();
    return ends.keySet().stream()
        .allMatch(
            partition -> {
              OffsetAndMetadata offset = committed.get(partition);
              long done = offset == null ? starts.get(partition) : offset.offset();
              return done >= ends.get(partition);
            });
  }

  /**
   * Creates the topic of the results, as wide as the inputs, unless it is there. Results carry their event time as the
   * timestamp of the record: retention by time would delete them at once.
   */
  void createOutput(String topic) throws ExecutionException, InterruptedException {
    int partitions = ends.keySet().stream().mapToInt(TopicPartition::partition).max().orElseThrow() + 1;
    NewTopic spec =
        new NewTopic(topic, Optional.of(partitions), Optional.empty())
            .configs(Map.of(TopicConfig.RETENTION_MS_CONFIG, "-1"));
    try {
      admin.createTopics(List.of(spec)).all().get();
    } catch (ExecutionException error) {
      if (!(error.getCause() instanceof TopicExistsException)) throw error;
    }
  }
}
