import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs golden cases with real Flink and writes their rows.
 *
 * <p>Arguments: Flink's version, the folder of the cases, a scratch folder, then either words that select cases by their
 * path or {@code --try FILE}. One line a case goes to standard output; the exit code is 1 if any case failed, and a failed
 * case keeps the file it had.
 */
public final class Recorder {
  /** A case takes one or two seconds; one that needs more hangs, for example on a source without an end. */
  private static final long LIMIT_SECONDS = 60;

  private final String version;
  private final Path cases;
  private final Cluster cluster;
  private final ExecutorService runner =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "case");
            thread.setDaemon(true);
            return thread;
          });

  private Recorder(String version, Path cases, Cluster cluster) {
    this.version = version;
    this.cases = cases;
    this.cluster = cluster;
  }

  public static void main(String[] arguments) throws Exception {
    List<String> rest = List.of(arguments).subList(3, arguments.length);
    int failures;
    try (Cluster cluster = new Cluster(Path.of(arguments[2]))) {
      Recorder recorder = new Recorder(arguments[0], Path.of(arguments[1]), cluster);
      failures = rest.contains("--try") ? recorder.tryOut(rest) : recorder.recordAll(rest);
    }
    System.exit(failures == 0 ? 0 : 1);
  }

  private int tryOut(List<String> arguments) throws Exception {
    int failures = 0;
    for (String file : arguments) {
      if (file.equals("--try")) {
        continue;
      }
      try {
        Golden golden = run(Case.read(Path.of(file)));
        System.out.println("== " + file);
        System.out.print(golden.text(version));
      } catch (Exception error) {
        failures++;
        System.out.println("== " + file + "\nFAILED: " + reason(error));
      }
    }
    return failures;
  }

  private int recordAll(List<String> words) throws Exception {
    int failures = 0;
    List<Path> selected = select(words);
    if (selected.isEmpty()) {
      System.out.println("no case matches " + words);
      return 1;
    }
    for (Path file : selected) {
      String name = cases.relativize(file).toString().replaceFirst("\\.sql$", "");
      try {
        Case one = Case.read(file);
        if (!one.isFlinks()) {
          System.out.println("other  " + name + ": its oracle is " + one.header("oracle"));
          continue;
        }
        Golden golden = run(one);
        String text = golden.text(version);
        Path target = one.target();
        String verdict = !Files.exists(target) ? "new    " : Files.readString(target).equals(text) ? "same   " : "changed";
        Files.writeString(target, text);
        System.out.println(verdict + " " + name + ": " + golden.summary());
      } catch (Exception error) {
        failures++;
        System.out.println("FAILED  " + name + ": " + reason(error));
      }
    }
    System.out.println(selected.size() + " cases, " + failures + " failed");
    return failures;
  }

  private List<Path> select(List<String> words) throws Exception {
    try (Stream<Path> files = Files.walk(cases)) {
      return files
          .filter(file -> file.toString().endsWith(".sql"))
          .filter(
              file ->
                  words.isEmpty()
                      || words.stream().anyMatch(cases.relativize(file).toString().replaceFirst("\\.sql$", "")::contains))
          .sorted()
          .collect(Collectors.toCollection(ArrayList::new));
    }
  }

  private Golden run(Case one) throws Exception {
    Future<Golden> answer = runner.submit(() -> cluster.ask(one.statements(cases.resolve("data"))));
    try {
      return answer.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException late) {
      answer.cancel(true);
      throw new IllegalStateException("no answer within " + LIMIT_SECONDS + " s");
    }
  }

  /** Flink wraps the sentence that matters in many others; the innermost ones say what is wrong. */
  private static String reason(Throwable error) {
    List<String> messages = new ArrayList<>();
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      String message = String.valueOf(cause.getMessage()).strip().split("\n\tat ")[0];
      if (messages.stream().noneMatch(known -> known.contains(message))) {
        messages.add(cause.getClass().getSimpleName() + ": " + message);
      }
    }
    int from = Math.max(0, messages.size() - 3);
    return String.join(" <- ", messages.subList(from, messages.size()));
  }
}
