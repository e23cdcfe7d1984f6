package peers;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The work of atp_stream by Kafka Streams, exactly once: four JSON topics without keys are read, checked, keyed anew
 * through a repartition topic, known again by event id, folded over RocksDB, and told: an availability of each of the
 * four channels whose figures changed, and each reservation that is committed, released or denied.
 *
 * <p>It has less to do: no late facts, queues, priorities, limits, policies, locations, refusals, headers, Avro.
 *
 * <p>Arguments: broker, run (also the prefix of all topics), state directory, commit interval in milliseconds. It runs
 * until it is killed.
 */
public final class Equal {
  private static final String[] CHANNELS = {"ECOM", "STORE", "B2B", "MARKETPLACE"};
  private static final String[] KINDS = {"adjusted", "created", "released", "fulfilled"};
  private static final String[] OUTPUTS = {"available", "committed", "released", "denied"};
  private static final byte ADJUSTED = 0;
  private static final byte CREATED = 1;
  private static final byte RELEASED = 2;
  private static final byte FULFILLED = 3;

  /** All inputs, by the wire's own names. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public static final class In {
    public String event_id;
    public String eventId;
    public String timestamp;
    public String product_id;
    public String itemId;
    public String tenantId;
    public long adjusted_quantity;
    public long new_quantity;
    public long quantity;
    public String reservationId;
    public String channel;
  }

  /** What is asked, as it stands in the repartition topic. */
  public static final class Command {
    byte kind;
    long at;
    long delta;
    long absolute;
    String eventId;
    String reservation = "";
    String channel = "";
  }

  public static final class Item {
    long onHand;
    long newest;
    long version;
    Map<String, long[]> channels = new LinkedHashMap<>(); // available, reserved as last told; reserved now

    long reserved() {
      long sum = 0;
      for (long[] one : channels.values()) {
        sum += one[2];
      }
      return sum;
    }
  }

  public static final class Reservation {
    long quantity;
    byte state; // 0 committed, 1 denied, 2 released, 3 fulfilled
    String channel;
    String event;
  }

  public record Availability(String eventId, long timestamp, String tenantId, String itemId, String channel,
      long available, long reserved) {}

  public record Allocation(String eventId, long timestamp, String tenantId, String allocationId, String itemId,
      String channel, long quantity) {}

  /** Intake: checks a message and gives it the key of its item. */
  private static final class Intake implements Processor<byte[], byte[], String, Command> {
    private static final ObjectReader READER = new ObjectMapper().readerFor(In.class);
    private ProcessorContext<String, Command> context;

    private static byte kindOf(String topic) {
      for (byte kind = 0; kind < KINDS.length; kind++) {
        if (topic.endsWith(KINDS[kind])) {
          return kind;
        }
      }
      throw new IllegalStateException(topic);
    }

    @Override
    public void init(ProcessorContext<String, Command> given) {
      context = given;
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      In in;
      try {
        in = READER.readValue(record.value());
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
      String item = in.itemId == null ? in.product_id : in.itemId;
      Command command = new Command();
      byte kind = kindOf(context.recordMetadata().get().topic());
      command.kind = kind;
      command.eventId = in.eventId == null ? in.event_id : in.eventId;
      if (item == null || item.isEmpty() || command.eventId == null) {
        return; // a dead letter
      }
      Instant at = Instant.parse(in.timestamp);
      command.at = at.getEpochSecond() * 1_000_000L + at.getNano() / 1000;
      if (kind == ADJUSTED) {
        command.delta = in.adjusted_quantity;
        command.absolute = in.new_quantity;
      } else {
        command.delta = in.quantity;
        command.reservation = in.reservationId;
        command.channel = in.channel == null ? "" : in.channel;
      }
      String tenant = in.tenantId == null ? "acme" : in.tenantId;
      context.forward(new Record<>(tenant + "|" + item, command, record.timestamp()));
    }
  }

  private static final class Ledger implements Processor<String, Command, String, Object> {
    private ProcessorContext<String, Object> context;
    private KeyValueStore<String, Item> items;
    private KeyValueStore<String, Reservation> reservations;
    private KeyValueStore<String, Long> seen;

    @Override
    public void init(ProcessorContext<String, Object> given) {
      context = given;
      items = given.getStateStore("items");
      reservations = given.getStateStore("reservations");
      seen = given.getStateStore("seen");
    }

    @Override
    public void process(Record<String, Command> record) {
      String name = record.key();
      Command command = record.value();
      Item item = items.get(name);
      if (item == null) {
        item = new Item();
        for (String channel : CHANNELS) {
          item.channels.put(channel, new long[] {-1, -1, 0});
        }
      }
      if (answer(name, item, command, record.timestamp())) {
        item.version++;
        tell(name, item, record.timestamp());
        items.put(name, item);
      }
    }

