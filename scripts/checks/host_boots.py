"""Boots a host on a free port, asks it, and stops it.

    host_boots.py PROGRAM MANIFEST [PATH=TEXT]…

The probes answer 200, a path that does not exist answers with a problem document, /openapi.json is a valid OpenAPI
document, each PATH answers 200 with TEXT in its body, and SIGTERM ends the process with exit code 0.
"""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import openapi_spec_validator

# Bounds for a machine under load; what takes that long is stuck.
START, STOP = 60, 60


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def fetch(port, path):
    """Status, media type and body."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read().decode()


def wait_until_ready(host, port):
    limit = time.monotonic() + START
    while time.monotonic() < limit:
        if host.poll() is not None:
            return f"the host ended with exit code {host.returncode} before it was ready"
        try:
            if fetch(port, "/ready")[0] == 200:
                return None
        except OSError:
            pass
        time.sleep(0.05)
    return f"the host was not ready within {START} s"


def questions(port, expected):
    for path in ("/health", "/live", "/ready"):
        status, _, body = fetch(port, path)
        if status != 200:
            yield f"GET {path}: status {status}, expected 200: {body[:500]}"
    status, kind, _ = fetch(port, "/no/such/path")
    if (status, kind) != (404, "application/problem+json"):
        yield f"GET /no/such/path: {status} {kind}, expected 404 application/problem+json"
    status, _, body = fetch(port, "/openapi.json")
    if status != 200:
        yield f"GET /openapi.json: status {status}, expected 200"
    else:
        document = json.loads(body)
        openapi_spec_validator.validate(document)
        for path in ("/health", "/live", "/ready", *(path.split("?")[0] for path, _ in expected)):
            if path not in document["paths"]:
                yield f"/openapi.json does not mention {path}"
    for path, text in expected:
        status, _, body = fetch(port, path)
        if status != 200 or text not in body:
            yield f"GET {path}: {status} {body[:200]!r}, expected 200 and {text!r}"


def stop(host):
    host.send_signal(signal.SIGTERM)
    try:
        code = host.wait(timeout=STOP)
    except subprocess.TimeoutExpired:
        host.kill()
        return [f"the host did not end within {STOP} s of SIGTERM"]
    return [] if code == 0 else [f"exit code {code} after SIGTERM, expected 0"]


def main():
    program, manifest = sys.argv[1:3]
    expected = [tuple(argument.rsplit("=", 1)) for argument in sys.argv[3:]]
    port = free_port()
    with tempfile.TemporaryFile("w+") as printed:
        host = subprocess.Popen(
            [program, "run", manifest, "--set", f"http.port={port}"], stdout=printed, stderr=subprocess.STDOUT)
        problems = []
        try:
            failure = wait_until_ready(host, port)
            problems = [failure] if failure else list(questions(port, expected))
        except Exception as error:  # whatever is wrong with an answer is reported, and the host is stopped
            problems = [f"{type(error).__name__}: {error}"]
        finally:
            problems += stop(host) if host.poll() is None else []
        if problems:
            printed.seek(0)
            problems.append("the host printed:\n" + printed.read()[-4000:])
    print("\n".join(problems) or f"{program} booted, answered and stopped")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
