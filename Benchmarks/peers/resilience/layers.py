"""The work of ResilienceBenchmarks with tenacity and pybreaker. Prints one line a benchmark: name and nanoseconds."""

import time

import pybreaker
import tenacity


def row(name, operations, body):
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(operations):
            body()
        best = min(best, time.process_time() - start)
    print(f"{name}\t{best / operations * 1e9}")


def work():
    return 1


def down():
    raise ConnectionError


def main():
    closed = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=60)
    row("pybreaker.permit", 50_000, lambda: closed.call(work))
    broken = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=3600)

    def refused():
        try:
            broken.call(down)
        except (pybreaker.CircuitBreakerError, ConnectionError):
            pass

    refused()
    row("pybreaker.rejection", 50_000, refused)
    wait = tenacity.wait_random_exponential(multiplier=1, max=10)
    retry = tenacity.Retrying(stop=tenacity.stop_after_attempt(3), wait=wait, reraise=True)
    row("tenacity.retry", 20_000, lambda: retry(work))
    row("tenacity-pybreaker.pipeline", 20_000, lambda: retry(lambda: closed.call(work)))


main()
