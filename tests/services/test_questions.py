import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OutboxRow
from services import follow_up, questions, threads
from services.errors import QuestionNotFound
from tests.services.centre_at_work import FRIDAY, PlainWords, hire, kinds_of, write_from
from tests.support import Database

LATER = FRIDAY + timedelta(days=1)
AFTER_SILENCE = FRIDAY + timedelta(days=7)
OPTIONS = ("yes", "no")


async def test_each_question_of_an_address_has_the_next_letter(session: AsyncSession) -> None:
    address, other = await write_from(session), await write_from(session, "43")
    letters = [
        (await questions.ask(session, address, "test", OPTIONS, now=FRIDAY)).letter
        for _ in range(11)
    ]
    assert "".join(letters) == questions.LETTERS + "K"
    assert (await questions.ask(session, other, "test", OPTIONS, now=FRIDAY)).letter == "K"


async def test_questions_asked_at_once_have_letters_of_their_own(db: Database) -> None:
    async with db.new_session.begin() as session:
        address = await write_from(session)

    async def ask() -> str:
        async with db.new_session.begin() as session:
            return (await questions.ask(session, address, "test", OPTIONS, now=FRIDAY)).letter

    assert set(await asyncio.gather(*(ask() for _ in range(5)))) == set("KLMNP")


@pytest.mark.parametrize("by_letter", [True, False])
async def test_an_answer_is_kept_once(session: AsyncSession, by_letter: bool) -> None:
    address = await write_from(session)
    question = await questions.ask(session, address, "test", OPTIONS, now=FRIDAY)
    which = question.letter.lower() if by_letter else question.id
    first = await questions.answer(session, address, which, 1, now=LATER)
    assert (first.kind, first.option, first.is_new) == ("test", "yes", True)
    second = await questions.answer(session, address, which, 2, now=LATER)
    assert (second.option, second.is_new) == ("yes", False)
    assert question.answered_at == LATER


async def test_a_letter_means_the_latest_question_that_has_it(session: AsyncSession) -> None:
    address = await write_from(session)
    asked = [await questions.ask(session, address, "test", OPTIONS, now=FRIDAY) for _ in range(11)]
    answered = await questions.answer(session, address, "K", 2, now=LATER)
    assert answered.question.id == asked[-1].id
    assert asked[0].answered_at is None


async def test_what_was_never_asked_has_no_answer(session: AsyncSession) -> None:
    address, stranger = await write_from(session), await write_from(session, "43")
    question = await questions.ask(session, address, "test", OPTIONS, now=FRIDAY)
    for who, which, n in (
        (stranger, question.id, 1),
        (stranger, "K", 1),
        (address, "L", 1),
        (address, question.id + 1, 1),
        (address, question.id, 0),
        (address, question.id, 3),
        (address, 2**70, 1),
    ):
        with pytest.raises(QuestionNotFound):
            await questions.answer(session, who, which, n, now=LATER)
    assert question.answered_at is None


@pytest.mark.parametrize(("n", "state"), [(1, "done"), (2, "reopened")])
async def test_the_answer_whether_help_came_moves_the_request(
    session: AsyncSession, n: int, state: str
) -> None:
    address, me = await write_from(session), await hire(session)
    words = PlainWords()
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.finish(session, request.code, "helped", staff=me, words=words, now=FRIDAY)
    (asked,) = words.asked
    answered = await questions.answer(session, address, asked.letter, n, now=LATER)
    assert answered.request is not None
    assert (answered.request.code, answered.request.state) == (request.code, state)
    kinds = await kinds_of(session, request)
    again = await questions.answer(session, address, asked.id, n, now=LATER)
    assert not again.is_new
    assert await kinds_of(session, request) == kinds


async def test_an_answer_to_an_old_question_changes_nothing_that_came_after(
    session: AsyncSession,
) -> None:
    address, me = await write_from(session), await hire(session)
    words = PlainWords()
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.finish(session, request.code, "helped", staff=me, words=words, now=FRIDAY)
    await threads.reopen(session, request.code, staff=me, now=FRIDAY)
    await threads.take(session, request.code, staff=me, now=FRIDAY)
    answered = await questions.answer(session, address, "K", 1, now=LATER)
    assert answered.request is not None
    assert (answered.is_new, answered.request.state) == (True, "taken")


