package peers;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

/** The bytes of {@link Equal}: commands and rows in few of them, and what is told as JSON. */
final class Forms {
  private static final ThreadLocal<ByteBuffer> ROOM = ThreadLocal.withInitial(() -> ByteBuffer.allocate(65_536));

  private Forms() {}

  private static void text(ByteBuffer bytes, String text) {
    byte[] coded = text.getBytes(StandardCharsets.UTF_8);
    bytes.putShort((short) coded.length).put(coded);
  }

  private static String text(ByteBuffer bytes) {
    int size = bytes.getShort();
    String found = new String(bytes.array(), bytes.arrayOffset() + bytes.position(), size, StandardCharsets.UTF_8);
    bytes.position(bytes.position() + size);
    return found;
  }

  private static byte[] taken(ByteBuffer bytes) {
    return Arrays.copyOf(bytes.array(), bytes.position());
  }

  static Serde<Equal.Command> command() {
    return Serdes.serdeFrom(
        (topic, it) -> {
          ByteBuffer bytes = ROOM.get().clear();
          bytes.put(it.kind).putLong(it.at).putLong(it.delta).putLong(it.absolute);
          text(bytes, it.eventId);
          text(bytes, it.reservation);
          text(bytes, it.channel);
          return taken(bytes);
        },
        (topic, coded) -> {
          ByteBuffer bytes = ByteBuffer.wrap(coded);
          Equal.Command it = new Equal.Command();
          it.kind = bytes.get();
          it.at = bytes.getLong();
          it.delta = bytes.getLong();
          it.absolute = bytes.getLong();
          it.eventId = text(bytes);
          it.reservation = text(bytes);
          it.channel = text(bytes);
          return it;
        });
  }

  static Serde<Equal.Item> item() {
    return Serdes.serdeFrom(
        (topic, it) -> {
          if (it == null) {
            return null;
          }
          ByteBuffer bytes = ROOM.get().clear();
          bytes.putLong(it.onHand).putLong(it.newest).putLong(it.version);
          it.channels.forEach(
              (channel, row) -> {
                text(bytes, channel);
                bytes.putLong(row[0]).putLong(row[1]).putLong(row[2]);
              });
          return taken(bytes);
        },
        (topic, coded) -> {
          if (coded == null) {
            return null;
          }
          ByteBuffer bytes = ByteBuffer.wrap(coded);
          Equal.Item it = new Equal.Item();
          it.onHand = bytes.getLong();
          it.newest = bytes.getLong();
          it.version = bytes.getLong();
          while (bytes.hasRemaining()) {
            it.channels.put(text(bytes), new long[] {bytes.getLong(), bytes.getLong(), bytes.getLong()});
          }
          return it;
        });
  }

  static Serde<Equal.Reservation> reservation() {
    return Serdes.serdeFrom(
        (topic, it) -> {
          if (it == null) {
            return null;
          }
          ByteBuffer bytes = ROOM.get().clear();
          bytes.putLong(it.quantity).put(it.state);
          text(bytes, it.channel);
          text(bytes, it.event);
          return taken(bytes);
        },
        (topic, coded) -> {
          if (coded == null) {
            return null;
          }
          ByteBuffer bytes = ByteBuffer.wrap(coded);
          Equal.Reservation it = new Equal.Reservation();
          it.quantity = bytes.getLong();
          it.state = bytes.get();
          it.channel = text(bytes);
          it.event = text(bytes);
          return it;
        });
  }

  /** What is told, as JSON. */
  static Serializer<Object> told() {
    ObjectMapper json = new ObjectMapper();
    ObjectWriter available = json.writerFor(Equal.Availability.class);
    ObjectWriter allocation = json.writerFor(Equal.Allocation.class);
    return (topic, value) -> {
      try {
        return (value instanceof Equal.Availability ? available : allocation).writeValueAsBytes(value);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    };
  }
}
