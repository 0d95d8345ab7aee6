"""Flink as an engine: a session cluster of real processes, started for one query and warm when it is measured.

A job manager, a task manager and a submitter of our own (flink/Submitter.java) run on free loopback ports. Measured is the task
manager alone: its CPU over the life of a job, and the most memory it ever had. Planning, the job manager and the submitter
cost Flink nothing here.
"""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

import sql
from process import BenchError, Process

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(HERE, "flink")
INSTALL = os.path.join(HERE, "..", "..", "scripts", "install")
# Flink reaches into the JDK by reflection; these are the packages that its own start scripts open.
OPENED = "lang net io nio lang.reflect text time util util.concurrent util.concurrent.atomic util.concurrent.locks".split()
OPENS = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in OPENED]
OPENS.append("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED")
# A cluster is there after 10 to 30 seconds on two cores that others use, too.
START_SECONDS = 180
JOB_MANAGER_MEMORY = "1600m"


class Flink:
    name = "flink"

    def __init__(self, memory, checkpoint_interval, work):
        self.memory = memory
        self.checkpoint_interval = checkpoint_interval
        self.work = work
        paths = subprocess.run([INSTALL, "flink", SOURCES], stdout=subprocess.PIPE, text=True)
        if paths.returncode != 0:
            raise BenchError("Flink is not there, see above; --engines millstream measures without it")
        self.jars, self.classes = paths.stdout.split()

    def version(self):
        java = subprocess.run(["java", "-version"], check=True, capture_output=True, text=True).stderr.splitlines()
        return f"flink {os.path.basename(os.path.dirname(self.jars))}, {java[-1]}"

    def settings(self, parallelism, memory, folder):
        """The configuration of a cluster in `folder`."""
        return {
            "jobmanager.rpc.address": "localhost",
            "jobmanager.rpc.port": free_port(),
            "jobmanager.bind-host": "localhost",
            "jobmanager.memory.process.size": JOB_MANAGER_MEMORY,
            "taskmanager.bind-host": "localhost",
            "taskmanager.host": "localhost",
            "taskmanager.memory.process.size": memory,
            "taskmanager.numberOfTaskSlots": parallelism,
            "rest.address": "localhost",
            "rest.bind-address": "localhost",
            "rest.port": free_port(),
            "io.tmp.dirs": os.path.join(folder, "tmp"),
            "restart-strategy.type": "none",
            "table.local-time-zone": "UTC",
            "parallelism.default": parallelism,
            **self.job_settings(),
            "execution.checkpointing.dir": f"file://{folder}/checkpoints",
            "state.backend.rocksdb.localdir": os.path.join(folder, "tmp", "rocksdb"),
        }

    def job_settings(self):
        """What a person would set for speed at the same guarantee; Nexmark's own settings."""
        return {
            "pipeline.object-reuse": "true",
            "state.backend.type": "rocksdb",
            "execution.checkpointing.interval": self.checkpoint_interval.replace(" ", ""),
            "execution.checkpointing.mode": "EXACTLY_ONCE",
            "execution.checkpointing.incremental": "true",
            "execution.checkpointing.checkpoints-after-tasks-finish.enabled": "false",
            "table.exec.mini-batch.enabled": "true",
            "table.exec.mini-batch.allow-latency": "2s",
            "table.exec.mini-batch.size": "50000",
            "table.optimizer.distinct-agg.split.enabled": "true",
        }

    @contextlib.contextmanager
    def session(self, query, parallelism, table, values):
        """A cluster that is there for this query alone, in the smallest size that does it well."""
        tried = self.try_sizes(query, parallelism, table, values) if len(self.memory) > 1 else {}
        memory = smallest_good(tried) if tried else self.memory[0]
        with self.cluster(query, parallelism, table, values, memory) as session:
            session.facts = {"process_size": memory, "tried_sizes": tried}
            yield session

    def try_sizes(self, query, parallelism, table, values):
        """What a warm run costs in each size: CPU seconds, or why it failed."""
        tried = {}
        for memory in self.memory:
            try:
                with self.cluster(query, parallelism, table, values, memory) as session:
                    # The first run warms the JVM up.
                    tried[memory] = [session.run()["cpu_seconds"] for _ in range(2)][1]
            except BenchError as error:
                tried[memory] = str(error)
        return tried

    @contextlib.contextmanager
    def cluster(self, query, parallelism, table, values, memory):
        folder = tempfile.mkdtemp(prefix=f"flink-{query}-", dir=self.work)
        try:
            for inner in ("conf", "tmp", "checkpoints", "plugins", "log"):
                os.makedirs(os.path.join(folder, inner))
            settings = self.settings(parallelism, memory, folder)
            with open(os.path.join(folder, "conf", "config.yaml"), "w") as config:
                config.writelines(f"{key}: {value}\n" for key, value in settings.items())
            job = os.path.join(folder, f"{query}.statements")
            with open(job, "w") as file:
                file.write("\0".join(sql.statements(sql.script(query, table, values))))
            with contextlib.ExitStack() as stack:
                manager, tasks = self.start(stack, folder)
                wait_for_slots(settings["rest.port"], parallelism, manager, tasks)
                submitter = stack.enter_context(self.submitter(folder))
                yield Session(job, manager, tasks, submitter)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def start(self, stack, folder):
        conf = os.path.join(folder, "conf")
        environment = {"FLINK_PLUGINS_DIR": os.path.join(folder, "plugins"), "FLINK_CONF_DIR": conf}
        asked = subprocess.run(
            ["java", *OPENS, "-Xmx64m", "-cp", f"{self.classes}:{self.jars}/*", "Memory", conf],
            capture_output=True,
            text=True,
        )
        if asked.returncode != 0:
            raise BenchError(f"Flink cannot divide the process sizes:\n{root_cause(asked.stderr)}")
        jvm, own, task_jvm, task_own = (line.split() for line in asked.stdout.splitlines()[-4:])
        entry = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        arguments = ["--configDir", conf, "--executionMode", "cluster", *own]
        manager = stack.enter_context(self.java("job manager", folder, ["-XX:+UseG1GC", *jvm], [entry, *arguments], environment))
        entry = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        arguments = ["--configDir", conf, *task_own]
        tasks = stack.enter_context(
            self.java("task manager", folder, ["-XX:+UseG1GC", *task_jvm], [entry, *arguments], environment)
        )
        return manager, tasks

    def java(self, name, folder, options, program, environment, **pipes):
        log = os.path.join(folder, "log", name.replace(" ", "-"))
        properties = os.path.join(SOURCES, "log4j2.properties")
        command = ["java", *options, *OPENS, f"-Dlog4j.configurationFile={properties}", f"-Dbench.log={log}"]
        return Process(name, [*command, "-cp", f"{self.classes}:{self.jars}/*", *program], log, environment, **pipes)

    def submitter(self, folder):
        program = ["Submitter", os.path.join(folder, "conf")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return self.java("submitter", folder, ["-Xmx1g", "-XX:+UseSerialGC"], program, None, **pipes)


class Session:
    def __init__(self, job, manager, tasks, submitter):
        self.facts = {}
        self.job = job
        self.manager = manager
        self.tasks = tasks
        self.submitter = submitter

    def run(self):
        """Runs the job to its end; see `measure.Run`. The wall time is Flink's own, without planning."""
        cpu, manager_cpu = self.tasks.cpu_seconds(), self.manager.cpu_seconds()
        self.submitter.popen.stdin.write(f"{self.job}\n".encode())
        self.submitter.popen.stdin.flush()
        job, checkpoints = self.answer()
        return {
            "cpu_seconds": self.tasks.cpu_seconds() - cpu,
            "wall_seconds": job["duration"] / 1000,
            "peak_mib": self.tasks.peak_mib(),
            "checkpoints": [
                {
                    "state_bytes": done["state_size"],
                    "uploaded_bytes": done["checkpointed_size"],
                    "milliseconds": done["end_to_end_duration"],
                }
                for done in reversed(checkpoints["history"])
                if done["status"] == "COMPLETED"
            ],
            "job_manager_cpu_seconds": self.manager.cpu_seconds() - manager_cpu,
        }

    def answer(self):
        for line in self.submitter.popen.stdout:
            kind, _, rest = line.decode().rstrip("\n").partition(" ")
            if kind == "FINISHED":
                return [json.loads(part) for part in rest.split("\t")]
            if kind == "FAILED":
                raise BenchError(f"the job failed in Flink: {rest}")
        raise BenchError(f"the submitter ended:\n{self.submitter.last_words()}")


def smallest_good(tried):
    """The first size whose rate is at least nine tenths of the best one.

    Errors: when every size failed, with all the reasons.
    """
    costs = {size: cost for size, cost in tried.items() if not isinstance(cost, str)}
    if not costs:
        raise BenchError("\n".join(f"{size}: {reason}" for size, reason in tried.items()))
    return next(size for size, cost in costs.items() if cost * 0.9 <= min(costs.values()))


def free_port():
    """A port that is free now; should another process take it before Flink does, Flink's start fails and says so."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_slots(port, slots, manager, tasks):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        for process in (manager, tasks):
            if process.has_ended():
                raise BenchError(f"Flink's {process.name} ended while it started:\n{root_cause(process.last_words(300))}")
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/overview", timeout=2) as answer:
                if json.load(answer)["slots-available"] >= slots:
                    return
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    raise BenchError(f"Flink did not start within {START_SECONDS} seconds:\n{tasks.last_words()}")


def root_cause(log):
    """The cause in a Java log, or its end. A taken port is looked for first: a dozen errors follow from it at the shutdown."""
    taken = re.search(r"BindException: .*", log)
    if taken:
        return f"another process took a port in the meantime, start again: {taken[0]}"
    causes = [line for line in log.splitlines() if re.match(r"(Caused by|Exception in thread)", line)]
    return causes[-1] if causes else "\n".join(log.splitlines()[-10:])
