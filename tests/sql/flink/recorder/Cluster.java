import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;

/**
 * Flink's job manager and task manager in this process, behind its usual REST interface on a free loopback port.
 *
 * <p>Streaming, parallelism 1, UTC, no checkpoints. The watermark interval is 0, so a watermark follows every row that
 * advances it and a row's lateness depends on the input alone.
 */
final class Cluster implements AutoCloseable {
  private static final Pattern SET = Pattern.compile("(?is)SET\\s+'([^']+)'\\s*=\\s*'([^']*)'");

  private final MiniCluster cluster;
  private final Configuration base = new Configuration();

  Cluster(Path scratch) throws Exception {
    Configuration settings = new Configuration();
    settings.setString("rest.address", "localhost");
    settings.setString("rest.bind-address", "localhost");
    settings.setString("rest.port", "0");
    settings.setString("io.tmp.dirs", scratch.toString());
    settings.setString("jobstore.max-capacity", "5");
    settings.setString("taskmanager.memory.managed.size", "128m");
    settings.setString("taskmanager.memory.network.min", "32m");
    settings.setString("taskmanager.memory.network.max", "32m");
    settings.setString("restart-strategy.type", "none");
    cluster =
        new MiniCluster(
            new MiniClusterConfiguration.Builder()
                .setConfiguration(settings)
                .setNumTaskManagers(1)
                .setNumSlotsPerTaskManager(4)
                .build());
    cluster.start();

    base.setString("execution.target", "remote");
    base.setString("rest.address", "localhost");
    base.setString("rest.port", String.valueOf(cluster.getRestAddress().get().getPort()));
    base.setString("parallelism.default", "1");
    base.setString("pipeline.auto-watermark-interval", "0 ms");
    base.setString("restart-strategy.type", "none");
    base.setString("table.local-time-zone", "UTC");
    base.setString("table.exec.mini-batch.enabled", "false");
  }

  /** Runs a script whose last statement is its only query, and folds the changes of that query into final rows. */
  Golden ask(List<String> statements) throws Exception {
    Configuration settings = base.clone();
    for (String statement : statements) {
      Matcher set = SET.matcher(statement);
      if (set.matches()) {
        settings.setString(set.group(1), set.group(2));
      }
    }
    TableEnvironment environment =
        TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(settings).build());
    TableResult answer = null;
    for (String statement : statements) {
      if (answer != null) {
        throw new IllegalStateException("there is a statement after the query");
      }
      if (SET.matcher(statement).matches()) {
        continue;
      }
      TableResult result = environment.executeSql(statement);
      answer = result.getJobClient().isPresent() ? result : null;
    }
    if (answer == null) {
      throw new IllegalStateException("the script has no query");
    }
    return Golden.collect(answer);
  }

  @Override
  public void close() throws Exception {
    cluster.close();
  }
}
