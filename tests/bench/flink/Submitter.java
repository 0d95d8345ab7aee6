import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;

/**
 * Runs scripts of SQL on a session cluster, one after the other, and stays warm between them.
 *
 * <p>The argument is the folder of the cluster's configuration. Each line of standard input names a file with the statements of
 * one job, NUL between them; the last one makes the job. Lines of the answer: {@code RUNNING id}, and when the job has ended
 * {@code FINISHED job checkpoints} with two answers of Flink's REST interface, tab-separated; or {@code FAILED cause}.
 */
public final class Submitter {
  private final Configuration settings;
  private final HttpClient http = HttpClient.newHttpClient();

  private Submitter(Configuration settings) {
    this.settings = settings;
  }

  public static void main(String[] arguments) throws Exception {
    Configuration settings = GlobalConfiguration.loadConfiguration(arguments[0]);
    settings.setString("execution.target", "remote");
    Submitter submitter = new Submitter(settings);
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String file = requests.readLine(); file != null; file = requests.readLine()) {
      try {
        submitter.run(Path.of(file));
      } catch (Exception error) {
        error.printStackTrace();
        say("FAILED " + causes(error));
      }
    }
  }

  private void run(Path file) throws Exception {
    TableEnvironment environment =
        TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(settings).build());
    TableResult result = null;
    for (String statement : Files.readString(file).split("\0")) {
      result = environment.executeSql(statement);
    }
    JobClient job = result.getJobClient().orElseThrow(() -> new IllegalStateException("the last statement makes no job"));
    say("RUNNING " + job.getJobID());
    job.getJobExecutionResult().get();
    say("FINISHED " + ask("/jobs/" + job.getJobID()) + "\t" + ask("/jobs/" + job.getJobID() + "/checkpoints"));
  }

  private String ask(String path) throws Exception {
    String address = "http://" + settings.toMap().get("rest.address") + ":" + settings.toMap().get("rest.port");
    HttpResponse<String> answer =
        http.send(HttpRequest.newBuilder(URI.create(address + path)).build(), HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IllegalStateException(path + " answers " + answer.statusCode() + ": " + answer.body());
    }
    return answer.body().replaceAll("[\t\n]", " ");
  }

  /** Every message once, from the outermost to the root. */
  private static String causes(Throwable error) {
    List<String> messages = new ArrayList<>();
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      String message = String.valueOf(cause.getMessage()).replaceAll("\\s+", " ").strip();
      boolean isKnown = messages.stream().anyMatch(known -> known.contains(message));
      if (!isKnown && !message.equals("null")) {
        messages.add(message);
      }
    }
    return messages.isEmpty() ? error.toString() : String.join(": ", messages);
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
