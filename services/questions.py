"""Questions that stand outside any dialog: somebody may answer them months later.

A bare number in an SMS answers the last screen, so these have letters of their own: K1, K2. On
Telegram a button carries the question's id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from db.models import OPEN_STATES, Address, OutboxRow, Question, Request, RequestEvent
from services import follow_up, requests, yes_no
from services.errors import NoSuchAnswer, QuestionNotFound
from services.referrals import own
from services.referrals.errors import NotReadYet, ReferralNotFound

# None of them begins a keyword, is mistaken for a digit, or sounds like another when it is said.
LETTERS = "KLMNPRTVWX"
HELP_CAME = "help_came"
REFER = "refer"
YES, NO = yes_no.YES, yes_no.NO
AGREE, REFUSE = "agree", "refuse"
# It has arrived, or may have.
ON_ITS_WAY = ("sending", "uncertain", "sent", "delivered")
_HIGHEST_ID = 2**63 - 1  # of PostgreSQL; buttons come from outside, and may say anything


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to what; `request` as it stands now.

    With `is_new` false another message had answered it before: `option` is the answer that stays.
    `is_noted`: it is written down and neither closes nor opens the request, which others go on
    with. `may_change`: another answer to the same question would count.
    Of a question of consent `option` is what was answered now, and `referral` how it stands for
    the person (`OwnReferral.standing`).
    """

    kind: str
    option: str
    question: Question
    request: Request | None
    is_new: bool
    referral: str | None = None
    is_noted: bool = False
    may_change: bool = False


@dataclass(frozen=True, slots=True)
class Open:
    """A question that waits for its answer.

    `came_at` is a time of the database's clock, `message_id` the carrier's. With `is_last` nothing
    at all was sent there since.
    """

    id: int
    options: Sequence[str]
    came_at: datetime
    message_id: str | None
    is_last: bool


async def ask(
    session: AsyncSession,
    address: Address,
    kind: str,
    options: Sequence[str],
    *,
    request_id: int | None = None,
    now: datetime,
) -> Question:
    """A new question, with the letter after the last one that this address was asked under."""
    await requests.lock_address(session, address.id)
    latest = select(Question.letter).where(Question.address_id == address.id)
    letter = await session.scalar(latest.order_by(Question.id.desc()).limit(1))
    question = Question(
        address_id=address.id,
        letter=LETTERS[0] if letter is None else _letter_after(letter),
        kind=kind,
        options=list(options),
        request_id=request_id,
        asked_at=now,
    )
    session.add(question)
    await session.flush()
    return question