    private boolean answer(String name, Item item, Command command, long now) {
      if (command.kind == ADJUSTED) {
        String id = name + "|" + command.eventId;
        if (seen.get(id) != null) {
          return false;
        }
        seen.put(id, command.at);
        if (command.at >= item.newest) {
          item.onHand = command.absolute;
          item.newest = command.at;
        } else {
          item.onHand += command.delta;
        }
        return true;
      }
      String id = name + "|" + command.reservation;
      Reservation reservation = reservations.get(id);
      if (command.kind == CREATED) {
        if (reservation != null) {
          return false;
        }
        reservation = new Reservation();
        reservation.quantity = command.delta;
        reservation.channel = command.channel;
        reservation.event = command.eventId;
        long[] channel = item.channels.computeIfAbsent(command.channel, one -> new long[] {-1, -1, 0});
        boolean enough = command.delta <= item.onHand - item.reserved();
        if (enough) {
          channel[2] += command.delta;
        } else {
          reservation.state = 1;
        }
        reservations.put(id, reservation);
        say(name, reservation, command.reservation, now, enough ? "committed" : "denied");
        return enough;
      }
      if (reservation == null || reservation.state != 0 || reservation.event.equals(command.eventId)) {
        return false;
      }
      reservation.state = command.kind;
      reservation.event = command.eventId;
      reservations.put(id, reservation);
      item.channels.get(reservation.channel)[2] -= reservation.quantity;
      if (command.kind == FULFILLED) {
        item.onHand -= reservation.quantity;
      } else {
        say(name, reservation, command.reservation, now, "released");
      }
      return true;
    }

    private void say(String name, Reservation one, String reservation, long now, String to) {
      int bar = name.indexOf('|');
      String tenant = name.substring(0, bar);
      String bare = name.substring(bar + 1);
      String event = to + "-" + reservation;
      String allocation = "alloc-" + reservation;
      Allocation told = new Allocation(event, now, tenant, allocation, bare, one.channel, one.quantity);
      context.forward(new Record<>(name, told, now), to);
    }

    private void tell(String name, Item item, long now) {
      int bar = name.indexOf('|');
      String tenant = name.substring(0, bar);
      String bare = name.substring(bar + 1);
      long free = Math.max(0, item.onHand - item.reserved());
      for (Map.Entry<String, long[]> one : item.channels.entrySet()) {
        long[] shown = one.getValue();
        if (shown[0] == free && shown[1] == shown[2]) {
          continue;
        }
        shown[0] = free;
        shown[1] = shown[2];
        String key = name + "|" + one.getKey();
        Availability told = new Availability(key + "|" + item.version, now, tenant, bare, one.getKey(), free, shown[2]);
        context.forward(new Record<>(key, told, now), "available");
      }
    }
  }

  private static Properties settings(String broker, String run, String directory, long commit) {
    Properties settings = new Properties();
    settings.put("application.id", run);
    settings.put("bootstrap.servers", broker);
    settings.put("state.dir", directory);
    settings.put("num.stream.threads", 1);
    settings.put("replication.factor", 1);
    settings.put("processing.guarantee", StreamsConfig.EXACTLY_ONCE_V2);
    settings.put("consumer.auto.offset.reset", "earliest");
    settings.put("commit.interval.ms", commit);
    settings.put("statestore.cache.max.bytes", 256L << 20);
    settings.put("buffered.records.per.partition", 10_000);
    settings.put("consumer.max.poll.records", 10_000);
    settings.put("producer.linger.ms", 50); // a commit ends it; until then nobody may read what was sent
    settings.put("producer.batch.size", 262_144);
    return settings;
  }

  private static Topology topology(String run) {
    Topology topology = new Topology();
    String[] inputs = Arrays.stream(KINDS).map(kind -> run + ".in." + kind).toArray(String[]::new);
    topology.addSource("inputs", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), inputs);
    topology.addProcessor("intake", Intake::new, "inputs");
    Serde<Command> command = Forms.command();
    topology.addSink("rekeyed", run + ".repartition", Serdes.String().serializer(), command.serializer(), "intake");
    topology.addSource("commands", Serdes.String().deserializer(), command.deserializer(), run + ".repartition");
    topology.addProcessor("ledger", Ledger::new, "commands");
    topology.addStateStore(store("items", Forms.item()), "ledger");
    topology.addStateStore(store("reservations", Forms.reservation()), "ledger");
    topology.addStateStore(store("seen", Serdes.Long()), "ledger");
    Serializer<Object> told = Forms.told();
    for (String output : OUTPUTS) {
      topology.addSink(output, run + "." + output, Serdes.String().serializer(), told, "ledger");
    }
    return topology;
  }

  private static <T> StoreBuilder<KeyValueStore<String, T>> store(String name, Serde<T> form) {
    return Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(name), Serdes.String(), form)
        .withCachingEnabled();
  }

  public static void main(String[] arguments) {
    String run = arguments[1];
    Properties settings = settings(arguments[0], run, arguments[2], Long.parseLong(arguments[3]));
    KafkaStreams streams = new KafkaStreams(topology(run), settings);
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          Runtime.getRuntime().halt(3);
          return null;
        });
    streams.start();
  }
}
