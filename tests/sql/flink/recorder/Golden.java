import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.utils.LogicalTypeChecks;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.CloseableIterator;

/** The final rows of a query in the notation of the .expected files (README.md beside the cases describes it). */
final class Golden {
  private static final DateTimeFormatter SECONDS = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss");

  private final List<Column> columns;
  private final Map<String, Integer> rows = new TreeMap<>();
  private final Map<RowKind, Integer> changes = new EnumMap<>(RowKind.class);

  private Golden(List<Column> columns) {
    this.columns = columns;
  }

  static Golden collect(TableResult answer) throws Exception {
    Golden golden = new Golden(answer.getResolvedSchema().getColumns());
    try (CloseableIterator<Row> rows = answer.collect()) {
      while (rows.hasNext()) {
        golden.fold(rows.next());
      }
    }
    if (golden.rows.values().stream().anyMatch(count -> count < 0)) {
      throw new IllegalStateException("the changelog deletes a row that it never inserted");
    }
    return golden;
  }

  private void fold(Row row) {
    changes.merge(row.getKind(), 1, Integer::sum);
    boolean adds = row.getKind() == RowKind.INSERT || row.getKind() == RowKind.UPDATE_AFTER;
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < row.getArity(); i++) {
      line.append(i == 0 ? "" : "\t").append(cell(row.getField(i), columns.get(i).getDataType().getLogicalType()));
    }
    String key = line.toString().startsWith("#") ? "\\" + line : line.toString();
    if (rows.merge(key, adds ? 1 : -1, Integer::sum) == 0) {
      rows.remove(key);
    }
  }

  String summary() {
    String kinds =
        changes.entrySet().stream()
            .map(kind -> kind.getKey().shortString() + " " + kind.getValue())
            .collect(Collectors.joining(", "));
    return rows.values().stream().mapToInt(Integer::intValue).sum() + " rows" + (kinds.isEmpty() ? "" : " from " + kinds);
  }

  String text(String version) {
    StringBuilder text = new StringBuilder();
    text.append("# made by: flink ").append(version);
    text.append(", streaming, parallelism 1, UTC, a watermark after every row\n");
    text.append("# changes: ").append(summary()).append('\n');
    for (Column column : columns) {
      text.append("# column: ").append(column.getName()).append('\t').append(type(column)).append('\n');
    }
    rows.forEach((row, count) -> text.append((row + "\n").repeat(count)));
    return text.toString();
  }

  private static String type(Column column) {
    // A time attribute is a property of the plan, not of the value, so its marker is not part of the type here.
    return column.getDataType().toString().replaceAll(" \\*(ROWTIME|PROCTIME)\\*", "");
  }

  private static String cell(Object value, LogicalType type) {
    if (value == null) {
      return "\\N";
    }
    if (value instanceof Instant instant) {
      return cell(LocalDateTime.ofInstant(instant, ZoneOffset.UTC), type);
    }
    if (value instanceof LocalDateTime timestamp) {
      return timestamp.format(SECONDS) + fraction(timestamp.getNano(), LogicalTypeChecks.getPrecision(type));
    }
    if (value instanceof LocalTime time) {
      return time.format(DateTimeFormatter.ofPattern("HH:mm:ss"))
          + fraction(time.getNano(), LogicalTypeChecks.getPrecision(type));
    }
    if (value instanceof byte[] bytes) {
      return HexFormat.of().formatHex(bytes);
    }
    if (value instanceof BigDecimal decimal) {
      return decimal.toPlainString();
    }
    if (type.is(LogicalTypeRoot.ARRAY) || type.is(LogicalTypeRoot.MAP) || type.is(LogicalTypeRoot.ROW)) {
      throw new IllegalStateException("the format has no notation for " + type);
    }
    return value.toString().replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r");
  }

  private static String fraction(int nanos, int digits) {
    return digits == 0 ? "" : "." + String.format("%09d", nanos).substring(0, digits);
  }
}
