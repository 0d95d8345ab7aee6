"""What people see of a result: the table, and the comparison with an earlier one.

A result is the JSON that `run` writes; its shape is described in README.md.
"""

import os
import platform

HEAD = ("query", "par", "M events", "engine", "k events/CPU s", "wall s/M", "peak MiB", "state MiB", "ckpt ms", "ratio")
ROW = "{:<11} {:>3} {:>8} {:<10} {:>20} {:>16} {:>16} {:>9} {:>8}  {}"


def machine():
    with open("/proc/cpuinfo") as info:
        models = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    with open("/proc/meminfo") as info:
        memory_mib = int(info.readline().split()[1]) // 1024
    return {
        "cpu": models[0] if models else platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_mib": memory_mib,
        "kernel": platform.release(),
    }


def header():
    return ROW.format(*HEAD)


def rows(result):
    """The lines of the table for one query at one parallelism."""
    place = (result["query"], result["parallelism"], f"{result['events'] / 1e6:g}")
    if "failed" in result:
        return [f"{result['query']:<11} {result['parallelism']:>3} {result['failed']}"]
    lines = []
    for engine, answer in result["engines"].items():
        figures = answer["figures"]
        cells = [
            spread(figures["events_per_cpu_second"], 1000, 0),
            spread(figures["wall_seconds_per_million_events"], 1, 2),
            spread(figures["peak_mib"], 1, 0),
            median(figures.get("checkpoint_mib"), 1),
            median(figures.get("checkpoint_milliseconds"), 0),
        ]
        lines.append(ROW.format(*place, f"{engine} {answer.get('process_size', '')}", *cells, ratio(result) if engine == "millstream" else "").rstrip())
        place = ("", "", "")
    return lines


def median(figure, digits):
    return f"{figure['median']:.{digits}f}" if figure else "-"


def spread(figure, unit, digits):
    low, median, high = (f"{figure[of] / unit:.{digits}f}" for of in ("low", "median", "high"))
    return median if low == high else f"{median} ({low}-{high})"


def ratio(result):
    """How many times Flink's rate, at which part of its memory."""
    if set(result["engines"]) != {"millstream", "flink"}:
        return ""
    ours, theirs = (result["engines"][name]["figures"] for name in ("millstream", "flink"))
    rate = ours["events_per_cpu_second"]["median"] / theirs["events_per_cpu_second"]["median"]
    memory = ours["peak_mib"]["median"] / theirs["peak_mib"]["median"]
    return f"{rate:.1f} x, memory {memory:.2f} x"


def speedups(result):
    """How many times the rate by the wall clock of parallelism 1 each other one has, when a slot has a core of its own."""
    if not result["settings"].get("core_per_slot"):
        return []
    walls = {
        (entry["query"], entry["parallelism"]): entry["engines"]["millstream"]["figures"]["wall_seconds_per_million_events"]["median"]
        for entry in result["results"]
        if "millstream" in entry.get("engines", {})
    }
    return [
        f"{query}: {walls[query, 1] / wall:.2f} times the rate of parallelism 1 at {parallelism}"
        for (query, parallelism), wall in walls.items()
        if parallelism > 1 and (query, 1) in walls
    ]


def regressions(result, baseline, tolerance_percent):
    """Compares Millstream's medians: `(regressions, notes)`, both lists of sentences.

    Only queries of the same parallelism, size and source are compared. A rate that is lower, or a memory that is higher, by more
    than the tolerance is a regression: with 10 percent, 899 events per CPU second after 1,000 are one, 901 are none.
    """
    worse, notes = [], []
    if result["machine"] != baseline["machine"]:
        notes.append("the baseline was measured on another machine, so differences may be the machine's")
    place = lambda of: (of["query"], of["parallelism"])
    known = {place(entry): entry for entry in baseline["results"] if "millstream" in entry.get("engines", {})}
    compared = 0
    for entry in result["results"]:
        name = f"{entry['query']} at parallelism {entry['parallelism']}"
        before = known.get(place(entry))
        if before is None or "millstream" not in entry.get("engines", {}):
            notes.append(f"{name}: not compared, since one of the two has no figures")
            continue
        same = before["events"] == entry["events"] and baseline["settings"]["input"] == result["settings"]["input"]
        if not same:
            notes.append(f"{name}: not compared, since the input was another one")
            continue
        compared += 1
        old, new = (of["engines"]["millstream"]["figures"] for of in (before, entry))
        for figure, direction in (("events_per_cpu_second", -1), ("peak_mib", 1)):
            change = (new[figure]["median"] / old[figure]["median"] - 1) * 100
            if change * direction > tolerance_percent:
                worse.append(f"{name}: {figure} {old[figure]['median']:.0f} -> {new[figure]['median']:.0f} ({change:+.1f} %)")
    if compared == 0:
        worse.append("nothing could be compared with the baseline")
    return worse, notes
