"""Fails on any dependency that the architecture does not allow.

Reads `swift package dump-package` and the import statements. The table of allowed arrows is LAYERS; the libraries that
more than one folder may import, with the reason, are SHARED.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What each kind of target may depend on.
LAYERS = {
    "system": set(),
    "kernel": {"system"},
    "library": {"system", "kernel", "library"},
    "plugin": {"system", "kernel", "library"},
    "kit": {"kernel", "library", "kit"},
    "host": {"kernel", "library", "kit", "plugin"},
    "test": {"host", "system", "kernel", "library", "kit", "plugin", "test"},
}

# What hosts and tests are made with; plugins and libraries do without it. MainstayCommandLine is a library: a plugin may
# bring a command.
KITS = {"MainstayEventsCommand", "MainstayTesting", "MainstayHTTPTesting"}

# Third-party modules that several folders import; every other one has a single home.
SHARED = {
    "AsyncHTTPClient": "calls to services outside, and the client that tails events",
    "ArgumentParser": "the commands, and the program that adds one",
    "HTTPTypes": "the vocabulary of routes",
    "Hummingbird": "the HTTP contract is written in its types",
    "Logging": "the logging contract of the ecosystem",
    "Metrics": "the metrics contract of the ecosystem",
    "NIOCore": "buffers and addresses",
    "NIOSSL": "TLS, of the server and of the Redis client",
    "NIOPosix": "event loops, for the server and for the client that tails it",
    "NIOHTTP1": "the words of HTTP errors and upgrades",
    "ServiceContextModule": "the context that a request's id and trace travel in",
    "Tracing": "the tracing contract of the ecosystem",
}
TOOLCHAIN = {
    "Swift", "Synchronization", "Glibc", "Musl", "Darwin", "Dispatch", "Foundation", "FoundationEssentials",
    "FoundationNetworking",
    "Testing", "XCTest", "PackageDescription", "_Concurrency", "Observation", "RegexBuilder",
}
IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|typealias|func|var|let)\s+)?(\w+)", re.MULTILINE)
# The scaffold's templates hold import statements that are not its own.
TEXTS = re.compile(r'"""\n.*?"""', re.DOTALL)


def kind(target):
    if target["type"] == "test":
        return "test"
    if target["type"] == "system":
        return "system"
    if target["type"] == "executable":
        return "host"
    if target["name"] == "MainstayKernel":
        return "kernel"
    if target["name"] in KITS:
        return "kit"
    return "plugin" if target["path"].startswith("Plugins/") else "library"


def own_dependencies(target):
    for dependency in target["dependencies"]:
        for key in ("byName", "target"):
            if key in dependency:
                yield dependency[key][0]


def imports(folder):
    for file in sorted((ROOT / folder).rglob("*.swift")):
        for module in IMPORT.findall(TEXTS.sub("", file.read_text())):
            yield file.relative_to(ROOT), module


def arrows(targets):
    """Arrows between our own targets: what the manifest declares, and what the sources import."""
    for target in targets.values():
        allowed, declared = LAYERS[kind(target)], set(own_dependencies(target))
        for name in sorted(declared & targets.keys()):
            if kind(targets[name]) not in allowed:
                yield (f"Package.swift: {target['name']} ({kind(target)}) depends on {name} ({kind(targets[name])}); "
                       f"a {kind(target)} may depend on: {', '.join(sorted(allowed)) or 'nothing of ours'}")
        if target["type"] == "system":
            continue
        for file, module in imports(target["path"]):
            if module in targets and module not in declared and module != target["name"]:
                yield f"{file}: imports {module}, which {target['name']} does not declare in Package.swift"


def homes(targets):
    """Each third-party library is imported in one folder, unless it is a shared vocabulary."""
    folders = {}
    for target in targets.values():
        if target["type"] in ("test", "system"):
            continue
        for file, module in imports(target["path"]):
            if module not in targets and module not in TOOLCHAIN and module not in SHARED:
                folders.setdefault(module, {}).setdefault(target["path"], file)
    for module, places in sorted(folders.items()):
        if len(places) > 1:
            yield f"{module} is imported in several folders: {', '.join(str(file) for file in places.values())}"


def kernel_is_light(targets):
    for file, module in imports(targets["MainstayKernel"]["path"]):
        if module.startswith("Foundation"):
            yield f"{file}: imports {module}; the kernel does without Foundation"


def plugins_are_complete(targets, products):
    for target in targets.values():
        if kind(target) != "plugin":
            continue
        if not (ROOT / target["path"] / "README.md").is_file():
            yield f"{target['path']}: a plugin has a README.md"
        if not any(target["name"] in product["targets"] for product in products):
            yield f"Package.swift: {target['name']} has no product, so no custom host can link it"


STOCK = re.compile(r'StockPlugin\(name: "(\w+)", product: "(\w+)", type: "(\w+)"')


def stock_plugins(targets):
    """`mainstay new host` knows each stock plugin by name, product and type."""
    source = ROOT / "Sources/CommandLine/Scaffold/StockPlugin.swift"
    listed = {product: (name, type) for name, product, type in STOCK.findall(source.read_text())}
    plugins = {target["name"]: target for target in targets.values() if kind(target) == "plugin"}
    for name in sorted(plugins.keys() ^ listed.keys()):
        where = "is missing in" if name in plugins else "is no plugin of Package.swift, but stands in"
        yield f"{name} {where} {source.relative_to(ROOT)}"
    for product in sorted(plugins.keys() & listed.keys()):
        name, type = listed[product]
        text = "\n".join(file.read_text() for file in (ROOT / plugins[product]["path"]).rglob("*.swift"))
        if not re.search(rf"public (?:struct|final class|actor) {type}\b", text):
            yield f"{plugins[product]['path']} declares no public type {type}, as {source.name} says"
        if f'name: "{name}"' not in text:
            yield f"{plugins[product]['path']} has no plugin named \"{name}\", as {source.name} says"


def main():
    # A build folder of its own: a build that is running holds the lock of the usual one.
    dump = subprocess.run(["swift", "package", "--scratch-path", ".build-tools/describe", "dump-package"], cwd=ROOT,
                          capture_output=True, text=True, check=False)
    if dump.returncode != 0:
        sys.exit(dump.stderr or "swift package dump-package failed")
    package = json.loads(dump.stdout)
    targets = {target["name"]: target for target in package["targets"]}
    problems = [
        *arrows(targets), *homes(targets), *kernel_is_light(targets),
        *plugins_are_complete(targets, package["products"]), *stock_plugins(targets),
    ]
    print("\n".join(problems) or f"{len(targets)} targets, every arrow is allowed")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
