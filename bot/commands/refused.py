"""What a command says when it cannot do it; apart, since every start of the program knows it."""


class CommandRefused(Exception):  # noqa: N818 - an answer, not a fault
    """The command cannot do it; the text says in one line why."""
