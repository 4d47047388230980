"""Who gets cards at all, and who comes after whom."""

from typing import Final

CARD_ROLES: Final = ("case_worker", "safety_focal_point", "centre_manager", "administrator")
"""Auditors get none: they answer nobody."""

WORKER, OWNER, MANAGER, ADMINISTRATOR = "worker", "owner", "manager", "administrator"
LADDER: Final = (WORKER, OWNER, MANAGER, ADMINISTRATOR)
"""Owner and workers stand on the same step: a request that has an owner is told to the owner."""
_ABOVE: Final = {WORKER: MANAGER, OWNER: MANAGER, MANAGER: ADMINISTRATOR}


def levels_above(level: str) -> tuple[str, ...]:
    """Who is told when nobody of this level looks, the nearest first."""
    above = _ABOVE.get(level)
    return () if above is None else (above, *levels_above(above))
