"""The work of MetricsBenchmarks with Prometheus' client for Python. Prints one line a benchmark: name and nanoseconds."""

import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest


def row(name, operations, body):
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        body(operations)
        best = min(best, time.process_time() - start)
    print(f"python.{name}\t{best / operations * 1e9}")


def main():
    registry = CollectorRegistry()
    counter = Counter("a", "A.", registry=registry)
    row("inc", 200_000, lambda n: [counter.inc() for _ in range(n)])
    family = Counter("b", "B.", ["method", "route", "status"], registry=registry)
    for index in range(1000):
        family.labels("GET", f"/api/v1/r{index}", "200").inc()
    row("labelled", 100_000, lambda n: [family.labels("GET", "/api/v1/r500", "200").inc() for _ in range(n)])
    histogram = Histogram("c", "C.", registry=registry)
    row("observe", 100_000, lambda n: [histogram.observe(i % 1000 / 100) for i in range(n)])
    for count in (10_000, 100_000):
        registry = CollectorRegistry()
        requests = Counter("http_requests", "", ["method", "route", "status"], registry=registry)
        for index in range(count):
            requests.labels("GET", f"/api/v1/r{index // 10}", str(200 + index % 10)).inc(index)
        row(f"scrape.{count}", 1, lambda n: generate_latest(registry))


main()
