"""A form that outlives the phone, the process and Redis.

Every answer is written to its draft before the next window is shown; the dialog itself
remembers nothing. Whoever comes back, on whatever window, goes on where they were.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aiogram.fsm.state import State
from aiogram_dialog import DialogManager

from dialogs.turn import turn_of
from services import drafts
from services.places import Gazetteer

CORRECTING = "correcting"


@dataclass(frozen=True)
class Form:
    """`steps` in the order in which they are asked, the summary last.

    `usable` leaves out answers that no longer mean anything.
    """

    name: str
    steps: Sequence[State]
    usable: Callable[[Mapping[str, object], Gazetteer], Mapping[str, object]]

    @property
    def summary(self) -> State:
        return self.steps[-1]

    def step(self, name: str | None) -> State:
        """The state of that name, or the first step for an unknown one (renamed since)."""
        return next((state for state in self.steps if state.state == name), self.steps[0])

    async def answers(self, manager: DialogManager) -> Mapping[str, object]:
        turn = turn_of(manager)
        if turn.answers is None:
            async with turn.new_session.begin() as session:
                draft = await drafts.find_draft(session, turn.address.id, self.name)
            turn.answers = draft.answers if draft else {}
        return self.usable(turn.answers, turn.gazetteer)

    async def keep(self, manager: DialogManager, answers: Mapping[str, object]) -> None:
        """Write answers without moving on."""
        await self._save(manager, answers, manager.current_context().state)

    async def answer(
        self,
        manager: DialogManager,
        answers: Mapping[str, object],
        onward: State | None = None,
        forget: Sequence[str] = (),
    ) -> None:
        """Write answers, then show the next window (`onward`, or the next step).

        `forget` names answers that these make void.
        """
        following = onward or self._following(manager)
        await self._save(manager, answers, following, forget)
        await manager.switch_to(following)

    async def _save(
        self,
        manager: DialogManager,
        answers: Mapping[str, object],
        step: State,
        forget: Sequence[str] = (),
    ) -> None:
        turn = turn_of(manager)
        async with turn.connect() as connection:
            turn.answers = await drafts.save_answers(
                connection,
                turn.address.id,
                self.name,
                dict(answers),
                step=step.state,
                forget=forget,
            )

    def _following(self, manager: DialogManager) -> State:
        state = manager.current_context().state
        if manager.dialog_data.get(CORRECTING):
            return self.summary
        return self.steps[self.steps.index(state) + 1]

    async def back(self, manager: DialogManager) -> None:
        """To the question before; from a correction to the summary; else out of the form."""
        state = manager.current_context().state
        at = self.steps.index(state)
        if manager.dialog_data.get(CORRECTING) and state != self.summary:
            await manager.switch_to(self.summary)
        elif at:
            await manager.switch_to(self.steps[at - 1])
