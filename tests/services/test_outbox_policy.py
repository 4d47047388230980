"""Messages are weighed once more when they are sent: what became known meanwhile counts."""

from datetime import timedelta
from typing import Any

import pytest
from served_app import until
from sqlalchemy import text
from test_outbox import (
    NIGHT,
    NOON,
    FakeCarrier,
    all_ended,
    change,
    delivering,
    make_address,
    promise,
    rows,
    states,
)

from services import addresses, outbox
from services.contact_policy import Purpose
from services.direct import direct_connection
from services.outcomes import Later, Unreachable
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import ask, register, visit
from tests.services.referred import begin, make_agency, wanted

ASKED = NOON - timedelta(hours=2)


async def agree(db: Any, purpose: str, given: bool = True) -> None:
    async with db.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO consent (address_id, purpose, given, wording_version, at)"
                " SELECT id, :purpose, :given, 'purposes-1', now() FROM address"
            ),
            {"purpose": purpose, "given": given},
        )


async def test_stop_between_writing_and_sending_holds_the_message_back(db: Any) -> None:
    address = await make_address(db)
    await promise(db, address, "x", purpose=Purpose.REPLY, asked_at=ASKED, neutral="n")
    await change(db, f"UPDATE address SET stopped_at = '{NOON}'")
    carrier = FakeCarrier()
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
    (row,) = await rows(db)
    assert (row.state, row.error_code, row.attempts) == ("withheld", "stopped", 0)
    assert carrier.sent == []


async def test_who_asks_after_stop_gets_the_answer(db: Any) -> None:
    address = await make_address(db)
    await change(db, f"UPDATE address SET stopped_at = '{ASKED - timedelta(days=1)}'")
    await promise(db, address, "x", purpose=Purpose.REPLY, asked_at=ASKED, neutral="n")
    async with delivering(db, FakeCarrier()):
        await until(lambda: all_ended(db))
    assert await states(db) == ["sent"]


async def test_what_is_not_urgent_waits_for_the_morning_without_an_attempt(db: Any) -> None:
    address = await make_address(db)
    await promise(db, address, "did it help?", purpose=Purpose.FOLLOW_UP, asked_at=ASKED)
    await promise(db, address, "answer")
    carrier = FakeCarrier()
    async with delivering(db, carrier, at=NIGHT):
        await until(lambda: carrier.sent)
        await until(lambda: _holds_until_eight(db))
    assert [words for _, words in carrier.sent] == ["answer"], "it holds nothing else back"
    assert (await rows(db))[0].attempts == 0


async def _holds_until_eight(db: Any) -> bool:
    row = (await rows(db))[0]
    return row.state == "waiting" and row.not_before == NIGHT.replace(day=23, hour=1)


async def test_a_shared_phone_gets_neutral_words_that_can_be_answered_and_no_file(db: Any) -> None:
    address = await make_address(db)
    document, buttons = {"file_id": "0", "name": "x"}, {"inline_keyboard": []}
    await promise(
        db,
        address,
        "secret",
        purpose=Purpose.REPLY,
        neutral="did it help?",
        document=document,
        reply_markup=buttons,
    )
    await promise(db, address, "no neutral words", purpose=Purpose.REPLY)
    await change(db, "UPDATE address SET is_shared = true")
    carrier = FakeCarrier()
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
    assert carrier.sent == [("+85512000001", "did it help?")]
    assert carrier.items[0].document is None
    assert carrier.items[0].reply_markup == buttons, "it can be answered"
    assert await states(db) == ["sent", "withheld"]


async def test_who_cannot_read_the_question_has_no_button_that_agrees(db: Any) -> None:
    """While it waited it became known that others read the phone: it says that there is news."""
    async with db.new_session.begin() as session:
        phone = await register(session, "+85512000001", "sms")
        visitor, request = await visit(session), await ask(session, phone)
        await begin(session, visitor, request, wanted(await make_agency(session)))
        await addresses.set_shared(session, phone.id, True)
    carrier = FakeCarrier()
    async with delivering(db, carrier, at=FRIDAY):
        await until(lambda: all_ended(db))
    assert [(item.text, item.reply_markup) for item in carrier.items] == [("neutral", None)]


async def test_news_need_a_consent_that_still_holds(db: Any) -> None:
    address = await make_address(db)
    await agree(db, "news")
    await agree(db, "phone")
    await promise(db, address, "one", purpose=Purpose.NEWS, lane=outbox.BULK)
    carrier = FakeCarrier()
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
        await agree(db, "news", given=False)
        await promise(db, address, "two", purpose=Purpose.NEWS, lane=outbox.BULK)
        await until(lambda: all_ended(db))
    assert [words for _, words in carrier.sent] == ["one"]
    assert (await rows(db))[1].error_code == "no_consent"


async def test_a_purpose_that_nobody_knows_is_not_sent(db: Any) -> None:
    await promise(db, await make_address(db), "x", purpose="test")
    async with delivering(db, FakeCarrier()):
        await until(lambda: all_ended(db))
    assert await states(db) == ["withheld"]


