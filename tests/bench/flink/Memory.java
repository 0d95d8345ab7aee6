import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessSpec;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessUtils;
import org.apache.flink.runtime.jobmanager.JobManagerProcessSpec;
import org.apache.flink.runtime.jobmanager.JobManagerProcessUtils;
import org.apache.flink.runtime.util.config.memory.ProcessMemoryUtils;

/**
 * How Flink divides the process sizes of a configuration, as its own start scripts ask it.
 *
 * <p>The argument is the folder of the configuration. Four lines: options of the job manager's JVM, its own arguments, and the
 * same two for the task manager.
 */
public final class Memory {
  private Memory() {}

  public static void main(String[] arguments) {
    Configuration settings = GlobalConfiguration.loadConfiguration(arguments[0]);
    JobManagerProcessSpec jobManager = JobManagerProcessUtils.processSpecFromConfig(settings);
    TaskExecutorProcessSpec taskManager = TaskExecutorProcessUtils.processSpecFromConfig(settings);
    System.out.println(JobManagerProcessUtils.generateJvmParametersStr(jobManager, settings));
    System.out.println(JobManagerProcessUtils.generateDynamicConfigsStr(jobManager));
    System.out.println(ProcessMemoryUtils.generateJvmParametersStr(taskManager));
    System.out.println(TaskExecutorProcessUtils.generateDynamicConfigsStr(taskManager));
  }
}
