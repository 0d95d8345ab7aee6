"""The queries as both engines get them: the table, the views on it and one query, with `${NAME}` filled in.

The texts in queries/ are the same for both engines. Which of them an engine takes, it says itself when it is asked.
"""

import os
import re

QUERIES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "queries")

# Events of one job: what real Flink takes about a minute of CPU for, so that its jobs last several checkpoints.
EVENTS = 10_000_000
EVENTS_OF_COSTLY_QUERIES = {
    "q5": 4_000_000,
    "q5_windows": 4_000_000,
    "q7": 3_000_000,
    "q11": 4_000_000,
    "q16": 1_500_000,
}


def query_names():
    """Every query there is, q2 before q10."""
    found = [file[:-4] for file in os.listdir(QUERIES) if re.fullmatch(r"q\d+\w*\.sql", file)]
    return sorted(found, key=lambda name: (int(re.match(r"q(\d+)", name)[1]), name))


def default_events(query):
    return EVENTS_OF_COSTLY_QUERIES.get(query, EVENTS)


def read(name):
    with open(os.path.join(QUERIES, f"{name}.sql")) as file:
        return file.read()


def fill(text, values):
    return re.sub(r"\$\{(\w+)\}", lambda name: str(values[name[1]]), text)


def script(query, table, values):
    """A job as one text; `table` is ddl_json or ddl_gen."""
    return fill("\n".join(read(part) for part in (table, "views", query)), values)


def statements(text):
    """Cuts a script where a line ends with a semicolon, except within a statement set; comments are dropped."""
    cut, lines = [], []
    for line in text.splitlines():
        if line.startswith("--") or not line.strip():
            continue
        lines.append(line)
        in_set = lines[0].upper().startswith("EXECUTE STATEMENT SET")
        if line.endswith(";") and (not in_set or line.upper() == "END;"):
            cut.append("\n".join(lines)[:-1])
            lines = []
    if lines:
        raise ValueError(f"the last statement does not end with a semicolon: {lines[0]}")
    return cut
