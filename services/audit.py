"""Who looked at what and changed what. Audit rows outlive those whom they speak of.

What can be written is said here, so that no row says what the log has no words for.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ScalarSelect, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import AuditRow, DeskSession, Staff

RowId = UUID | int | str

REFUSED: Final = "refused"
TRIED: Final = "tried:"
"""Before the act that was refused, among the fields: columns are called like acts."""

# One line for each: a new one needs its words, desk-audit-did-… or desk-audit-of-…, in both
# catalogues. What was once written stays here: rows are never changed.
ACTIONS: Final = (
    # looks
    *("read", "listed", "searched", "revealed"),
    # what is done with a request
    *("taken", "assigned", "handed_over", "given_back", "staff_message", "note", "called"),
    *("waiting_person", "waiting_others", "going_on", "urgency", "done", "reopened"),
    # what is done with a referral, by staff or by the person
    *("referral_asked", "referral_agreed", "referral_refused", "referral_given"),
    *("referral_accepted", "referral_declined", "referral_done", "referral_ended", "agency_told"),
    # what is done with anything
    *("added", "changed", "ended", "deleted"),
    # what was not done
    *(REFUSED, "repeated"),
    # accounts
    *("invited", "accepted", "reset", "set", "used"),
    *("recognised", "signed_in", "signed_out", "expired", "locked", "unlocked"),
    # cards in Telegram
    *("linked", "unlinked", "seen"),
)
SUBJECTS: Final = (
    *("request", "person", "address", "file", "canned_reply"),
    *("staff", "account", "desk_session", "recovery_code", "invitation"),
    *("page", "audit", "agency", "centre", "closed_day", "referral", "recall"),
    *("chat_link", "staff_chat", "staff_card"),
)

FIELDS: Final = (
    *("name", "phone", "reason", "role", "centre_id", "owner_id", "state", "urgency", "outcome"),
    *("password_hash", "second_factor", "recovery_codes", "locked_until", "language"),
    *("form-token", "made-up", "too-much"),
    *("username", "age", "sex", "home", "need", "hours", "takes_rest", "to_confirm", "ended_at"),
    *("name_km", "name_en", "title", "text_km", "text_en", "purposes", "places", "phone_e164"),
    *("confirmed_on", "confirmed_by", "note", "is_sensitive"),
    *("short_km", "short_en", "closed_hours", "day", "label", "is_open", "at_any_hour"),
    *("agency", "purpose", "shared", "told_how"),
    *("view", "staff", "side", "centre", "actor", "action", "subject", "about", "first", "last"),
)
"""What of a thing a row can name: columns, parts of a form, filters. Their words are called
desk-audit-field-…; one without is shown bare, and the tests see to it that none is written.
"""

MOST_REFUSED: Final = 20
"""Different refusals of one kind that are kept of one member of staff within REFUSED_WITHIN."""
REFUSED_WITHIN: Final = timedelta(minutes=1)


async def record(
    session: AsyncSession,
    *,
    actor: str,
    actor_id: RowId | None,
    action: str,
    subject: str,
    subject_id: RowId | None,
    fields: Iterable[str] = (),
    now: datetime,
) -> None:
    """Add one act: ids of ours and names of fields, never a value.

    `actor` is 'person', 'staff' or 'system'; `action` one of ACTIONS, `subject` one of SUBJECTS.
    Raises ValueError for what is neither.
    """
    _check(action, ACTIONS, "ACTIONS", "desk-audit-did-")
    _check(subject, SUBJECTS, "SUBJECTS", "desk-audit-of-")
    session.add(
        AuditRow(
            at=now,
            actor=actor,
            actor_id=_as_text(actor_id),
            action=action,
            subject=subject,
            subject_id=_as_text(subject_id),
            fields=list(fields),
            centre=_centre_of(actor, _as_text(actor_id), subject, _as_text(subject_id)),
        )
    )
    await session.flush()


async def record_by(
    session: AsyncSession,
    by: UUID | None,
    action: str,
    subject: str,
    subject_id: RowId | None,
    *,
    fields: Iterable[str] = (),
    now: datetime,
) -> None:
    """The same of what a member of staff does; None is the system, or whoever has the machine."""
    await record(
        session,
        actor="system" if by is None else "staff",
        actor_id=by,
        action=action,
        subject=subject,
        subject_id=subject_id,
        fields=fields,
        now=now,
    )


async def record_refused(
    session: AsyncSession,
    staff_id: UUID,
    subject: str,
    subject_id: RowId | None,
    *,
    action: str = REFUSED,
    tried: str | None = None,
    fields: Iterable[str] = (),
    now: datetime,
) -> None:
    """Add what a member of staff asked for and did not get, as far as it says something new.

    `action` says why not; `tried`, which of ACTIONS they wanted, stands among the fields. Whoever
    sends thousands of forged requests must not fill the disk: the same refusal, to the same, of the
    same, is kept once within REFUSED_WITHIN, and of one kind of subject no more than MOST_REFUSED.
    """
    told = list(fields)
    if tried is not None:
        _check(tried, ACTIONS, "ACTIONS", "desk-audit-did-")
        told.insert(0, TRIED + tried)
    about = (subject, subject_id)
    if not await _is_new(session, about, by=staff_id, action=action, fields=told, now=now):
        return
    await record(
        session,
        actor="staff",
        actor_id=staff_id,
        action=action,
        subject=subject,
        subject_id=subject_id,
        fields=told,
        now=now,
    )


async def record_stranger_refused(
    session: AsyncSession, *subjects: tuple[str, RowId | None], now: datetime
) -> None:
    """The same for a chat of nobody whom we know: (subject, its id) of what it asked for.

    The first of them decides whether it says something new.
    """
    if not await _is_new(session, subjects[0], by=None, action=REFUSED, fields=[], now=now):
        return
    for subject, subject_id in subjects:
        await record(
            session,
            actor="person",
            actor_id=None,
            action=REFUSED,
            subject=subject,
            subject_id=subject_id,
            now=now,
        )


async def _is_new(
    session: AsyncSession,
    about: tuple[str, RowId | None],
    *,
    by: UUID | None,
    action: str,
    fields: list[str],
    now: datetime,
) -> bool:
    """Whether such a refusal of a member of staff, or of a stranger, is to be kept."""
    subject, subject_id = about
    query = select(AuditRow.subject_id, AuditRow.fields).where(
        AuditRow.actor == ("person" if by is None else "staff"),
        AuditRow.actor_id == _as_text(by),
        AuditRow.action == action,
        AuditRow.subject == subject,
        AuditRow.at > now - REFUSED_WITHIN,
    )
    kept = [tuple(row) for row in await session.execute(query.limit(MOST_REFUSED))]
    return len(kept) < MOST_REFUSED and (_as_text(subject_id), fields) not in kept


def _centre_of(
    actor: str, actor_id: str | None, subject: str, subject_id: str | None
) -> ScalarSelect[str | None] | None:
    """For which centre they work at this moment who act, or as whom somebody tries to sign in."""
    whose = {"staff": actor_id, "system": subject_id}.get(actor)
    own_id = find_uuid(whose or "")
    query = select(Staff.centre_id)
    if own_id is None:
        return None
    if actor == "staff" or subject == "account":
        return query.where(Staff.id == own_id).scalar_subquery()
    if subject == "desk_session":
        query = query.join(DeskSession, DeskSession.staff_id == Staff.id)
        return query.where(DeskSession.id == own_id).scalar_subquery()
    return None


def find_uuid(written: str) -> UUID | None:
    """The long id that this is."""
    try:
        return UUID(written)
    except ValueError:
        return None


def _check(value: str, known: tuple[str, ...], name: str, words: str) -> None:
    if value not in known:
        raise ValueError(
            f"nothing in the audit is called {value!r}: add it to {name} in services/audit.py,"
            f" and its words {words}{value} to both catalogues"
        )


def _as_text(row_id: RowId | None) -> str | None:
    return None if row_id is None else str(row_id)
