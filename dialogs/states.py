"""Every state of every conversation, and the only place where conversations meet.

The names are kept beside people's answers for weeks, so a name says nothing about
what a person may be going through, and renaming one strands whoever stands there.
"""

from aiogram.fsm.state import State, StatesGroup


class Language(StatesGroup):
    choose = State()


class Menu(StatesGroup):
    main = State()
    how_to_use = State()
    mine = State()


class Registration(StatesGroup):
    consent = State()
    name = State()
    age = State()
    sex = State()
    province = State()
    district = State()
    commune = State()
    phone = State()
    wanted = State()
    sectors = State()
    salary = State()
    summary = State()
    correct = State()
    purposes = State()
    done = State()


class CallMe(StatesGroup):
    offer = State()
    phone = State()
    no_number = State()
    done = State()


class Requests(StatesGroup):
    list = State()
    one = State()
    answers = State()
    add = State()
    added = State()
    withdraw = State()


class Talk(StatesGroup):
    write = State()
    whose = State()
    sent = State()


class PassingOn(StatesGroup):
    list = State()
    one = State()
    take_back = State()


class Answered(StatesGroup):
    said = State()


class Messages(StatesGroup):
    stopped = State()


class MyData(StatesGroup):
    main = State()
    see = State()
    agreements = State()
    agreement = State()
    shared = State()
    download = State()
    delete = State()
    deleted = State()


ALL_GROUPS: tuple[type[StatesGroup], ...] = (
    Language,
    Menu,
    Registration,
    CallMe,
    Requests,
    Talk,
    PassingOn,
    Answered,
    Messages,
    MyData,
)
