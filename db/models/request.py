"""What somebody asked a centre for, and everything that happened to it since.

Each change of state goes through a method that adds the event, so that a request and its thread
never tell different stories. What may follow what is one table: `db.models.request_moves`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    UniqueConstraint,
    inspect,
    text,
)
from sqlalchemy.orm import Mapped, WriteOnlyMapped, mapped_column, relationship

from db.models.base import Base
from db.models.request_before import find_changed, read_back, write_down
from db.models.request_event import RequestEvent
from db.models.request_moves import MOVES, OPEN_STATES, REACHED, WAITING, MoveNotAllowed
from db.models.request_order import clock_indexes, queue_indexes

Due = Callable[[str, datetime], datetime]
"""(urgency, from when) -> until when the centre should have answered."""
OWNER = "owner"
"""In the body of an event: whose the request has become by it, whatever else it is about."""
BEFORE = "before"
"""In the body of what closed a request: how that stood before, as far as it stands otherwise."""


class Request(Base):
    """A request as the queue sees it now; it changes only by methods that add an event.

    `due_at` is when the centre should have answered; None while it is not its turn. When that has
    passed, `climbed_to` says who has been told so far and `climb_at` when the next one is.
    `answer_by` is until when a done request waits for the person's word whether help came.
    `last_staff_at` is when the centre last wrote to the person, but for a question that was held.

    Every method takes the moment as `now`; `by` is a member of staff, `inbox_id` the message by
    which the person did it. Each raises MoveNotAllowed and has then changed nothing.
    """

    __tablename__ = "request"
    __table_args__ = (
        UniqueConstraint("id", "centre_id"),
        CheckConstraint(
            "state IN ('new', 'taken', 'waiting_person', 'waiting_others', 'done', 'reopened',"
            " 'withdrawn')",
            "state",
        ),
        CheckConstraint("urgency IN ('urgent', 'normal', 'low')", "urgency"),
        CheckConstraint("climbed_to IN ('owner', 'manager', 'administrator')", "climbed_to"),
        CheckConstraint("code ~ '^[0-9]+$'", "code"),
        *clock_indexes(),
        *queue_indexes(),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    topic: Mapped[str]
    state: Mapped[str]
    urgency: Mapped[str]
    centre_id: Mapped[str] = mapped_column(ForeignKey("centre.id"))
    person_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), index=True
    )
    address_id: Mapped[int] = mapped_column(ForeignKey("address.id"), index=True)
    draft_key: Mapped[UUID | None] = mapped_column(unique=True)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"), index=True)
    due_at: Mapped[datetime | None]
    climbed_to: Mapped[str | None]
    climb_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    answer_by: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    last_person_at: Mapped[datetime | None]
    last_staff_at: Mapped[datetime | None]
    is_demo: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    events: WriteOnlyMapped["RequestEvent"] = relationship(
        order_by="RequestEvent.id", passive_deletes=True
    )

    @classmethod
    def open(
        cls,
        *,
        code: str,
        topic: str,
        centre_id: str,
        address_id: int,
        now: datetime,
        due: Due,
        person_id: UUID | None = None,
        draft_key: UUID | None = None,
        urgency: str = "normal",
        is_demo: bool = False,
        body: dict[str, Any] | None = None,
        inbox_id: int | None = None,
    ) -> "Request":
        """A new request with its first event; its clock runs."""
        request = cls(
            code=code,
            topic=topic,
            state=WAITING,
            urgency=urgency,
            centre_id=centre_id,
            person_id=person_id,
            address_id=address_id,
            draft_key=draft_key,
            is_demo=is_demo,
            last_person_at=now,
            created_at=now,
        )
        request.record("opened", now=now, actor="person", body=body, inbox_id=inbox_id)
        request._start_clock(due, now)
        return request

    def record(
        self,
        kind: str,
        *,
        now: datetime,
        body: dict[str, Any] | None = None,
        internal: bool = False,
        actor: str = "system",
        by: UUID | None = None,
        outbox_id: int | None = None,
        file_id: UUID | None = None,
        inbox_id: int | None = None,
    ) -> "RequestEvent":
        """Add an event, without loading the earlier ones. With `by` it is an act of staff."""
        event = RequestEvent(
            kind=kind,
            at=now,
            body=self._with_owner(body),
            internal=internal,
            actor=actor if by is None else "staff",
            staff_id=by,
            outbox_id=outbox_id,
            file_id=file_id,
            inbox_id=inbox_id,
        )
        self.events.add(event)
        self.updated_at = now
        return event

    # --- what the person does ---

    def resubmit(self, *, centre_id: str, now: datetime) -> None:
        """The person confirmed the form again before anybody took it: it stays one request."""
        self._move("resubmit")
        self.record("resubmitted", now=now, actor="person")
        self.centre_id = centre_id

    def person_wrote(
        self,
        *,
        now: datetime,
        due: Due,
        kind: str = "person_message",
        body: dict[str, Any] | None = None,
        file_id: UUID | None = None,
        inbox_id: int | None = None,
    ) -> None:
        """Something came from the person: an answer is due, and what was done is so no more."""
        was_done = self.state == "done"
        self._move("person_wrote")
        self.record(kind, now=now, actor="person", body=body, file_id=file_id, inbox_id=inbox_id)
        if was_done:
            self._reopen("person_wrote", now=now)
        # What comes late was written before what came since.
        self.last_person_at = max(now, self.last_person_at or now)
        self._start_clock(due, now)

    def ask_urgently(self, *, now: datetime, due: Due, inbox_id: int | None = None) -> None:
        """The person asks for the same again, and cannot wait. Nothing says why."""
        self._stop_clock()
        self.urgency = "urgent"
        self.person_wrote(kind="asked_again", now=now, due=due, inbox_id=inbox_id)

    def thanked(
        self, *, now: datetime, body: dict[str, Any] | None, inbox_id: int | None = None
    ) -> None:
        """Words that ask for nothing: what is done stays done."""
        self.check("person_wrote")
        self.record("person_message", now=now, actor="person", body=body, inbox_id=inbox_id)

    def confirm(self, *, now: datetime, inbox_id: int | None = None) -> None:
        """The person says that help came. Said again, it changes nothing."""
        was_done = self.state == "done"
        self._move("confirm")
        if was_done and self.confirmed_at is not None:
            return
        self.record("confirmed", now=now, actor="person", inbox_id=inbox_id)
        self.outcome = self.outcome or "helped"
        self.confirmed_at = now
        self.answer_by = None
        self._stop_clock()

    def shown(self, *, now: datetime, written_at: datetime) -> None:
        """The person has read what could not be sent; what they wrote since waits all the same."""
        self.record("shown", now=now, actor="person", internal=True)
        self.last_staff_at = now
        if self.state in OPEN_STATES and (self.last_person_at or self.created_at) <= written_at:
            self._stop_clock()

    def withdraw(self, *, now: datetime, inbox_id: int | None = None) -> None:
        """The person wants nothing more of it. This is final."""
        self._move("withdraw")
        self.record("withdrawn", now=now, actor="person", inbox_id=inbox_id)
        self._stop_clock()

    # --- what staff do ---

    def take(self, *, by: UUID, now: datetime) -> None:
        """Make it one's own; the event says from whom, if it was somebody's."""
        self._move("take")
        body = self._from_owner(to=by) or None
        self.owner_id = by
        self.record("taken", now=now, by=by, body=body)

    def assign(self, to: UUID, *, by: UUID | None, now: datetime) -> None:
        """Somebody else (or oneself, from a colleague) goes on with it."""
        self._move("assign")
        body = {"to": str(to), **self._from_owner(to=to)}
        self.owner_id = to
        self.record("assigned", now=now, by=by, internal=True, body=body)

    def hand_over(
        self, centre_id: str, *, by: UUID, now: datetime, due: Due, outbox_id: int | None = None
    ) -> None:
        """To another centre, for anybody there to take; `outbox_id` tells the person of it.

        A clock that runs goes on: for the person it is one wait.
        """
        self._move("hand_over")
        body = {"from": self.centre_id, "to": centre_id}
        self.record("handed_over", now=now, by=by, body=body, outbox_id=outbox_id)
        self.centre_id = centre_id
        self.owner_id = None
        self.climbed_to = None
        self._start_clock(due, now)
        self.climb_at = self.due_at

    def give_back(self, *, by: UUID | None, now: datetime, due: Due) -> None:
        """To the centre, for anybody there to take: who had it works there no more.

        As with another centre, a clock that runs goes on, and one that stood still begins.
        """
        self._move("give_back")
        self.record("given_back", now=now, by=by, internal=True)
        self.owner_id = None
        self._start_clock(due, now)

    def reply(
        self, *, by: UUID, now: datetime, body: dict[str, Any], outbox_id: int | None
    ) -> None:
        """Staff wrote. What nobody had taken is the writer's now.

        Without an outbox row nothing goes to the person, so the clock runs on.
        """
        self._move("reply")
        self.owner_id = self.owner_id or by
        self.record("staff_message", now=now, by=by, body=body, outbox_id=outbox_id)
        if outbox_id is not None:
            self.last_staff_at = now
            self._stop_clock()

    def note(self, text: str, *, by: UUID, now: datetime) -> None:
        """For staff only, in any state."""
        self.record("note", now=now, by=by, internal=True, body={"text": text})

    def called(self, result: str, *, by: UUID, now: datetime) -> None:
        """Staff rang the person up. Who was reached has been answered; else the clock runs on."""
        self._move("call")
        self.owner_id = self.owner_id or by
        self.record("called", now=now, by=by, internal=True, body={"result": result})
        if result == REACHED:
            self.last_staff_at = now
            self._stop_clock()

    def wait_for_person(
        self, *, by: UUID, now: datetime, kind: str = "waiting_person", **event: Any
    ) -> None:
        """It is the person's turn; `kind` and `event` where more is to be told than that."""
        self._wait("wait_for_person", kind, by=by, now=now, **event)

    def wait_for_others(
        self, *, by: UUID, now: datetime, kind: str = "waiting_others", **event: Any
    ) -> None:
        """It is the turn of somebody outside: an office, a company. The rest as above."""
        self._wait("wait_for_others", kind, by=by, now=now, **event)

    def come_back(self, kind: str, *, now: datetime, due: Due, **event: Any) -> None:
        """Who was asked has answered, or is asked no more: it is the centre's turn again."""
        self._move("come_back")
        self.record(kind, now=now, **event)
        self._start_clock(due, now)

    def go_on(self, *, by: UUID, now: datetime, due: Due) -> None:
        """It is the centre's turn again: the wait is over, or what came back is taken up."""
        self._move("go_on")
        self.owner_id = self.owner_id or by
        self.record("going_on", now=now, by=by)
        self._start_clock(due, now)

    def set_urgency(self, urgency: str, *, by: UUID, now: datetime, due: Due) -> None:
        """A clock that runs is set anew, counted from when the person last wrote."""
        self._move("set_urgency")
        self.record("urgency", now=now, by=by, internal=True, body={"urgency": urgency})
        self.urgency = urgency
        if self.due_at is not None:
            self._stop_clock()
            self._start_clock(due, self.last_person_at or self.created_at)

    def finish(
        self,
        outcome: str,
        *,
        by: UUID,
        now: datetime,
        answer_by: datetime | None,
        outbox_id: int | None = None,
        is_held: bool = False,
    ) -> None:
        """Done, until `answer_by` on the condition that the person does not say otherwise.

        What is held has not been written to the person yet: its outbox row says when it is.
        """
        stood = write_down(self)
        self._move("finish")
        self.owner_id = self.owner_id or by
        self.outcome = outcome
        self.answer_by = answer_by
        if outbox_id is not None and not is_held:
            self.last_staff_at = now
        self._stop_clock()
        body = {"outcome": outcome, BEFORE: find_changed(stood, write_down(self))}
        self.record("done", now=now, by=by, body=body, outbox_id=outbox_id)

    def undo_finish(self, closed: RequestEvent, *, by: UUID, now: datetime) -> None:
        """It stands again as before this event, the last one: a clock that ran goes on."""
        self.check("reopen")
        self._reopen("staff", now=now, by=by)
        for name, value in read_back((closed.body or {})[BEFORE]).items():
            setattr(self, name, value)

    def reopen(
        self,
        reason: str,
        *,
        now: datetime,
        due: Due,
        by: UUID | None = None,
        inbox_id: int | None = None,
    ) -> None:
        """It was not done after all: the person says so, or nobody answered, or staff see it.

        The owner stays, but anybody may take it.
        """
        self._move("reopen")
        self._reopen(reason, now=now, by=by, inbox_id=inbox_id)
        if reason == "not_helped":
            self.last_person_at = now
        self._start_clock(due, now)

    # --- what carriers and time do ---

    def not_delivered(
        self, kind: str, *, now: datetime, due: Due, outbox_id: int, is_last_question: bool = False
    ) -> None:
        """The message of an event of this kind never arrived: for the person it was not written.

        An answer is due as if none had been given. Who was never asked is not waited for.
        """
        self._move("not_delivered")
        self.record("not_delivered", now=now, internal=True, outbox_id=outbox_id)
        if self.state == "done" and is_last_question:
            self.answer_by = None
        if self.state in OPEN_STATES and kind == "staff_message":
            self._start_clock(due, self.last_person_at or self.created_at)
        elif self.state in OPEN_STATES and kind == "referral_asked":
            self._start_clock(due, now)

    def sent_again(
        self, kind: str, *, now: datetime, written_at: datetime, outbox_id: int, asks: bool
    ) -> None:
        """A message that never arrived is tried again: the centre has written once more.

        What the person wrote since waits all the same. `asks`: it is the last question.
        """
        self.record("sent_again", now=now, internal=True, outbox_id=outbox_id)
        is_open = self.outcome != "not_reached" and self.confirmed_at is None
        if self.state == "done" and asks and is_open:
            self.answer_by = now
        is_last_word = kind == "staff_message" and (self.last_person_at or written_at) <= written_at
        if self.state in OPEN_STATES and is_last_word:
            self._stop_clock()

    def climb(self, to: str, *, now: datetime, climb_at: datetime | None) -> None:
        """Nobody answered in time: the next one above learns of it."""
        self.record("overdue", now=now, internal=True, body={"to": to})
        self.climbed_to = to
        self.climb_at = climb_at

    def check(self, move: str) -> str:
        """The state after this move. Raises MoveNotAllowed, before anything else was done."""
        target = MOVES.get((self.state, move))
        if target is None:
            raise MoveNotAllowed(self.state, move)
        return target

    def _with_owner(self, body: dict[str, Any] | None) -> dict[str, Any] | None:
        """Who has it from now on belongs to what happened, also where they only wrote or rang."""
        if self.owner_id is None or not inspect(self).attrs.owner_id.history.has_changes():
            return body
        return {**(body or {}), OWNER: str(self.owner_id)}

    def _from_owner(self, *, to: UUID) -> dict[str, str]:
        """Whom it is taken from, for the thread; nothing where it was nobody's, or theirs."""
        return {} if self.owner_id in (None, to) else {"from": str(self.owner_id)}

    def _move(self, move: str) -> None:
        self.state = self.check(move)

    def _wait(self, move: str, kind: str, *, by: UUID, now: datetime, **event: Any) -> None:
        self._move(move)
        self.owner_id = self.owner_id or by
        self.record(kind, now=now, by=by, **event)
        self._stop_clock()

    def _reopen(
        self,
        reason: str,
        *,
        now: datetime,
        by: UUID | None = None,
        inbox_id: int | None = None,
    ) -> None:
        actor = "system" if reason in ("no_answer", "staff") else "person"
        body = {"reason": reason}
        self.record("reopened", now=now, actor=actor, by=by, body=body, inbox_id=inbox_id)
        self.outcome = None
        self.answer_by = None
        self.confirmed_at = None

    def _start_clock(self, due: Due, now: datetime) -> None:
        """A clock that runs is not set back: the person has waited since it began."""
        if self.due_at is None:
            self.due_at = due(self.urgency, now)
            self.climb_at = self.due_at
            self.climbed_to = None

    def _stop_clock(self) -> None:
        self.due_at = None
        self.climb_at = None
        self.climbed_to = None
