"""Checks what a program sends against the published schema, and gives it its types.

Parameters come as JSON, as form fields or as multipart, where numbers are strings and objects are
JSON inside strings; behind this door every method sees the same Python values.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.telegram.errors import BotApiError, bad_request

_SCHEMA = json.loads(Path(__file__).with_name("bot_api.json").read_text(encoding="utf-8"))
_METHODS: dict[str, dict[str, Any]] = _SCHEMA["methods"]
_TYPES: dict[str, dict[str, Any]] = _SCHEMA["types"]
_NAMES = {name.lower(): name for name in _METHODS}

_PRIMITIVES = {"Integer", "Float", "String", "Boolean", "InputFile"}
_MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "message_id": "message identifier is not specified",
    "message_ids": "message identifiers are not specified",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "voice": "there is no voice in the request",
    "audio": "there is no audio in the request",
    "callback_query_id": ("query is too old and response timeout expired or query ID is invalid"),
    "file_id": "file_id not specified",
}
_WRONG = {
    "chat_id": "chat not found",
    "message_id": "message identifier is not specified",
    "reply_markup": "object expected as reply markup",
}


@dataclass(frozen=True)
class Upload:
    """A file that came in the multipart body."""

    name: str | None
    mime: str | None
    data: bytes


@dataclass(frozen=True)
class Call:
    """One checked call of a method; absent optional parameters are absent."""

    method: str
    params: dict[str, Any]
    uploads: dict[str, Upload]

    def get(self, name: str, default: Any = None) -> Any:
        return self.params.get(name, default)

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    def resolve_file(self, value: str | Upload) -> str | Upload:
        """An upload for `attach://name`; what is not attached is given back as it is.

        Raises BotApiError when nothing of that name is attached.
        """
        if isinstance(value, str) and value.startswith("attach://"):
            attached = self.uploads.get(value.removeprefix("attach://"))
            if attached is None:
                raise bad_request("wrong file identifier/HTTP URL specified")
            return attached
        return value


class _MismatchError(Exception):
    """A value is not of the type; the message says what is wrong inside."""


def check_call(method: str, raw: dict[str, Any], uploads: dict[str, Upload]) -> Call:
    """A call with typed parameters. Method names are matched without regard to case.

    Raises BotApiError: 404 for an unknown method, 400 for a missing or wrong parameter.
    """
    name = _NAMES.get(method.lower())
    if name is None:
        raise BotApiError(404, "Not Found: method not found")
    params = {}
    for field, spec in _METHODS[name].items():
        value = uploads.get(field, raw.get(field))
        if value is None or (value == "" and spec["types"] != ["String"]):
            if spec["required"]:
                raise bad_request(_MISSING.get(field, f'parameter "{field}" is required'))
            continue
        try:
            params[field] = _convert(value, spec["types"])
        except _MismatchError as error:
            raise bad_request(_wording(field, spec["types"], error)) from None
    return Call(name, params, uploads)


def _wording(field: str, types: list[str], error: _MismatchError) -> str:
    if inside := str(error):
        return inside
    if field in _WRONG:
        return _WRONG[field]
    nested = not set(types) <= _PRIMITIVES
    return f"can't parse {field} JSON object" if nested else f"invalid {field} specified"


def _convert(value: Any, types: list[str]) -> Any:
    nested = [t for t in types if t not in _PRIMITIVES]
    if nested and isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _MismatchError from None
    if nested and isinstance(value, dict):
        return _convert_object(value, _choose(value, nested))
    if nested and isinstance(value, list) and nested[0].startswith("Array of "):
        return [_convert_item(item, nested[0].removeprefix("Array of ")) for item in value]
    for kind in types:
        if kind in _PRIMITIVES and (converted := _primitive(value, kind)) is not None:
            return converted
    raise _MismatchError


def _convert_item(item: Any, kind: str) -> Any:
    if kind == "KeyboardButton" and isinstance(item, str):
        return {"text": item}
    if isinstance(item, str) and kind not in _PRIMITIVES:
        raise _MismatchError
    return _convert(item, [kind])


def _primitive(value: Any, kind: str) -> Any:
    """The value as that type, None when it is not of it."""
    if isinstance(value, Upload):
        return value if kind == "InputFile" else None
    if kind == "Boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    if kind == "Integer":
        return int(text) if re.fullmatch(r"\s*[+-]?[0-9]{1,19}\s*", text) else None
    if kind == "Float":
        return float(text) if re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{0,30})?", text) else None
    return text


def _choose(value: dict[str, Any], kinds: list[str]) -> str:
    """The type among several that the object is meant to be: by `type`, else by what it has."""
    options: list[str] = [s for kind in kinds for s in _TYPES.get(kind, {}).get("subtypes", [kind])]
    for kind in options:
        fields = _TYPES.get(kind, {}).get("fields", {})
        const = fields.get("type", {}).get("const")
        if const is not None and value.get("type") == const:
            return kind
        required = [name for name, spec in fields.items() if spec["required"]]
        if const is None and all(name in value for name in required):
            return kind
    if len(options) == 1 and options[0] in _TYPES:
        return options[0]
    raise _MismatchError


def _convert_object(value: dict[str, Any], kind: str) -> dict[str, Any]:
    converted = {}
    for field, spec in _TYPES[kind]["fields"].items():
        inner = value.get(field)
        if inner is None:
            if spec["required"]:
                raise _MismatchError(_field_error(kind, field, spec["types"][0]))
            continue
        try:
            converted[field] = _convert_strictly(inner, spec["types"])
        except _MismatchError as error:
            raise _MismatchError(
                str(error) or _field_error(kind, field, spec["types"][0])
            ) from None
    return converted


def _convert_strictly(value: Any, types: list[str]) -> Any:
    """Inside an object there are no strings holding JSON."""
    if isinstance(value, str) and not set(types) & _PRIMITIVES:
        raise _MismatchError
    return _convert(value, types)


def _field_error(kind: str, field: str, expected: str) -> str:
    what = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()
    return f'can\'t parse {what}: Field "{field}" must be of type {expected}'
