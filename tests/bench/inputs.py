"""The files of JSON lines that both engines read: made once by Millstream's generator, and kept for the next run.

A folder holds one file for each generator, and as many as the job has slots: every file is a timeline of its own, in order.
With 2,000,000 events at parallelism 2 these are two files of 1,000,000 lines, 330 MB each.
"""

import hashlib
import os
import re
import shutil

import sql
from millstream import message
from process import BenchError, Process

# Of a line, on average, and some more. Parts are joined into files one by one, so no second copy is there at any time.
BYTES_PER_EVENT = 400


class Inputs:
    def __init__(self, binary, folder, rate):
        self.binary = binary
        self.folder = folder
        self.rate = rate

    def of(self, events, parallelism):
        """The folder with the files; makes it when it is not there."""
        job = self.job(events)
        name = f"events-{events}-rate-{self.rate}-files-{parallelism}-{hashlib.sha256(job.encode()).hexdigest()[:8]}"
        target = os.path.join(self.folder, name)
        if not os.path.isdir(target):
            os.makedirs(self.folder, exist_ok=True)
            self.make(job, events, parallelism, target)
        return target

    def job(self, events):
        values = {"TPS": self.rate, "EVENTS_NUM": events, "ALL_COLUMNS": "true"}
        table = sql.fill(sql.read("ddl_gen"), values)
        columns = re.search(r"\((\s*event_type.*?>),\s*`dateTime` AS", table, re.DOTALL)[1]
        return (
            f"{table}\nCREATE TABLE lines ({columns}\n) WITH (\n    'connector' = 'filesystem',\n    'path' = 'lines',\n"
            "    'format' = 'json',\n    'sink.rolling-policy.file-size' = '1gb'\n);\n\n"
            "INSERT INTO lines\nSELECT event_type, person, auction, bid FROM nexmark;\n"
        )

    def make(self, job, events, parallelism, target):
        wanted, free = events * BYTES_PER_EVENT, shutil.disk_usage(self.folder).free
        if free < wanted:
            raise BenchError(f"{events} events need {wanted >> 20} MiB in {self.folder}, where {free >> 20} MiB are free")
        # Beside the target, so that the finished folder is renamed and never copied.
        making = f"{target}.making-{os.getpid()}"
        os.makedirs(making)
        try:
            self.generate(job, parallelism, making)
            join_parts(os.path.join(making, "lines"), making, parallelism)
            os.rename(os.path.join(making, "files"), target)
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def generate(self, job, parallelism, folder):
        file = os.path.join(folder, "make.sql")
        with open(file, "w") as text:
            text.write(job)
        command = [self.binary, "run", file, "--quiet", "--fresh", "--yes", "--set", f"parallelism.default={parallelism}"]
        command += ["--set", "execution.checkpointing.interval=1 h"]
        with Process("generator", command, os.path.join(folder, "log")) as process:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            process.has_ended()
            if process.exit_code != 0:
                raise BenchError(f"the input files cannot be made: {message(process.last_words())}")


def join_parts(parts, folder, parallelism):
    """`part-<checkpoint>-<generation>-<slot>-<n>.json` of one slot become one file, in the order of checkpoint and n."""
    numbers = {part: [int(n) for n in re.findall(r"\d+", part)] for part in os.listdir(parts) if part.startswith("part-")}
    slots = {number[2] for number in numbers.values()}
    if len(slots) != parallelism:
        raise BenchError(f"{len(slots)} of {parallelism} slots wrote events")
    files = os.path.join(folder, "files")
    os.makedirs(files)
    for slot in slots:
        with open(os.path.join(files, f"events-{slot}.json"), "wb") as whole:
            mine = [part for part in numbers if numbers[part][2] == slot]
            for part in sorted(mine, key=lambda part: (numbers[part][0], numbers[part][3])):
                with open(os.path.join(parts, part), "rb") as source:
                    shutil.copyfileobj(source, whole, 1 << 20)
                os.remove(os.path.join(parts, part))
