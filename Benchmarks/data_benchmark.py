#!/usr/bin/env python3
"""The data path beside its peers: starts a PostgreSQL and a Redis of its own and runs every client in turn.
Prints one line a benchmark: name and nanoseconds an operation (wall time; `.cpu`: CPU time of the client), or bytes.

usage: data_benchmark.py DATA_BENCHMARKS [PGX_PEER] [--seconds N]
Servers listen on unix sockets in a temporary folder only and are stopped by pid. PostgreSQL runs with fsync off: this
measures clients, not disks. Peers that are not installed are left out.
"""
import argparse
import contextlib
import glob
import os
import pwd
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCALE = 10
ROWS = SCALE * 100_000
PYTHON = os.path.join(HERE, ".build", "python", "bin", "python3")
DATABASE = "bench"


def server_binaries():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    if not found:
        sys.exit("data_benchmark: no PostgreSQL server in /usr/lib/postgresql; apt-get install postgresql")
    return found[-1]


def as_server_user(command):
    """PostgreSQL refuses to run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *command] \
        if os.geteuid() == 0 else command


@contextlib.contextmanager
def postgres(folder):
    binaries, data = server_binaries(), os.path.join(folder, "data")
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(as_server_user([f"{binaries}/initdb", "-D", data, "-A", "trust", "-U", user, "--no-sync"]),
                   check=True, **quiet)
    settings = {"fsync": "off", "synchronous_commit": "off", "shared_buffers": "512MB", "max_connections": "300",
                "listen_addresses": "", "unix_socket_directories": folder, "logging_collector": "off"}
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    process = subprocess.Popen(as_server_user([f"{binaries}/postgres", "-D", data, *arguments]), **quiet)
    try:
        wait(lambda: subprocess.run(["psql", "-h", folder, "-U", user, "-c", "SELECT 1", "postgres"],
                                    check=False, **quiet).returncode == 0)
        subprocess.run(["createdb", "-h", folder, "-U", user, DATABASE], check=True, **quiet)
        subprocess.run(["pgbench", "-i", "-q", "-s", str(SCALE), "-h", folder, "-U", user, DATABASE],
                       check=True, **quiet)
        yield user
    finally:
        stop(process)


@contextlib.contextmanager
def redis(folder):
    path = os.path.join(folder, "redis.sock")
    process = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    try:
        wait(lambda: os.path.exists(path))
        yield path
    finally:
        stop(process)


def stop(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait(condition):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("data_benchmark: a server did not start within 60 s")
        time.sleep(0.02)


def child_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def report(name, wall, cpu=None):
    print(f"{name}\t{wall}", flush=True)
    if cpu is not None:
        print(f"{name}.cpu\t{cpu}", flush=True)


def run(command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def pgbench(folder, user, connections, seconds, port=None, name="pgbench"):
    used = child_seconds()
    command = ["pgbench", "-n", "-S", "-M", "prepared", "-c", str(connections), "-j", "1", "-T", str(seconds),
               "-h", folder, "-U", user, DATABASE]
    if port:
        command[1:1] = ["-p", port]
    output = run(command)
    count = int(re.search(r"number of transactions actually processed: (\d+)", output)[1])
    rate = float(re.search(r"tps = ([\d.]+)", output)[1])
    report(f"{name}.read.{connections}", 1e9 / rate, (child_seconds() - used) * 1e9 / count)


def pipelined(folder, user, connections, length, seconds):
    """pgbench's own pipelines: so many reads under one Sync, on so many connections."""
    script = os.path.join(folder, f"pipeline-{length}.sql")
    with open(script, "w") as file:
        file.writelines(f"\\set a{number} random(1, {ROWS})\n" for number in range(length))
        file.write("\\startpipeline\n")
        file.writelines(f"SELECT abalance FROM pgbench_accounts WHERE aid = :a{number};\n" for number in range(length))
        file.write("\\endpipeline\n")
    used = child_seconds()
    output = run(["pgbench", "-n", "-f", script, "-M", "prepared", "-c", str(connections), "-j", "1", "-T",
                  str(seconds), "-h", folder, "-U", user, DATABASE])
    count = int(re.search(r"number of transactions actually processed: (\d+)", output)[1]) * length
    rate = float(re.search(r"tps = ([\d.]+)", output)[1]) * length
    report(f"pgbench.pipeline.{length}", 1e9 / rate, (child_seconds() - used) * 1e9 / count)


