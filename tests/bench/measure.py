"""Measurements of one query: engines in turn, figures of each, medians and ranges over all.

Example: with 10,000,000 events and at least 60 CPU seconds a measurement, an engine that needs 25 CPU seconds runs the job three
times, and 30,000,000 events in 75 CPU seconds count as 400,000 events per CPU second.
"""

import statistics

# What a figure is called in the JSON, and how it is made from a measurement; None if the measurement has nothing to say.
FIGURES = {
    "events_per_cpu_second": lambda m: m["events"] / m["cpu_seconds"],
    "wall_seconds_per_million_events": lambda m: m["wall_seconds"] / m["events"] * 1e6,
    "peak_mib": lambda m: m["peak_mib"],
    "checkpoint_mib": lambda m: mib(max((c["state_bytes"] for c in m["checkpoints"]), default=None)),
    "checkpoint_milliseconds": lambda m: median(c["milliseconds"] for c in m["checkpoints"]),
}


def mib(of_bytes):
    return None if of_bytes is None else of_bytes / 2**20


def median(values):
    known = list(values)
    return statistics.median(known) if known else None


def measure(session, events, cpu_seconds):
    """Runs the job again and again until it took so much CPU; at least once."""
    runs = []
    while not runs or sum(run["cpu_seconds"] for run in runs) < cpu_seconds:
        runs.append(session.run())
    measurement = {
        "events": events * len(runs),
        "peak_mib": max(run["peak_mib"] for run in runs),
        "checkpoints": [checkpoint for run in runs for checkpoint in run["checkpoints"]],
    }
    sums = [figure for figure in runs[0] if figure not in measurement]
    return {**measurement, **{figure: round(sum(run[figure] for run in runs), 3) for figure in sums}}


def in_turn(sessions, events, pairs, cpu_seconds, say):
    """Measures every engine `pairs` times, each in front in every second round, after a run of each that does not count."""
    for name, session in sessions.items():
        say(f"{name}: warming up")
        session.run()
    measurements = {name: [] for name in sessions}
    for pair in range(pairs):
        for name in sorted(sessions, reverse=pair % 2 == 0):
            measurement = measure(sessions[name], events, cpu_seconds)
            measurements[name].append(measurement)
            rate, seconds = measurement["events"] / measurement["cpu_seconds"], measurement["cpu_seconds"]
            say(f"{name}: {pair + 1} of {pairs}: {rate / 1000:.0f} thousand events per CPU second, {seconds:.1f} CPU seconds")
    return measurements


def summary(measurements):
    """Median and range of every figure that there is; a job without a checkpoint has none of checkpoints."""
    figures = {}
    for name, figure in FIGURES.items():
        values = [value for value in map(figure, measurements) if value is not None]
        if values:
            figures[name] = {"median": statistics.median(values), "low": min(values), "high": max(values)}
    return figures
