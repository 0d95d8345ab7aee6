"""Tests of what the benchmark computes: `python3 -B -m unittest discover -s tests/bench -p '*_test.py'`."""

import copy
import os
import tempfile
import unittest

import flink
import inputs
import measure
import report
import sql


class Scripts(unittest.TestCase):
    def test_queries_are_in_the_order_of_their_numbers(self):
        names = sql.query_names()
        self.assertLess(names.index("q2"), names.index("q11"))
        self.assertLess(names.index("q5"), names.index("q5_windows"))

    def test_statements_are_cut_at_semicolons_at_the_end_of_a_line(self):
        text = "-- one; two\nCREATE TABLE a (\n  b INT -- c;d\n);\n\nINSERT INTO a\nSELECT ';' FROM b;\n"
        self.assertEqual(sql.statements(text), ["CREATE TABLE a (\n  b INT -- c;d\n)", "INSERT INTO a\nSELECT ';' FROM b"])

    def test_a_statement_set_stays_whole(self):
        text = "EXECUTE STATEMENT SET\nBEGIN\n  INSERT INTO a SELECT 1;\n  INSERT INTO b SELECT 2;\nEND;\nSELECT 3;\n"
        self.assertEqual([statement[:6] for statement in sql.statements(text)], ["EXECUT", "SELECT"])

    def test_an_open_statement_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "SELECT 1"):
            sql.statements("SELECT 1\n")

    def test_every_query_becomes_a_script_without_variables(self):
        for query in sql.query_names():
            text = sql.script(query, "ddl_json", {"NEXMARK_JSON": "folder"})
            self.assertNotIn("${", text, query)
            # The table, three views, at least one sink, and the job.
            self.assertGreaterEqual(len(sql.statements(text)), 6, query)


class Inputs(unittest.TestCase):
    def test_parts_of_a_slot_are_joined_in_order(self):
        with tempfile.TemporaryDirectory() as folder:
            parts = os.path.join(folder, "lines")
            os.makedirs(parts)
            for name in ("0000000010-1-0-0", "0000000002-1-0-1", "0000000002-1-0-0", "0000000002-1-1-0"):
                with open(os.path.join(parts, f"part-{name}.json"), "w") as file:
                    file.write(f"{name}\n")
            inputs.join_parts(parts, folder, 2)
            with open(os.path.join(folder, "files", "events-0.json")) as file:
                self.assertEqual(file.read(), "0000000002-1-0-0\n0000000002-1-0-1\n0000000010-1-0-0\n")
            with open(os.path.join(folder, "files", "events-1.json")) as file:
                self.assertEqual(file.read(), "0000000002-1-1-0\n")

    def test_a_slot_without_events_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "lines"))
            open(os.path.join(folder, "lines", "part-0000000001-1-0-0.json"), "w").close()
            with self.assertRaisesRegex(inputs.BenchError, "1 of 2 slots"):
                inputs.join_parts(os.path.join(folder, "lines"), folder, 2)


class Session:
    """Takes 25 CPU seconds a job, and more memory each time."""

    def __init__(self):
        self.runs = 0

    def run(self):
        self.runs += 1
        checkpoints = [{"state_bytes": 2**20, "milliseconds": self.runs}]
        return {"cpu_seconds": 25.0, "wall_seconds": 20.0, "peak_mib": 100 + self.runs, "checkpoints": checkpoints}


class Measurements(unittest.TestCase):
    def test_a_job_is_repeated_until_it_took_enough_cpu(self):
        measured = measure.measure(Session(), events=10, cpu_seconds=60)
        self.assertEqual((measured["events"], measured["cpu_seconds"], measured["peak_mib"]), (30, 75.0, 103))
        self.assertEqual(len(measured["checkpoints"]), 3)

    def test_the_first_run_does_not_count(self):
        session = Session()
        measured = measure.in_turn({"millstream": session}, events=10, pairs=2, cpu_seconds=0, say=lambda _: None)
        self.assertEqual(session.runs, 3)
        self.assertEqual([len(m["checkpoints"]) for m in measured["millstream"]], [1, 1])

    def test_figures_have_medians_and_ranges(self):
        runs = [{**measure.measure(Session(), 10, 0), "cpu_seconds": cpu} for cpu in (1, 4, 2)]
        figures = measure.summary(runs)
        self.assertEqual(figures["events_per_cpu_second"], {"median": 5.0, "low": 2.5, "high": 10.0})
        self.assertEqual(figures["checkpoint_mib"]["median"], 1.0)

    def test_a_job_without_checkpoints_has_no_figures_of_them(self):
        run = {**measure.measure(Session(), 10, 0), "checkpoints": []}
        self.assertNotIn("checkpoint_mib", measure.summary([run]))


