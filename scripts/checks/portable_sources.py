"""Fails if a file of the repository names something of the machine it is checked on, or of a developer's home.

Paths: homes, and where this clone lies. Hosts: those that this machine's own configuration sends package managers to,
other than the public ones.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PUBLIC = ("pypi.org", "pythonhosted.org", "debian.org", "github.com", "swift.org", "golang.org", "npmjs.org",
          "localhost", "127.0.0.1")
HOMES = re.compile(r"(?<![\w.$}/-])(?:/home/[a-z]|/Users/[A-Z]|/root/\S|/work/\S|/workspace/\S|[A-Z]:\\Users)")
SETTINGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "GOPROXY", "npm_config_registry", "http_proxy", "https_proxy",
            "HTTP_PROXY", "HTTPS_PROXY", "SWIFTPM_REGISTRY_URL")


def output(*command):
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def hosts():
    """Registry hosts and proxies of this machine."""
    sources = [os.environ.get(name, "") for name in SETTINGS]
    sources += [output("git", "config", "--get-regexp", r"url\..*\.insteadof"), output("pip", "config", "list")]
    found = set(re.findall(r"https?://(?:[^/\s@'\"]*@)?([\w.-]+)", "\n".join(sources)))
    return {host for host in found if not host.endswith(PUBLIC)}


def tracked():
    names = output("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def main():
    files = tracked()
    if not files:
        sys.exit("git lists no files here: run this in a clone")
    foreign = {str(ROOT), *hosts()}
    problems = []
    for name in files:
        if name == str(pathlib.Path(__file__).resolve().relative_to(ROOT)):
            continue
        try:
            lines = (ROOT / name).read_text().splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            # Public conformance suites are kept as they are; their regular expressions look like home folders.
            homes = [] if "/Fixtures/" in name else [match.group() for match in HOMES.finditer(line)]
            hits = homes + [text for text in foreign if text in line]
            problems += [f"{name}:{number}: names '{hit}', which is of one machine only" for hit in hits]
    print("\n".join(problems) or f"{len(files)} files, none names a machine")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
