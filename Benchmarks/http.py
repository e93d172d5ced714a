#!/usr/bin/env python3
"""Rows that need a running host: boot, idle memory, /health beside a bare Hummingbird route.

usage: http.py MAINSTAY BARE_HUMMINGBIRD
Needs wrk (Debian). Servers listen on 127.0.0.1 only and are stopped by pid.
"""
import os
import re
import signal
import socket
import statistics
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
            f"plugins:\n  http: {{ port: {port}, access_log: false }}\n  health: {{}}\n")
    process = subprocess.Popen(
        [binary, "run", "--quiet", manifest], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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


def main():
    mainstay, bare = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        boots, memory = [], []
        for _ in range(7):
            began = time.monotonic()
            process, port = start_host(mainstay, folder)
            size = len(wait_for(port, process))
            boots.append((time.monotonic() - began) * 1e3)
            time.sleep(1)
            memory.append(rss_megabytes(process.pid))
            stop(process)
        print(f"boot of the full host, exec to first 200\tms\t{statistics.median(boots):.1f}")
        print(f"resident memory of the idle full host\tMB\t{statistics.median(memory):.1f}")
        ours, peers, cpu_ours, cpu_peers = [], [], [], []
        host, host_port = start_host(mainstay, folder)
        bare_port = free_port()
        peer = subprocess.Popen([bare, str(bare_port), str(size)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(host_port, host)
        wait_for(bare_port, peer)
        for _ in range(5):
            rate, cpu = load(host_port, host.pid)
            ours.append(rate)
            cpu_ours.append(cpu)
            rate, cpu = load(bare_port, peer.pid)
            peers.append(rate)
            cpu_peers.append(cpu)
        stop(host)
        stop(peer)
        ratio = statistics.median(a / b for a, b in zip(ours, peers))
        print(f"/health requests/s\t1/s\t{statistics.median(ours):.0f}")
        print(f"bare Hummingbird route\t1/s\t{statistics.median(peers):.0f}")
        print(f"/health against bare Hummingbird\tratio\t{ratio:.2f}")
        print(f"/health CPU a request\tµs\t{statistics.median(cpu_ours):.1f}")
        print(f"bare Hummingbird CPU a request\tµs\t{statistics.median(cpu_peers):.1f}")


main()
