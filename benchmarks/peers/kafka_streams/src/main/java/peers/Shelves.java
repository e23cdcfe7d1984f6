package peers;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * On hand and reserved by channel of each item, exactly once, by Kafka Streams: what model.py does.
 *
 * <p>Arguments: broker, run, input topic, number of events, state directory, "default" or "tuned". Tuned means larger
 * caches and polls, batches that wait a little, and state in a few bytes instead of JSON.
 */
public final class Shelves {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String STORE = "shelves";

  @JsonIgnoreProperties(ignoreUnknown = true)
  public static final class Event {
    public String kind;
    public String itemId;
    public long quantity;
    public long onHand;
    public String reservationId;
    public String channel;
  }

  public static final class Shelf {
    public long onHand;
    public Map<String, Long> reserved = new LinkedHashMap<>();

    long free() {
      long free = onHand;
      for (long units : reserved.values()) {
        free -= units;
      }
      return free;
    }
  }

  public record Allocation(String allocationId, String itemId, String channel, long quantity) {}

  public record Availability(String itemId, String channel, long available, long reserved) {}

  private static final class Count {
    final long wanted;
    final AtomicLong seen = new AtomicLong();
    final AtomicBoolean begun = new AtomicBoolean();
    final CountDownLatch done = new CountDownLatch(1);

    Count(long wanted) {
      this.wanted = wanted;
    }

    void begin() {
      if (!begun.get() && begun.compareAndSet(false, true)) {
        say("first");
      }
    }

    void end() {
      if (seen.incrementAndGet() == wanted) {
        done.countDown();
      }
    }
  }

  private static final class Ledger implements Processor<String, Event, String, Object> {
    private final Count count;
    private ProcessorContext<String, Object> context;
    private KeyValueStore<String, Shelf> shelves;

    Ledger(Count count) {
      this.count = count;
    }

    @Override
    public void init(ProcessorContext<String, Object> given) {
      context = given;
      shelves = given.getStateStore(STORE);
    }

    @Override
    public void process(Record<String, Event> record) {
      count.begin();
      Event event = record.value();
      Shelf shelf = shelves.get(record.key());
      if (shelf == null) {
        shelf = new Shelf();
      }
      if (take(shelf, event, record)) {
        shelves.put(record.key(), shelf);
        long mine = shelf.reserved.getOrDefault(event.channel, 0L);
        Availability told = new Availability(event.itemId, event.channel, shelf.free(), mine);
        context.forward(record.withValue(told), "available");
      }
      count.end();
    }

    private boolean take(Shelf shelf, Event event, Record<String, Event> record) {
      long mine = shelf.reserved.getOrDefault(event.channel, 0L);
      switch (event.kind) {
        case "adjusted":
          shelf.onHand = event.onHand;
          return true;
        case "created":
          if (event.quantity > shelf.free()) {
            return false;
          }
          shelf.reserved.put(event.channel, mine + event.quantity);
          Allocation made =
              new Allocation("alloc-" + event.reservationId, event.itemId, event.channel, event.quantity);
          context.forward(record.withValue(made), "committed");
          return true;
        default:
          long back = Math.min(event.quantity, mine);
          shelf.reserved.put(event.channel, mine - back);
          if (event.kind.equals("fulfilled")) {
            shelf.onHand -= back;
          }
          return back > 0;
      }
    }
  }

  private static void say(String word) {
    System.out.println(word);
    System.out.flush();
  }

  private static <T> Serde<T> json(Class<T> type) {
    return Serdes.serdeFrom(
        (topic, value) -> {
          try {
            return value == null ? null : JSON.writeValueAsBytes(value);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        },
        (topic, bytes) -> {
          try {
            return bytes == null ? null : JSON.readValue(bytes, type);
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        });
  }

  private static Serde<Shelf> compact() {
    return Serdes.serdeFrom(
        (topic, shelf) -> {
          if (shelf == null) {
            return null;
          }
          ByteBuffer bytes = ByteBuffer.allocate(8 + shelf.reserved.size() * 64);
          bytes.putLong(shelf.onHand);
          shelf.reserved.forEach(
              (channel, units) -> {
                byte[] name = channel.getBytes(StandardCharsets.UTF_8);
                bytes.put((byte) name.length).put(name).putLong(units);
              });
          return Arrays.copyOf(bytes.array(), bytes.position());
        },
        (topic, coded) -> {
          if (coded == null) {
            return null;
          }
          ByteBuffer bytes = ByteBuffer.wrap(coded);
          Shelf shelf = new Shelf();
          shelf.onHand = bytes.getLong();
          while (bytes.hasRemaining()) {
            byte[] name = new byte[bytes.get()];
            bytes.get(name);
            shelf.reserved.put(new String(name, StandardCharsets.UTF_8), bytes.getLong());
          }
          return shelf;
        });
  }

  private static Properties settings(String broker, String run, String directory, boolean tuned) {
    Properties settings = new Properties();
    settings.put("application.id", run);
    settings.put("bootstrap.servers", broker);
    settings.put("state.dir", directory);
    settings.put("num.stream.threads", 1);
    settings.put("replication.factor", 1);
    settings.put("processing.guarantee", StreamsConfig.EXACTLY_ONCE_V2);
    settings.put("consumer.auto.offset.reset", "earliest");
    if (tuned) {
      settings.put("statestore.cache.max.bytes", 128L << 20);
      settings.put("buffered.records.per.partition", 10_000);
      settings.put("consumer.max.poll.records", 10_000);
      settings.put("producer.linger.ms", 50);
      settings.put("producer.batch.size", 131_072);
    }
    return settings;
  }

  private static Topology topology(String run, String topic, Count count, boolean tuned) {
    Topology topology = new Topology();
    topology.addSource("events", Serdes.String().deserializer(), json(Event.class).deserializer(), topic);
    topology.addProcessor("ledger", () -> new Ledger(count), "events");
    Serde<Shelf> shelf = tuned ? compact() : json(Shelf.class);
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.String(), shelf)
            .withCachingEnabled(),
        "ledger");
    Serde<Object> any = json(Object.class);
    topology.addSink("committed", run + ".committed", Serdes.String().serializer(), any.serializer(), "ledger");
    topology.addSink("available", run + ".available", Serdes.String().serializer(), any.serializer(), "ledger");
    return topology;
  }

  public static void main(String[] arguments) throws Exception {
    String run = arguments[1];
    boolean tuned = arguments[5].equals("tuned");
    Count count = new Count(Long.parseLong(arguments[3]));
    Topology topology = topology(run, arguments[2], count, tuned);
    KafkaStreams streams = new KafkaStreams(topology, settings(arguments[0], run, arguments[4], tuned));
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          Runtime.getRuntime().halt(3);
          return null;
        });
    streams.start();
    count.done.await();
    streams.close(Duration.ofSeconds(60));
    say("done");
    System.in.readAllBytes();
    Runtime.getRuntime().halt(0);
  }
}
