import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One golden case: a script with a header of {@code -- key: value} lines. */
final class Case {
  private final Path file;
  private final Map<String, String> headers;
  private final String script;

  private Case(Path file, Map<String, String> headers, String script) {
    this.file = file;
    this.headers = headers;
    this.script = script;
  }

  static Case read(Path file) throws Exception {
    String script = Files.readString(file);
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line : script.split("\n")) {
      if (!line.startsWith("-- ")) {
        break;
      }
      int colon = line.indexOf(':');
      if (colon > 0) {
        headers.put(line.substring(3, colon).strip(), line.substring(colon + 1).strip());
      }
    }
    return new Case(file, headers, script);
  }

  String header(String key) {
    return headers.getOrDefault(key, "");
  }

  boolean isFlinks() {
    return header("oracle").startsWith("flink");
  }

  /** Where Flink's answer goes: a case that differs on purpose keeps its own rows and shows Flink's beside them. */
  Path target() {
    String suffix = headers.containsKey("differs") ? ".flink" : ".expected";
    return file.resolveSibling(file.getFileName().toString().replaceFirst("\\.sql$", suffix));
  }

  List<String> statements(Path data) {
    return split(script.replace("${DATA}", data.toString()));
  }

  /** Cuts at semicolons outside of quotes and comments; comments are dropped. */
  private static List<String> split(String script) {
    List<String> statements = new ArrayList<>();
    StringBuilder statement = new StringBuilder();
    int at = 0;
    while (at < script.length()) {
      char c = script.charAt(at);
      int end = at + 1;
      if (script.startsWith("--", at)) {
        end = script.indexOf('\n', at);
        end = end < 0 ? script.length() : end;
      } else if (script.startsWith("/*", at)) {
        end = script.indexOf("*/", at) + 2;
        statement.append(' ');
      } else if (c == '\'' || c == '`') {
        end = script.indexOf(c, at + 1) + 1;
        statement.append(script, at, end);
      } else if (c == ';') {
        statements.add(statement.toString().strip());
        statement.setLength(0);
      } else {
        statement.append(c);
      }
      at = end;
    }
    statements.add(statement.toString().strip());
    statements.removeIf(String::isEmpty);
    return statements;
  }
}
