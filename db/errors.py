"""The root of what can go wrong in the centres' own terms; `services.errors` has the rest."""


class DomainError(Exception):
    """The root of them all. Its text is for developers and holds no personal data."""