@pytest.mark.parametrize(("n", "kind"), [(1, "confirmed"), (2, "not_confirmed")])
async def test_a_first_answer_that_comes_when_staff_go_on_is_noted_for_them(
    session: AsyncSession, n: int, kind: str
) -> None:
    """Silence had opened it, and a colleague took it."""
    address, me = await write_from(session), await hire(session)
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.finish(session, request.code, "helped", staff=me, words=PlainWords(), now=FRIDAY)
    await session.execute(update(OutboxRow).values(state="sent", sent_at=FRIDAY))
    assert await follow_up.reopen_unanswered(session, AFTER_SILENCE) == 1
    await threads.take(session, request.code, staff=me, now=AFTER_SILENCE)
    answered = await questions.answer(session, address, "K", n, now=AFTER_SILENCE)
    assert (answered.is_new, answered.is_noted, answered.may_change) == (True, True, True)
    assert (request.state, request.due_at is not None) == ("taken", True)
    assert (await kinds_of(session, request))[-1] == kind
    await questions.answer(session, address, "K", 3 - n, now=AFTER_SILENCE)
    assert set((await kinds_of(session, request))[-2:]) == {"confirmed", "not_confirmed"}


async def test_a_first_yes_is_noted_with_what_was_written_since_it_was_asked(
    session: AsyncSession,
) -> None:
    address, me = await write_from(session), await hire(session)
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.finish(session, request.code, "helped", staff=me, words=PlainWords(), now=FRIDAY)
    await threads.write_to_request(session, address, request.code, "and this?", now=LATER)
    answered = await questions.answer(session, address, "K", 1, now=LATER)
    assert (answered.is_noted, request.state) == (True, "reopened")
    assert request.due_at is not None
    assert (await kinds_of(session, request))[-1] == "confirmed"


async def test_a_no_that_was_said_elsewhere_before_is_not_written_twice(
    session: AsyncSession,
) -> None:
    address, me = await write_from(session), await hire(session)
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.finish(session, request.code, "helped", staff=me, words=PlainWords(), now=FRIDAY)
    await threads.confirm_help(session, address, request.code, False, now=LATER)
    kinds = await kinds_of(session, request)
    answered = await questions.answer(session, address, "K", 2, now=LATER)
    assert (answered.is_new, answered.is_noted, request.state) == (True, False, "reopened")
    assert await kinds_of(session, request) == kinds


async def test_what_was_asked_again_or_withdrawn_is_answered_otherwise_no_more(
    session: AsyncSession,
) -> None:
    address, me = await write_from(session), await hire(session)
    request = await threads.talk(session, address, "hello", now=FRIDAY)

    async def finish() -> None:
        await threads.finish(
            session, request.code, "helped", staff=me, words=PlainWords(), now=FRIDAY
        )

    await finish()
    for _ in range(2):
        assert (await questions.answer(session, address, "K", 2, now=LATER)).may_change
    await finish()
    assert not (await questions.answer(session, address, "K", 2, now=LATER)).may_change
    assert (await questions.answer(session, address, "L", 2, now=LATER)).may_change
    await threads.withdraw(session, address, request.code, now=LATER)
    assert not (await questions.answer(session, address, "L", 1, now=LATER)).may_change


async def test_a_yes_after_a_no_confirms_what_is_done_before_it_is_asked_about_again(
    session: AsyncSession,
) -> None:
    address, me = await write_from(session), await hire(session)
    words = PlainWords()
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.finish(session, request.code, "helped", staff=me, words=words, now=FRIDAY)
    await questions.answer(session, address, "K", 2, now=LATER)
    request.finish("helped", by=me.id, now=LATER, answer_by=None)
    answered = await questions.answer(session, address, "K", 1, now=LATER)
    assert (answered.is_new, answered.is_noted) == (True, False)
    assert (request.state, request.confirmed_at) == ("done", LATER)


async def test_an_answer_that_is_older_than_the_one_that_stands_changes_nothing(
    session: AsyncSession,
) -> None:
    address, me = await write_from(session), await hire(session)
    request = await threads.talk(session, address, "hello", now=FRIDAY)
    await threads.finish(session, request.code, "helped", staff=me, words=PlainWords(), now=FRIDAY)
    await questions.answer(session, address, "K", 1, now=LATER)
    answered = await questions.answer(session, address, "K", 2, now=FRIDAY)
    assert (answered.option, answered.is_new, request.state) == ("yes", False, "done")