async def test_a_blocked_address_is_reached_again_once_the_person_wrote(db: Any) -> None:
    address = await make_address(db)
    await promise(db, address, "one", purpose=Purpose.REPLY)
    carrier = FakeCarrier(Unreachable("blocked"))
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
        await promise(db, address, "two", purpose=Purpose.REPLY)
        await until(lambda: all_ended(db))
        await change(db, "UPDATE address SET last_in_at = now() + interval '1 second'")
        await promise(db, address, "three", purpose=Purpose.REPLY)
        await until(lambda: all_ended(db))
    assert [words for _, words in carrier.sent] == ["one", "three"]
    assert await states(db) == ["unreachable", "unreachable", "sent"]


async def test_a_carrier_that_wants_patience_is_left_alone_by_all_messages(db: Any) -> None:
    for digit in range(5):
        await promise(db, await make_address(db, f"+8551200000{digit}"), "x")
    carrier = FakeCarrier(*[Later(30, "throttled", throttled=True, for_everybody=True)] * 5)
    async with delivering(db, carrier, concurrency=1):
        await until(lambda: carrier.sent)
        await until(lambda: _one_put_off(db))
        other = await make_address(db, "4242", "telegram")
        await promise(db, other, "x", channel="telegram")
        await until(lambda: _has_failed(db))
    assert len(carrier.sent) == 1


async def _one_put_off(db: Any) -> bool:
    return (await rows(db))[0].error_code == "throttled"


async def _has_failed(db: Any) -> bool:
    return "failed" in await states(db)


async def test_a_claim_that_ends_leaves_nothing_uncertain(db: Any) -> None:
    """A worker that dies before the message's turn came has sent nothing of it."""
    await promise(db, await make_address(db), "x")
    async with direct_connection(db.engine) as connection:
        (held,) = await outbox.claim(connection, outbox.DIALOG, 10)
        assert await outbox.claim(connection, outbox.DIALOG, 10) == []
        await change(db, "UPDATE outbox SET leased_until = now()")
        (again,) = await outbox.claim(connection, outbox.DIALOG, 10)
        assert await outbox.start(connection, [held]) == set(), "it is somebody else's now"
        assert await outbox.start(connection, [again]) == {again.id}
    assert (await rows(db))[0].attempts == 1


async def test_an_answer_does_not_wait_for_bulk_to_others(db: Any) -> None:
    for digit in range(6):
        number = await make_address(db, f"+8551200000{digit}")
        await promise(db, number, "bulk", lane=outbox.BULK)
    carrier = FakeCarrier()
    carrier.hold_texts = {"bulk"}
    async with delivering(db, carrier, concurrency=3):
        await until(lambda: len(carrier.sent) == 3)
        await promise(db, await make_address(db, "+85512000009"), "answer")
        await until(lambda: ("+85512000009", "answer") in carrier.sent)
        carrier.release()
        await until(lambda: all_ended(db))
    assert set(await states(db)) == {"sent"}


async def test_an_answer_behind_bulk_of_the_same_person_goes_right_after_it(db: Any) -> None:
    address = await make_address(db)
    await promise(db, address, "bulk", lane=outbox.BULK)
    carrier = FakeCarrier()
    carrier.hold_texts = {"bulk"}
    async with delivering(db, carrier, poll_s=30):
        await until(lambda: carrier.sent)
        await promise(db, address, "answer")
        carrier.release()
        await until(lambda: all_ended(db))
    assert [words for _, words in carrier.sent] == ["bulk", "answer"]


async def test_an_outcome_is_kept_until_the_database_takes_it(
    db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await promise(db, await make_address(db), "x")
    real, failures = outbox.record_sent, [OSError("gone")] * 2

    async def record_sent(*arguments: Any) -> None:
        if failures:
            raise failures.pop()
        await real(*arguments)

    monkeypatch.setattr(outbox, "record_sent", record_sent)
    carrier = FakeCarrier()
    async with delivering(db, carrier, patient=True):
        await until(lambda: all_ended(db))
    assert await states(db) == ["sent"]
    assert len(carrier.sent) == 1


async def test_failed_and_uncertain_messages_are_listed_and_failed_ones_tried_again(
    db: Any,
) -> None:
    ids = [await promise(db, await make_address(db), words) for words in "abc"]
    await change(db, f"UPDATE outbox SET state = 'failed', error_code = '21617' WHERE id={ids[0]}")
    await change(db, f"UPDATE outbox SET state = 'uncertain' WHERE id = {ids[1]}")
    async with db.new_session.begin() as session:
        (failed,) = await outbox.list_failed(session)
        (uncertain,) = await outbox.list_uncertain(session)
        assert (failed.id, failed.code, uncertain.id) == (ids[0], "21617", ids[1])
        assert await outbox.retry(session, ids) == {ids[0]}
    carrier = FakeCarrier()
    async with delivering(db, carrier):
        await until(lambda: all_ended(db))
    assert [words for _, words in carrier.sent] == ["a", "c"]
    assert await states(db) == ["sent", "uncertain", "sent"]
