"""From dataclasses to messages, whose fields have the same names."""
from __future__ import annotations

from typing import Any


def to_wire(value: Any, *without: str) -> dict[str, Any]:
    """The fields of a message, those that are empty and those without left out."""
    fields = {}
    for name in type(value).__slots__:
        content = getattr(value, name)
        if content and name not in without:
            fields[name.removesuffix("_")] = _to_wire(content)
    return fields


def _to_wire(content: Any) -> Any:
    if isinstance(content, (str, bytes, int)):
        return content
    if isinstance(content, (list, tuple)):
        return [_to_wire(item) for item in content]
    return to_wire(content)


def whole(content: Any) -> Any:
    """The same with every text fit for the wire, where text is UTF-8."""
    if isinstance(content, str):
        return content.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(content, list):
        return [whole(item) for item in content]
    if isinstance(content, dict):
        return {name: whole(item) for name, item in content.items()}
    return content
