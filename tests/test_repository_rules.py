"""Rules of the house that no linter knows, read from the tracked files themselves."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("bot", "db", "desk", "dialogs", "locales", "services", "simulator")
READS_ENVIRONMENT = {"bot/config.py"}
STARTS_TASKS = {"bot/supervision.py", "simulator/supervision.py"}
MOST_LINES = 400
# A file may be longer for a reason that is written here.
LONGER = {
    "db/migrations/versions/0002_requests_consent_and_delivery.py": "one step of the database",
    "db/models/request.py": "every move of a request beside the others",
}
TEXT = {".py", ".md", ".toml", ".txt", ".html", ".js", ".css", ".yml", ".cfg", ".example", ""}
# Where somebody happens to work says nothing to who reads this.
PLACES = re.compile(r"(?<![\w.~}])/(?:work|home|root|Users)/\w")
REGISTRIES = re.compile(
    r"(?:index-url|registry\s*=\s*http|https?://[\w.-]*(?:artifactory|nexus|pypi\.internal|proxy)[\w.-]*)"
)


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split("\0") if name and (REPOSITORY / name).is_file()]


def sources() -> Iterator[tuple[str, ast.Module]]:
    for name in tracked():
        if name.endswith(".py") and name.split("/")[0] in PACKAGES:
            yield name, ast.parse((REPOSITORY / name).read_text(encoding="utf-8"))


def attributes(tree: ast.Module, owner: str, names: set[str]) -> bool:
    """Whether `owner.name` is used, or one of the names is imported from the owner."""
    return any(
        (
            isinstance(node, ast.Attribute)
            and node.attr in names
            and isinstance(node.value, ast.Name)
            and node.value.id == owner
        )
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == owner
            and any(imported.name in names for imported in node.names)
        )
        for node in ast.walk(tree)
    )


def texts() -> Iterator[tuple[str, str]]:
    for name in tracked():
        if Path(name).suffix in TEXT and name != "tests/test_repository_rules.py":
            yield name, (REPOSITORY / name).read_text(encoding="utf-8")


def test_only_the_settings_read_the_environment() -> None:
    names = {"environ", "environb", "getenv", "putenv"}
    readers = {name for name, tree in sources() if attributes(tree, "os", names)}

    assert readers <= READS_ENVIRONMENT


def test_only_the_supervised_place_starts_tasks() -> None:
    starters = {name for name, tree in sources() if attributes(tree, "asyncio", {"create_task"})}

    assert starters <= STARTS_TASKS


def test_no_file_is_too_long_to_read_without_a_reason() -> None:
    long = {
        name
        for name in tracked()
        if name.endswith(".py")
        and len((REPOSITORY / name).read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }

    assert long <= set(LONGER)


@pytest.mark.parametrize("pattern", [PLACES, REGISTRIES], ids=["places", "registries"])
def test_no_file_names_somebody_s_machine(pattern: re.Pattern[str]) -> None:
    found = {name: match.group() for name, text in texts() if (match := pattern.search(text))}

    assert found == {}


def test_versions_are_pinned_once_each_and_sorted() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    names = [line.partition("==")[0] for line in lines]

    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert names == sorted(set(names), key=str.casefold)
