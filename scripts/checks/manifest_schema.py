"""Checks the JSON Schema that a host prints: it is a schema, accepts the manifest, and refuses a misspelt one."""

import copy
import json
import re
import subprocess
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """Reads YAML as 1.2 has it, like the kernel and editors: `on` and `yes` are text."""


Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")


def main():
    program, manifest = sys.argv[1:3]
    printed = subprocess.run([program, "schema"], capture_output=True, text=True, check=False)
    if printed.returncode != 0:
        sys.exit(f"{program} schema: exit code {printed.returncode}\n{printed.stderr}")
    schema = json.loads(printed.stdout)
    kind = jsonschema.validators.validator_for(schema, default=None)
    if kind is None:
        sys.exit("the schema does not say which JSON Schema it follows: '$schema' is missing or unknown")
    kind.check_schema(schema)
    validator = kind(schema)

    with open(manifest, encoding="utf-8") as file:
        document = yaml.load(file, Loader)
    problems = [f"{manifest}: {error.json_path}: {error.message}" for error in validator.iter_errors(document)]
    for path in mappings(document):
        misspelt = copy.deepcopy(document)
        at(misspelt, path)["no_such_key_anywhere"] = 1
        if path and path[0] in ("host", "logging", "plugins") and validator.is_valid(misspelt):
            problems.append(f"the schema accepts an unknown key under '{'.'.join(path)}'")
    print("\n".join(problems) or "the schema is valid, accepts the manifest and refuses unknown keys")
    sys.exit(1 if problems else 0)


def mappings(node, path=()):
    """The paths of all mappings in a document; those inside lists are left out."""
    if isinstance(node, dict):
        yield path
        for key, value in node.items():
            yield from mappings(value, (*path, key))


def at(node, path):
    for key in path:
        node = node[key]
    return node


if __name__ == "__main__":
    main()
