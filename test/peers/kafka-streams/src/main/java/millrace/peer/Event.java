package millrace.peer;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.processor.TimestampExtractor;

/** A record of an input topic: event time in milliseconds, an integer, and an id that no other record has. */
record Event(long t, long v, String id) {
  /** Event time comes out of the value; the timestamp of the Kafka record is when it was written. */
  public static final class Time implements TimestampExtractor {
    @Override
    public long extract(ConsumerRecord<Object, Object> record, long partitionTime) {
      return ((Event) record.value()).t();
    }
  }
}
