"""Millstream as an engine: every job is a process of its own, whose whole life is measured.

So its start, the planning of the query and the last checkpoint are in its figures. Checkpoints are read from /status while it
runs; one that is replaced by the next within a tenth of a second is missed.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request

import sql
from process import BenchError, Process

# How often /status is read. An answer costs the job about a tenth of a millisecond.
STATUS_SECONDS = 0.1


class Refused(BenchError):
    """The query is not supported; the message says why."""


class Millstream:
    name = "millstream"

    def __init__(self, binary, checkpoint_interval, work, core_per_slot=False):
        self.binary = binary
        self.checkpoint_interval = checkpoint_interval
        self.work = work
        self.core_per_slot = core_per_slot

    def version(self):
        return subprocess.run([self.binary, "--version"], check=True, capture_output=True, text=True).stdout.strip()

    def job_settings(self):
        """The rest is as it comes."""
        return {"state.backend.type": "rocksdb", "execution.checkpointing.interval": self.checkpoint_interval}

    @contextlib.contextmanager
    def session(self, query, parallelism, table, values):
        """A place where the query can be run.

        Errors: `Refused` when Millstream does not take the query.
        """
        folder = tempfile.mkdtemp(prefix=f"{query}-", dir=self.work)
        try:
            job = os.path.join(folder, f"{query}.sql")
            with open(job, "w") as file:
                file.write(sql.script(query, table, values))
            self.check(job)
            yield Session(self, job, folder, parallelism)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def check(self, job):
        answer = subprocess.run([self.binary, "plan", job], capture_output=True, text=True)
        if answer.returncode == 2:
            raise Refused(message(answer.stderr).splitlines()[0])
        if answer.returncode != 0:
            raise BenchError(f"the query cannot be planned: {answer.stderr}")


def message(log):
    """What Millstream says at its end, without its log."""
    return log[max(log.find("error: "), 0) :].strip()


class Session:
    def __init__(self, engine, job, folder, parallelism):
        self.facts = {}
        self.engine = engine
        self.job = job
        self.folder = folder
        self.settings = {"parallelism.default": parallelism, **engine.job_settings()}

    def run(self):
        """Runs the job to its end; see `measure.Run`."""
        state = os.path.join(self.folder, "state")
        shutil.rmtree(state, ignore_errors=True)
        cores = sorted(os.sched_getaffinity(0))[: self.settings["parallelism.default"]]
        pinned = ["taskset", "--cpu-list", ",".join(map(str, cores))] if self.engine.core_per_slot else []
        command = [*pinned, self.engine.binary, "run", self.job, "--quiet", "--storage", f"file://{state}"]
        command += ["--http", "127.0.0.1:0"]
        for key, value in self.settings.items():
            command += ["--set", f"{key}={value}"]
        log = os.path.join(self.folder, "log")
        with contextlib.suppress(FileNotFoundError):
            os.remove(log)
        began = time.monotonic()
        with Process("millstream", command, log) as process:
            watched = self.watch(process)
            wall = time.monotonic() - began
            if process.exit_code != 0:
                raise BenchError(f"the job failed in Millstream: {message(process.last_words())}")
            usage = process.usage
        return {
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "wall_seconds": wall,
            "peak_mib": usage.ru_maxrss / 1024,
            **watched,
        }

    def watch(self, process):
        address, checkpoints, late = None, {}, 0
        next_look = time.monotonic()
        while not process.has_ended():
            # Short, because the end of the job is noticed here and is part of its wall time.
            time.sleep(0.01)
            if time.monotonic() < next_look:
                continue
            next_look = time.monotonic() + STATUS_SECONDS
            if address is None:
                found = re.search(r"status on (http://\S+/status)", process.last_words(lines=50))
                address = found and found[1]
                continue
            try:
                with urllib.request.urlopen(address, timeout=5) as answer:
                    status = json.load(answer)
            except (OSError, ValueError):
                # The job ends between two looks.
                continue
            late = status["late_dropped"]
            if done := status["last_checkpoint"]:
                checkpoints[done["epoch"]] = {
                    "state_bytes": done["bytes"],
                    "uploaded_bytes": done["new_bytes"],
                    "milliseconds": done["duration_ms"],
                }
        return {"checkpoints": list(checkpoints.values()), "late_rows": late}
