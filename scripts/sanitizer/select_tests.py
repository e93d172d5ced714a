"""Writes a package description with only the named test targets and what they need, from `swift package dump-package`.

    select_tests.py TARGET… <description.json >Package.swift
"""
import json
import sys


def dependency(entry):
    """(what stands in the manifest, our target or None, the package or None)"""
    if "byName" in entry:
        return f'"{entry["byName"][0]}"', entry["byName"][0], None
    if "target" in entry:
        return f'"{entry["target"][0]}"', entry["target"][0], None
    name, package = entry["product"][:2]
    return f'.product(name: "{name}", package: "{package}")', None, package


def closure(targets, wanted):
    needed, waiting = [], list(wanted)
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.append(name)
        waiting += [own for _, own, _ in map(dependency, targets[name]["dependencies"]) if own in targets]
    return [target for target in targets.values() if target["name"] in needed]


def described(target):
    kind = {"test": "testTarget", "system": "systemLibrary", "executable": "executableTarget"}.get(target["type"], "target")
    parts = [f'name: "{target["name"]}"']
    if kind != "systemLibrary":
        parts.append("dependencies: [" + ", ".join(dependency(entry)[0] for entry in target["dependencies"]) + "]")
    parts.append(f'path: "{target["path"]}"')
    if kind == "systemLibrary":
        if target.get("pkgConfig"):
            parts.append(f'pkgConfig: "{target["pkgConfig"]}"')
    else:
        parts.append("exclude: " + json.dumps(target["exclude"]))
        if target.get("resources"):
            parts.append("resources: [" + ", ".join(f'.copy("{one["path"]}")' for one in target["resources"]) + "]")
        parts.append("swiftSettings: settings")
    return f"    .{kind}({', '.join(parts)}),"


def location(entry):
    source = entry["sourceControl"][0]
    url = source["location"]["remote"][0]
    url = url["urlString"] if isinstance(url, dict) else url
    return source["identity"], url, source["requirement"]["range"][0]["lowerBound"]


def main():
    package = json.load(sys.stdin)
    targets = {target["name"]: target for target in package["targets"]}
    unknown = [name for name in sys.argv[1:] if targets.get(name, {}).get("type") != "test"]
    if unknown:
        tests = [name for name, target in targets.items() if target["type"] == "test"]
        sys.exit(f"there is no test target {', '.join(unknown)}; there are: {', '.join(tests)}")
    chosen = closure(targets, sys.argv[1:])
    used = {package for target in chosen for _, _, package in map(dependency, target["dependencies"]) if package}
    print("// swift-tools-version: 6.2\nimport PackageDescription\n")
    print("let settings: [SwiftSetting] = [\n  .swiftLanguageMode(.v6), .define(\"TLS\"), .define(\"JWT\"),")
    for feature in ("ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility"):
        print(f'  .enableUpcomingFeature("{feature}"),')
    print("]\n\nlet package = Package(\n  name: \"sanitized\",\n  dependencies: [")
    for identity, url, version in map(location, package["dependencies"]):
        if identity in used:
            print(f'    .package(url: "{url}", from: "{version}"),')
    print("  ],\n  targets: [")
    print("\n".join(map(described, chosen)))
    print("  ]\n)")


main()
