"""What can go wrong in the centres' own terms. The edges turn these into words for people."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from db.errors import DomainError
from db.models.request_moves import MoveNotAllowed

__all__ = [
    "AgenciesWait",
    "AlreadyTaken",
    "AnsweredMeanwhile",
    "ChangedMeanwhile",
    "DomainError",
    "EmptyText",
    "IncompleteForm",
    "InvalidReferenceData",
    "InvitationOver",
    "LockedOut",
    "MoveNotAllowed",
    "NoSuchAnswer",
    "NotAllowed",
    "QuestionNotFound",
    "ReasonTooShort",
    "ReferenceDataMissing",
    "RequestNotFound",
    "SessionNotFound",
    "StaffNameTaken",
    "StaffNotFound",
    "TakenMeanwhile",
    "TextTooLong",
    "UnknownCentre",
    "UnknownLanguage",
    "UnknownOutcome",
    "UnknownPlace",
    "UnknownUrgency",
    "UnusableCode",
    "UnusableForm",
    "UnusableHours",
    "UnusableRole",
    "UnusableUsername",
    "UsernameTaken",
    "WeakPassword",
    "WorksElsewhere",
    "WrongCode",
    "WrongSignIn",
]


class IncompleteForm(DomainError):  # noqa: N818 - a state of the form, not a fault
    """Answers are missing or cannot be used; `fields` names them in the order of asking."""

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = tuple(fields)
        super().__init__(f"missing or unusable: {', '.join(self.fields)}")


class UnusableForm(DomainError):  # noqa: N818
    """What was typed cannot be kept; `faults` says of each field why, in one word."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(faults)
        super().__init__(f"unusable: {', '.join(f'{at} {why}' for at, why in faults.items())}")


class ChangedMeanwhile(DomainError):  # noqa: N818
    """Somebody else changed it since the page was made that this comes from."""


class UnknownPlace(DomainError):  # noqa: N818
    """No place has this code."""


class UnknownCentre(DomainError):  # noqa: N818
    """No centre has this id."""


class ReferenceDataMissing(DomainError):  # noqa: N818
    """The centres were never loaded: `python -m bot release` does it."""


class InvalidReferenceData(DomainError):  # noqa: N818
    """A reference data file contradicts itself; says which line."""


class RequestNotFound(DomainError):  # noqa: N818
    """No request has this code, or it is not the asker's own."""


class EmptyText(DomainError):  # noqa: N818
    """A message of blanks only says nothing."""


class NothingChosen(DomainError):  # noqa: N818
    """Of several things one must be chosen."""


class TextTooLong(DomainError):  # noqa: N818
    """With what is said around it the text is longer than its channel carries in one message."""

    def __init__(self, length: int, most: int) -> None:
        self.length = length
        self.most = most
        super().__init__(
            f"the message is too long: {length} characters with what is said around it, of {most}"
        )


class AlreadyTaken(DomainError):  # noqa: N818
    """Somebody else was first; `name` is who."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__("somebody else has taken this request")


class AnsweredMeanwhile(DomainError):  # noqa: N818
    """A colleague wrote to the person after the page was read from which somebody replies."""


class TakenMeanwhile(DomainError):  # noqa: N818
    """The request became a colleague's after the page was read from which somebody replies."""


class AgenciesWait(DomainError):  # noqa: N818
    """It should be closed as referred, and an agency was not told yet, or has not answered."""


class ReasonTooShort(DomainError):  # noqa: N818
    """Words that give no reason to whoever reads them later."""


class NotAllowed(DomainError):  # noqa: N818
    """This member of staff may not do it: another centre's request, or a role that only looks."""


class WorksElsewhere(NotAllowed):
    """Whoever it should be given to does not work at its centre."""


class StaffNotFound(DomainError):  # noqa: N818
    """Nobody of this name works here."""


class StaffNameTaken(DomainError):  # noqa: N818
    """Somebody of this name works here already: names must tell people apart."""


class QuestionNotFound(DomainError):  # noqa: N818
    """This address was never asked that, or the question has no such answer."""


class NoSuchAnswer(QuestionNotFound):
    """The question is open, and has other answers: their `options`, under its `letter`."""

    def __init__(self, letter: str, options: Sequence[str]) -> None:
        self.letter = letter
        self.options = tuple(options)
        super().__init__("the question has no such answer")


class UnusableHours(DomainError):  # noqa: N818
    """Opening hours that cannot be understood; says where and why."""


class UnusableRole(DomainError):  # noqa: N818
    """There is no such role, or it works for one centre and none was named."""


class UnknownOutcome(DomainError):  # noqa: N818
    """A request ends in no such way."""


class UnknownUrgency(DomainError):  # noqa: N818
    """There is no such urgency."""


class UnusableUsername(DomainError):  # noqa: N818
    """Not 3 to 32 small Latin letters, digits, dots, dashes and lines, beginning with a letter."""


class UsernameTaken(DomainError):  # noqa: N818
    """Somebody else signs in under this name."""


class InvitationOver(DomainError):  # noqa: N818
    """The link is unknown, was used, was followed by a newer one, or its time is over."""


class WeakPassword(DomainError):  # noqa: N818
    """A password that is guessed; `reason` is short, long, username, common or same."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the password cannot be used: {reason}")


class WrongSignIn(DomainError):  # noqa: N818
    """No such username, or not its password: which of the two is not said."""


class WrongCode(DomainError):  # noqa: N818
    """Not the code of this moment, one that was used already, or no recovery code."""


class UnusableCode(WrongCode):
    """No code has so many digits, or it is none: nothing was tried, and nothing counts."""


class LockedOut(DomainError):  # noqa: N818
    """Too many wrong attempts: nothing is tried before `until`."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        super().__init__("too many wrong attempts")


class SessionNotFound(DomainError):  # noqa: N818
    """No session of theirs has this id."""


class UnknownLanguage(DomainError):  # noqa: N818
    """The desk does not speak it."""
