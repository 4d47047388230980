"""Why something was not asked, not given or not found. The edges turn these into words."""

from services.errors import DomainError


class ReferralNotFound(DomainError):  # noqa: N818
    """There is no such referral, or it is not the asker's to see."""


class RecallNotFound(DomainError):  # noqa: N818
    """No agency of the asker's centre has to be told under this id."""


class NotGivable(DomainError):  # noqa: N818
    """Nothing may be given to the agency; `reason` is one of `services.referrals.gate`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"nothing may be given: {reason}")


class NotReadYet(DomainError):  # noqa: N818
    """Others read this phone, so what it asked was not in the message: `referral_id` has it."""

    def __init__(self, referral_id: int) -> None:
        self.referral_id = referral_id
        super().__init__("the question was not read yet")
