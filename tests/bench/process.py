"""A process of the benchmark: started, measured by what the kernel counts, and ended by its id alone.

A process starts in a session of its own, so that Ctrl-C reaches the benchmark first, and dies with it at the latest: also
when the benchmark is killed. Processes that were not started here are never touched.
"""

import ctypes
import os
import re
import signal
import subprocess
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
# How long a process may take to end after SIGTERM. Flink's processes take about one second.
PATIENCE_SECONDS = 10


class BenchError(Exception):
    """What went wrong, for the person who started the benchmark."""


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """One child. A context: leaving it ends the child."""

    def __init__(self, name, command, log, environment=None, stdin=subprocess.DEVNULL, stdout=None):
        self.name = name
        self.log = log
        with open(log, "ab") as errors:
            self.popen = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=errors if stdout is None else stdout,
                stderr=errors,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.pid = self.popen.pid
        self.usage = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def has_ended(self):
        """Whether the child is gone; then `exit_code` and `usage`, the kernel's account of it, are known."""
        if self.usage is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid == 0:
                return False
            self.popen.returncode = os.waitstatus_to_exitcode(status)
            self.usage = usage
        return True

    @property
    def exit_code(self):
        return self.popen.returncode

    def stop(self):
        for end in (signal.SIGTERM, signal.SIGKILL):
            if not self.has_ended():
                os.kill(self.pid, end)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not self.has_ended() and time.monotonic() < deadline:
                time.sleep(0.02)

    def cpu_seconds(self):
        """User and system time of all its threads so far."""
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def peak_mib(self):
        """The most memory that it ever had resident."""
        with open(f"/proc/{self.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024

    def last_words(self, lines=15):
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-lines:]).strip()
