#!/usr/bin/env python3
"""Benchmarks that need a running host: boot, idle memory, /health beside a bare Hummingbird route.
Prints one line a benchmark: name and nanoseconds, or bytes.

usage: host_benchmark.py MAINSTAY BARE_HUMMINGBIRD
Needs wrk (Debian). Servers listen on 127.0.0.1 only and are stopped by pid.
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
                if answer.status == 200:
                    return answer.read()
        except OSError:
            time.sleep(0.0005)
    raise SystemExit("server did not answer")


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_megabytes(pid):
    text = open(f"/proc/{pid}/status").read()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024


def start_host(binary, folder):
    port = free_port()
    manifest = os.path.join(folder, "host.yaml")
    with open(manifest, "w") as file:
        file.write(
            "logging: { level: warning }\n"
            f"plugins:\n  http: {{ port: {port}, access_log: false }}\n  health: {{ detail_access: open }}\n"
            "  metrics: {}\n  retry: {}\n  validator: {}\n  templates: {}\n  pool: {}\n")
    # Without a database: what is measured is the host.
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    process = subprocess.Popen(
        [binary, "run", "--quiet", manifest], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    return process, port


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)


def load(port, pid, seconds=4):
    before = cpu_seconds(pid)
    out = subprocess.run(
        ["wrk", "-t1", "-c64", f"-d{seconds}s", f"http://127.0.0.1:{port}/health"], capture_output=True, text=True,
        check=True).stdout
    used = cpu_seconds(pid) - before
    requests = int(re.search(r"(\d+) requests in", out)[1])
    if "Non-2xx" in out:
        raise SystemExit(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), used / requests * 1e6


def boot(mainstay, folder):
    """One start: until the first answer, until ready as the host tells it, and the memory a second later."""
    began = time.monotonic()
    process, port = start_host(mainstay, folder)
    wait_for(port, process)
    print(f"host.boot\t{(time.monotonic() - began) * 1e9}")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/comprehensive") as answer:
        print(f"host.ready\t{json.load(answer)['start']['milliseconds'] * 1e6}")
    time.sleep(1)
    print(f"host.memory\t{rss_megabytes(process.pid) * 1048576}")
    stop(process)


def main():
    mainstay, bare = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(5):
            boot(mainstay, folder)
        host, host_port = start_host(mainstay, folder)
        size = len(wait_for(host_port, host))
        bare_port = free_port()
        peer = subprocess.Popen([bare, str(bare_port), str(size)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(bare_port, peer)
        for _ in range(3):
            for name, port, process in (("host", host_port, host), ("bare", bare_port, peer)):
                rate, cpu = load(port, process.pid)
                print(f"{name}.health.wall\t{1e9 / rate}\n{name}.health.cpu\t{cpu * 1e3}")
        stop(host)
        stop(peer)


main()
