"""What can go wrong in the centres' own terms. The edges turn these into words for people."""

from collections.abc import Sequence


class DomainError(Exception):
    """The root of them all. Its text is for developers and holds no personal data."""


class IncompleteForm(DomainError):  # noqa: N818 - a state of the form, not a fault
    """Answers are missing or cannot be used; `fields` names them in the order of asking."""

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = tuple(fields)
        super().__init__(f"missing or unusable: {', '.join(self.fields)}")


class UnknownPlace(DomainError):  # noqa: N818
    """No place has this code."""


class ReferenceDataMissing(DomainError):  # noqa: N818
    """The centres were never loaded: `python -m bot release` does it."""


class InvalidReferenceData(DomainError):  # noqa: N818
    """A reference data file contradicts itself; says which line."""
