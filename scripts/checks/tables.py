"""Compares the tables of keys in the plugins' READMEs with what the plugins declare.

    tables.py PROGRAM            fails where they differ
    tables.py PROGRAM --update   rewrites them

A table stands between the lines `<!-- keys -->` and `<!-- /keys -->` of Plugins/*/README.md.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(<!-- keys -->\n)(.*?)(<!-- /keys -->)", re.DOTALL)
NAME = re.compile(r'PluginManifest\(\s*name: "(\w+)"')


def run(program, *arguments):
    result = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{program} {' '.join(arguments)}: exit code {result.returncode}\n{result.stderr}")
    return result.stdout


def plugin_of(folder):
    """The plugin's name, from its declaration."""
    names = {name for file in folder.rglob("*.swift") for name in NAME.findall(file.read_text())}
    return names.pop() if len(names) == 1 else None


def main():
    program, update = sys.argv[1], "--update" in sys.argv[2:]
    linked = {plugin["name"] for plugin in json.loads(run(program, "plugins", "--json"))}
    problems, seen = [], set()
    for readme in sorted(ROOT.glob("Plugins/*/README.md")):
        where, name = readme.relative_to(ROOT), plugin_of(readme.parent)
        text = readme.read_text()
        if name not in linked:
            problems.append(f"{where}: the folder declares no plugin that {program} links")
            continue
        seen.add(name)
        if len(BLOCK.findall(text)) != 1:
            problems.append(f"{where}: needs one pair of lines <!-- keys --> and <!-- /keys --> for its table of keys")
            continue
        table = run(program, "schema", "--table", name).strip()
        new = BLOCK.sub(lambda match: f"{match[1]}{table}\n{match[3]}", text)
        if new == text:
            continue
        if update:
            readme.write_text(new)
            print(f"{where}: rewritten")
        else:
            problems.append(f"{where}: the table is not what the plugin declares; run scripts/update-tables")
    problems += [f"the plugin '{name}' has no README with a table" for name in sorted(linked - seen)]
    print("\n".join(problems) or f"{len(seen)} tables agree with what the plugins declare")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