@contextlib.contextmanager
def pgbouncer(folder, user):
    """In front of the server, transaction pooling. PgBouncer before 1.21 knows no prepared statements there."""
    if not shutil.which("pgbouncer"):
        yield None
        return
    port, own = "6543", os.path.join(folder, "bouncer")
    os.mkdir(own)
    with open(os.path.join(own, "users.txt"), "w") as file:
        file.write(f'"{user}" ""\n')
    with open(os.path.join(own, "bouncer.ini"), "w") as file:
        file.write(f"""[databases]
{DATABASE} = host={folder} dbname={DATABASE} user={user}
[pgbouncer]
listen_port = {port}
unix_socket_dir = {own}
auth_type = any
auth_file = {own}/users.txt
pool_mode = session
default_pool_size = 64
""")
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "postgres:postgres", own], check=True)
    process = subprocess.Popen(as_server_user(["pgbouncer", os.path.join(own, "bouncer.ini")]),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=own)
    try:
        wait(lambda: os.path.exists(os.path.join(own, f".s.PGSQL.{port}")))
        yield own, port
    finally:
        stop(process)


def two_figures(name, command):
    wall, cpu = map(float, run(command).split())
    report(name, wall, cpu)


def redis_benchmark(path, command, clients, pipeline):
    """redis-benchmark's keys are a byte longer than ours, its values as long."""
    requests = 200_000 * (1 if pipeline == 1 else 8)
    output = run(["redis-benchmark", "-s", path, "-t", command, "-c", str(clients), "-P", str(pipeline),
                  "-n", str(requests), "-d", "16", "-r", "10000", "--csv"])
    for line in output.splitlines():
        fields = [field.strip('"') for field in line.split(",")]
        if fields[0].upper() == command.upper():
            report(f"redis-benchmark.{command}.P{pipeline}", 1e9 / float(fields[1]))


def prepare_python():
    if not os.path.exists(PYTHON):
        made = subprocess.run([sys.executable, "-m", "venv", os.path.dirname(os.path.dirname(PYTHON))], check=False)
        if made.returncode != 0:
            return False
    command = [PYTHON, "-c", "import asyncpg, uvloop"]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return True
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "asyncpg", "uvloop"], check=False)
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("program")
    arguments.add_argument("pgx", nargs="?")
    arguments.add_argument("--seconds", type=int, default=2)
    options = arguments.parse_args()
    has_asyncpg = prepare_python()
    seconds = str(options.seconds)
    with tempfile.TemporaryDirectory(prefix="bench") as folder, postgres(folder) as user, redis(folder) as path:
        url = f"host={folder} user={user} dbname={DATABASE}"

        def ours(*what):
            sys.stdout.write(run([options.program, url, path, seconds, str(ROWS), *what]))
            sys.stdout.flush()

        for connections in (1, 8, 32):
            pgbench(folder, user, connections, options.seconds)
            ours("postgres.read", str(connections))
            if connections > 1:
                ours("postgres.read.x2", str(connections))
            if options.pgx:
                two_figures(f"pgx.read.{connections}", [options.pgx, url, str(connections), seconds, str(ROWS)])
            if has_asyncpg:
                two_figures(f"asyncpg.read.{connections}",
                            [PYTHON, os.path.join(HERE, "peers", "asyncpg_reads.py"), folder, "5432", user, DATABASE,
                             str(connections), seconds, str(ROWS)])
        with pgbouncer(folder, user) as bouncer:
            if bouncer:
                pgbench(bouncer[0], user, 8, options.seconds, port=bouncer[1], name="pgbouncer")
        pipelined(folder, user, 4, 16, options.seconds)
        ours("postgres.shared")
        ours("postgres.shared.x2")
        pipelined(folder, user, 2, 100, options.seconds)
        ours("postgres.batch")
        ours("postgres.batch.x2")
        ours("postgres.each")
        ours("postgres.each.x2")
        ours("postgres.acquire")
        ours("postgres.callers")
        ours("postgres.memory")
        for command in ("get", "set"):
            redis_benchmark(path, command, 50, 1)
            ours("redis", command, "50")
            redis_benchmark(path, command, 50, 16)
            ours("redis", command, "800")


main()
