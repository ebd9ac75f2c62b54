"""A JSON schema of cases and studies, made from the program's own tables: editors complete and check YAML with it.
`python3 -m mudot.schema [-load FILE ...]` prints it, with the names that extensions add."""
from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any, Dict, List, Optional

from . import program

SYSTEMS = ("system_a", "system_b")  # blocks of blocks, in studies of two
RANGE = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
Schema = Dict[str, Any]


def tables(load: program.Load = None) -> Dict[str, Any]:
    """What `mudot list --json` prints."""
    text = subprocess.run(program.command(["list", "--json", *program.loads(load)]), capture_output=True, text=True, check=True).stdout
    return json.loads(text)


def scalar(key: Dict[str, Any], lists: Dict[str, Any]) -> Schema:
    """One value of a key, or of a number that a name needs.

    >>> scalar({"type": "number", "minimum": 0}, {})
    {'type': 'number', 'minimum': 0}
    """
    if key.get("value") == "INTERVAL":
        return {"anyOf": [{"type": "string"}, {"type": "number"}, {"const": False}]}
    schema: Schema = {"type": key["type"], **{word: key[word] for word in RANGE if word in key}}
    names = named(key, lists)
    if names and key["type"] == "number":  # or a word that stands for one
        return {"anyOf": [schema, {"enum": names}]}
    if names:
        schema["enum"] = names
    return schema


def named(key: Dict[str, Any], lists: Dict[str, Any]) -> Optional[List[str]]:
    """The words that are allowed: those of the key, or the names of the table that its line mentions."""
    if key.get("allowed"):
        return key["allowed"]
    table = re.search(r"mudot list ([a-z_]+)", key.get("doc", ""))
    if not table or table.group(1) not in lists:
        return None
    default = re.search(r"default ([a-z_]+)", key["doc"])
    return [row["name"] for row in lists[table.group(1)]] + ([default.group(1)] if default else [])


def value(key: Dict[str, Any], lists: Dict[str, Any]) -> Schema:
    """A key: one value, or as many as it takes in a list."""
    one = scalar(key, lists)
    schema = one
    if key.get("items", 1) != 1:
        several: Schema = {"type": "array", "items": one}
        if key["items"]:
            several["maxItems"] = key["items"]
        schema = {"anyOf": [one, several]}
    return {**schema, "description": key["doc"]}


def summand(row: Dict[str, Any], kernel: Schema) -> Schema:
    """An energy or a geometry: a weight, a mapping with numbers of its own, or a list of them."""
    own: Dict[str, Schema] = {"weight": {"type": "number"}, "kernel": kernel}
    for parameter in row["parameters"]:
        own[parameter["name"]] = {**scalar(parameter, {}), "description": parameter["doc"]}
    mapping: Schema = {"type": "object", "properties": own, "additionalProperties": False}
    one: Schema = {"anyOf": [{"type": "number"}, mapping]}
    return {"anyOf": [*one["anyOf"], {"type": "array", "items": one}], "description": row["formula"]}


def blocks(lists: Dict[str, Any]) -> Dict[str, Dict[str, Schema]]:
    """Block -> key -> schema."""
    found: Dict[str, Dict[str, Schema]] = {}
    for key in lists["keys"]:
        name = key["name"][len(key["block"]) + 1:]
        if "NAME" not in name and name != "BLOCK_KEY":
            found.setdefault(key["block"], {})[name] = value(key, lists)
    for block, table in (("energy", "energies"), ("geometry", "geometries")):
        for row in lists[table]:
            found[block][row["name"]] = summand(row, {"$ref": "#/properties/kernel"})
    return found


def schema(load: program.Load = None) -> Schema:
    """The schema as a mapping; `load`: with what these extensions add."""
    lists = tables(load)
    properties = {block: {"type": "object", "properties": keys, "additionalProperties": False}
                  for block, keys in blocks(lists).items()}
    system = {block: {"$ref": f"#/properties/{block}"} for block in properties if block != "study"}
    for block in SYSTEMS:
        properties[block] = {"type": "object", "properties": system, "additionalProperties": False}
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": f"A case or study of mudot {lists['mudot_version']}",
            "type": "object", "properties": properties, "additionalProperties": False}


if __name__ == "__main__":
    print(json.dumps(schema([word for word in sys.argv[1:] if word.lstrip("-") != "load"]), indent=1))
