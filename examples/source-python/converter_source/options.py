"""Looks at options.

The converter checks them against the whole JSON Schema before it hands them over. What is checked here again is what a
plugin relies on: no unknown names, nothing missing, the right types, and the defaults filled in.
"""
from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator
from typing import Any

from .errors import Diagnostic, Kind

Schema = dict[str, Any]


def complete(schema: Schema) -> Schema:
    """A schema with what goes without saying: options are an object, and there are no others."""
    return {"type": "object", "additionalProperties": False, **schema}


def check(schema: Schema, text: bytes) -> dict[str, Any]:
    """The options in the text, with defaults. What is wrong with them is raised, one Diagnostic a mistake."""
    try:
        options = json.loads(text or b"{}")
    except ValueError as error:
        raise _wrong(f"the options are not JSON: {error}", "") from None
    faults = list(_faults(complete(schema), options, ""))
    if faults:
        raise faults[0] if len(faults) == 1 else ExceptionGroup("the options are wrong", faults)
    return options


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "integer": lambda v: not isinstance(v, bool) and (isinstance(v, int) or isinstance(v, float) and v.is_integer()),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
    "null": lambda v: v is None,
}


def _faults(schema: Schema, value: Any, path: str) -> Iterator[Diagnostic]:
    """What is wrong with a value. It never says what the value is: that may be a secret."""
    name = f"option {path[1:]!r}" if path else "the options"
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(_TYPES[t](value) for t in types):
        have = "have" if not path else "has"
        yield _wrong(f"{name} {have} to be of type {' or '.join(types)}", path)
        return
    if "enum" in schema and value not in schema["enum"]:
        yield _wrong(f"{name} has to be one of {', '.join(map(str, schema['enum']))}", path)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < schema.get("minimum", value):
            yield _wrong(f"{name} has to be {schema['minimum']} at least", path)
        if value > schema.get("maximum", value):
            yield _wrong(f"{name} has to be {schema['maximum']} at most", path)
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _faults(schema.get("items", {}), item, f"{path}/{i}")
    if isinstance(value, dict):
        yield from _faults_of_object(schema, value, path)


def _faults_of_object(schema: Schema, value: dict[str, Any], path: str) -> Iterator[Diagnostic]:
    known: dict[str, Schema] = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in known:
            yield from _faults(known[name], item, f"{path}/{_token(name)}")
        elif isinstance(others, dict):
            yield from _faults(others, item, f"{path}/{_token(name)}")
        elif others is False:
            yield _unknown(list(known), name, path)
    for name in schema.get("required", []):
        if name not in value:
            yield _wrong(f"option {f'{path}/{name}'[1:]!r} is missing", path, code="options_missing")
    for name, option in known.items():
        if name not in value and "default" in option:
            value[name] = json.loads(json.dumps(option["default"]))  # a copy: it is the caller's to change


def _unknown(known: list[str], name: str, path: str) -> Diagnostic:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        suggestion = f'did you mean "{near[0]}"?'
    elif known:
        suggestion = "the options are " + ", ".join(known)
    else:
        suggestion = "this plugin has no options"
    summary = f'there is no option "{name}"'
    return _wrong(summary, f"{path}/{_token(name)}", code="options_unknown", suggestion=suggestion)


def _wrong(summary: str, path: str, *, code: str = "options_invalid", suggestion: str = "") -> Diagnostic:
    return Diagnostic(summary, kind=Kind.INVALID, code=code, config_path=path, suggestion=suggestion)


def _token(name: str) -> str:
    """A name as a part of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")