def result(rate, peak=100.0, events=10):
    flat = lambda value: {"median": value, "low": value, "high": value}
    names = {"events_per_cpu_second": rate, "peak_mib": peak, "wall_seconds_per_million_events": 1.0}
    engine = {"figures": {name: flat(value) for name, value in names.items()}}
    entry = {"query": "q1", "parallelism": 1, "events": events, "engines": {"millstream": engine}}
    return {"machine": {"cpu": "one"}, "settings": {"input": {"source": "files"}}, "results": [entry]}


class Reports(unittest.TestCase):
    def test_a_rate_below_the_tolerance_is_a_regression(self):
        self.assertEqual(report.regressions(result(901.0), result(1000.0), 10), ([], []))
        worse, _ = report.regressions(result(899.0), result(1000.0), 10)
        self.assertEqual(worse, ["q1 at parallelism 1: events_per_cpu_second 1000 -> 899 (-10.1 %)"])

    def test_more_memory_is_a_regression(self):
        worse, _ = report.regressions(result(1.0, peak=111.0), result(1.0, peak=100.0), 10)
        self.assertEqual(worse, ["q1 at parallelism 1: peak_mib 100 -> 111 (+11.0 %)"])

    def test_other_inputs_are_not_compared_and_nothing_compared_is_no_success(self):
        worse, notes = report.regressions(result(1.0, events=20), result(1000.0), 10)
        self.assertEqual(worse, ["nothing could be compared with the baseline"])
        self.assertEqual(notes, ["q1 at parallelism 1: not compared, since the input was another one"])

    def test_another_machine_is_named(self):
        other = {**result(1.0), "machine": {"cpu": "two"}}
        self.assertIn("another machine", report.regressions(other, result(1.0), 10)[1][0])

    def test_the_table_has_the_ratio_of_both_engines(self):
        entry = result(1000.0)["results"][0]
        entry["engines"]["flink"] = copy.deepcopy(result(250.0, peak=400.0)["results"][0]["engines"]["millstream"])
        lines = report.rows(entry)
        self.assertEqual(len(lines), 2)
        self.assertIn("4.0 x, memory 0.25 x", lines[0])

    def test_what_slots_add_is_told_when_each_has_a_core(self):
        both = result(1000.0)
        more = copy.deepcopy(both["results"][0])
        more["parallelism"] = 2
        both["results"].append(more)
        for entry, wall in zip(both["results"], (3.0, 1.5)):
            figures = entry["engines"]["millstream"]["figures"]
            figures["wall_seconds_per_million_events"] = {"median": wall, "low": wall, "high": wall}
        self.assertEqual(report.speedups(both), [])
        both["settings"]["core_per_slot"] = True
        self.assertEqual(report.speedups(both), ["q1: 2.00 times the rate of parallelism 1 at 2"])

    def test_a_java_log_is_told_by_its_cause(self):
        log = "java.lang.RuntimeException: start\n\tat A\nCaused by: java.io.IOException: no space left\n\tat B\n"
        self.assertEqual(flink.root_cause(log), "Caused by: java.io.IOException: no space left")

    def test_a_taken_port_is_told_before_what_followed_from_it(self):
        log = "Caused by: java.net.BindException: in use\n\tat A\nCaused by: java.lang.ClassNotFoundException: B\n"
        self.assertRegex(flink.root_cause(log), "took a port .*: BindException: in use$")

    def test_the_first_size_within_a_tenth_of_the_best_rate_is_taken(self):
        self.assertEqual(flink.smallest_good({"1g": "too small", "2g": 120.0, "4g": 111.0, "6g": 100.0}), "4g")
        self.assertEqual(flink.smallest_good({"2g": 90.0, "4g": 100.0}), "2g")
        with self.assertRaisesRegex(flink.BenchError, "1g: too small"):
            flink.smallest_good({"1g": "too small"})


if __name__ == "__main__":
    unittest.main()
