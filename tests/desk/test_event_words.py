"""Whatever can happen to a request is told at the desk in words of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

from desk.pages.request_lines import EVENTS, SPOKEN

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "db/models/request.py", *(ROOT / "services").rglob("*.py")]


def _kinds() -> Iterator[str]:
    """Every kind that code writes out, or names by a constant of the same file."""
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = dict(_constants(tree))
        for node in ast.walk(tree):
            for kind in _named(node):
                value = constants.get(kind.id) if isinstance(kind, ast.Name) else kind
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.value


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            yield from ((name, node.value) for name in names)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def _named(node: ast.AST) -> Iterator[ast.expr]:
    """What is recorded, handed on as `kind`, or `kind` when nothing else is said."""
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name == "record":
            yield from node.args[:1]
        if name[:1].islower() or name[:1] == "_":  # no row of a table that has a kind too
            yield from (one.value for one in node.keywords if one.arg == "kind")
    if isinstance(node, ast.FunctionDef):
        given = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        yield from (default for one, default in given if one.arg == "kind" and default)
    if isinstance(node, ast.Dict):
        items = zip(node.keys, node.values, strict=True)
        yield from (value for key, value in items if key and ast.unparse(key) == "'kind'")


def test_every_kind_of_event_has_words_at_the_desk() -> None:
    kinds = set(_kinds())
    assert {"opened", "taken", "shown", "revealed", "person_file", "waiting_others"} <= kinds
    assert kinds - {*EVENTS, *SPOKEN} == set()
    assert "other" in EVENTS  # for what an older or a newer release has written