async def answer(
    session: AsyncSession,
    address: Address,
    which: int | str,
    n: int,
    *,
    now: datetime,
    inbox_id: int | None = None,
) -> Answered:
    """Take the n-th answer (from 1) to a question, named by its id or by its letter.

    Whether help came may be answered otherwise later, as long as nobody asked again. The same
    message handled again is told the same. Raises QuestionNotFound, also for another
    address's question, NoSuchAnswer for an option that an open one has not, and NotReadYet.
    """
    await requests.lock_phones(session, address.id)
    question = await _find(session, address, which)
    if question is None:
        raise QuestionNotFound
    is_new = question.answered_at is None
    if not 1 <= n <= len(question.options):
        raise NoSuchAnswer(question.letter, question.options) if is_new else QuestionNotFound
    if question.kind == REFER:
        return await _answer_consent(session, address, question, n, now=now, inbox_id=inbox_id)
    option = question.options[n - 1]
    if is_new:
        question.answer, question.answered_at = option, now
        await session.flush()
    request = await _get_request(session, question)
    if question.kind == HELP_CAME and request is not None:
        answered = _Answer(question, request, option, is_new)
        return await _answer_help_came(session, address, answered, now=now, inbox_id=inbox_id)
    assert question.answer is not None
    return Answered(question.kind, question.answer, question, request, is_new)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is answered now, about what; `is_first`: nothing had answered the question before."""

    question: Question
    request: Request
    option: str
    is_first: bool


async def _answer_help_came(
    session: AsyncSession,
    address: Address,
    answer: _Answer,
    *,
    now: datetime,
    inbox_id: int | None,
) -> Answered:
    question, request, counts = answer.question, answer.request, answer.is_first
    came, is_last = answer.option == YES, await _is_last(session, question)
    if counts:
        request = await follow_up.confirm_help(
            session, address, request.code, came, now=now, inbox_id=inbox_id
        )
    elif await requests.find_made_by(session, address, inbox_id) is not None:
        counts = True
    elif is_last and _says_otherwise(answer, now):
        question.answer, question.answered_at = answer.option, now
        request = await follow_up.answer_again(
            session, address, request.code, came, now=now, inbox_id=inbox_id
        )
        counts = True
    assert question.answer is not None
    return Answered(
        HELP_CAME,
        question.answer,
        question,
        request,
        is_new=counts,
        is_noted=counts and _is_only_noted(request, came),
        may_change=is_last and request.state != "withdrawn",
    )


def _says_otherwise(answer: _Answer, now: datetime) -> bool:
    """One that is handled late, and was given before the answer that stands, says nothing."""
    question = answer.question
    assert question.answered_at is not None
    return answer.option != question.answer and now >= question.answered_at


def _is_only_noted(request: Request, came: bool) -> bool:
    """What is opened again for anybody to take is just what a "no" asks for."""
    return request.state in OPEN_STATES and (came or request.state != "reopened")


async def _is_last(session: AsyncSession, question: Question) -> bool:
    """Whether nobody has asked about its request again since."""
    asked_again = exists().where(
        Question.request_id == question.request_id,
        Question.kind == HELP_CAME,
        Question.id > question.id,
    )
    return not await session.scalar(select(asked_again))


async def _answer_consent(
    session: AsyncSession,
    address: Address,
    question: Question,
    n: int,
    *,
    now: datetime,
    inbox_id: int | None,
) -> Answered:
    """A "no" after a "yes" counts too: it takes that back.

    On a phone that others read too the message did not say what it asked, so a "yes" to it agrees
    to nothing: it is asked in full first.
    """
    option = question.options[n - 1]
    if option == AGREE and address.is_shared:
        asked = await own.find_asked(session, address, question)
        if asked is not None:
            raise NotReadYet(asked)
    try:
        referral = await own.answer_question(
            session, address, question, option == AGREE, now=now, inbox_id=inbox_id
        )
    except ReferralNotFound:
        raise QuestionNotFound from None
    is_new = question.answered_at is None
    if is_new:
        question.answer, question.answered_at = option, now
        await session.flush()
    request = await _get_request(session, question)
    return Answered(question.kind, option, question, request, is_new, referral.standing)


async def find_open(session: AsyncSession, address: Address, inbox_id: int) -> Open | None:
    """The last question whether help came that may have arrived and that nothing has answered yet.

    The one that this very message has answered counts as open.
    """
    came_at, asked = func.coalesce(OutboxRow.sent_at, OutboxRow.updated_at), aliased(RequestEvent)
    later = aliased(OutboxRow)
    is_followed = exists().where(
        later.address_id == address.id,
        later.state.in_(ON_ITS_WAY),
        func.coalesce(later.sent_at, later.updated_at) > came_at,
    )
    is_unanswered = (
        Question.answered_at.is_(None) & (Request.state == "done") & Request.confirmed_at.is_(None)
    )
    is_answered_by_this = Question.answered_at.is_not(None) & exists().where(
        RequestEvent.request_id == Request.id, RequestEvent.inbox_id == inbox_id
    )
    query = (
        select(Question.id, Question.options, came_at, OutboxRow.provider_id, ~is_followed)
        .join(Request, Request.id == Question.request_id)
        .join(asked, (asked.request_id == Request.id) & (asked.kind == "done"))
        .join(OutboxRow, OutboxRow.id == asked.outbox_id)
        .where(
            Question.address_id == address.id,
            Question.kind == HELP_CAME,
            OutboxRow.state.in_(ON_ITS_WAY),
            or_(is_unanswered, is_answered_by_this),
        )
        .order_by(Question.id.desc(), OutboxRow.id.desc())
        .limit(1)
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else Open(*found)


def _letter_after(letter: str) -> str:
    return LETTERS[(LETTERS.index(letter) + 1) % len(LETTERS)]


async def _find(session: AsyncSession, address: Address, which: int | str) -> Question | None:
    """Of two questions with one letter, the later."""
    query = select(Question).where(Question.address_id == address.id)
    if isinstance(which, int):
        if which > _HIGHEST_ID:
            return None
        query = query.where(Question.id == which)
    else:
        query = query.where(Question.letter == which.upper()).order_by(Question.id.desc())
    fresh = query.limit(1).execution_options(populate_existing=True)
    return (await session.scalars(fresh)).one_or_none()


async def _get_request(session: AsyncSession, question: Question) -> Request | None:
    if question.request_id is None:
        return None
    return await session.get(Request, question.request_id)
