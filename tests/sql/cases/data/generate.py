#!/usr/bin/env python3
"""Writes orders.csv and sensors.json, the two larger inputs of the golden cases. The same bytes every time, on any machine.

orders.csv    1,500 rows over about 50 minutes; few customers buy much, most little; up to 20 s out of order; with a watermark
              of 20 s behind the newest row none is late, with one of 5 s several are; nulls in every column but id and ts.
sensors.json  1,200 readings of 7 devices over 20 minutes; temperatures are multiples of 1/8, so that sums are exact in any order.
"""

import datetime
import json
import pathlib

FOLDER = pathlib.Path(__file__).parent
START = datetime.datetime(2024, 5, 1, 8, 0, 0)


class Random:
    """A linear congruential generator (Knuth's MMIX constants): unlike Python's own it can never change."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound


def orders(random):
    milliseconds = 0
    for number in range(1500):
        milliseconds += random.below(4000)
        at = START + datetime.timedelta(milliseconds=milliseconds - random.below(20000) * (random.below(4) == 0))
        # The product of two draws is small more often than large: that is the skew.
        customer = f"c{random.below(8) * random.below(8)}" if random.below(30) else "NULL"
        product = ["apple", "bread", "cheese", "dates", "eggs", "flour"][random.below(6)] if random.below(25) else "NULL"
        quantity = random.below(12) - 1 if random.below(20) else "NULL"
        price = f"{random.below(10000) / 100:.2f}" if random.below(40) else "NULL"
        country = ["DE", "FR", "IT", "日本"][random.below(4)]
        yield f"{number},{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d},{customer},{product},{quantity},{price},{country}\n"


def sensors(random):
    for number in range(1200):
        at = START + datetime.timedelta(seconds=number, milliseconds=random.below(1000))
        reading = {"device": f"d{random.below(7)}", "at": f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"}
        if random.below(15):
            reading["temperature"] = (random.below(400) - 80) / 8
        reading["status"] = ["ok", "ok", "ok", "warn", "fail"][random.below(5)]
        if random.below(3):
            reading["count"] = random.below(1000)
        yield json.dumps(reading) + "\n"


def main():
    (FOLDER / "orders.csv").write_text("".join(orders(Random(20240501))), encoding="utf-8")
    (FOLDER / "sensors.json").write_text("".join(sensors(Random(7))), encoding="utf-8")


main()
