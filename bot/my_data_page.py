"""Everything that is kept about somebody, as one page to take away.

It opens on any phone and needs nothing beside itself: photos and voice messages are inside. What
staff wrote for one another is not theirs and is not in it.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from locales.catalogue import DEFAULT_LANGUAGE, Catalogue, UnknownTextError
from services import pending_words, phone_numbers, places
from services.files import KEPT, WAITING, KeptFile
from services.my_data import HeldRequest, MyData
from services.referrals.own import OwnReferral
from services.referrals.states import KINDS as REFERRAL_KINDS
from services.threads.reading import CONFIRMED, STAGES
from services.types import Address, Consent, Draft, File, RequestEvent

NAME: Final = "MRC.html"
MEDIA_TYPE: Final = "text/html"
MOST_BYTES_INSIDE: Final = 30 * 1024 * 1024  # a third more as text; Telegram takes 50 MB

_CAMBODIA: Final = ZoneInfo("Asia/Phnom_Penh")
_TOPICS: Final = ("registration", "call", "talk")
_EVENTS: Final = (
    "opened",
    "resubmitted",
    "asked_again",
    "person_message",
    "voice_note",
    "person_file",
    "phone_number",
    "staff_message",
    "taken",
    "handed_over",
    "waiting_person",
    "waiting_others",
    "going_on",
    "done",
    "confirmed",
    "not_confirmed",
    "reopened",
    "withdrawn",
    *REFERRAL_KINDS,
)
_LEVELS: Final = ("commune", "district", "province")


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file of a thread: shown by `element` from `source`, or `note` says why it is not there."""

    element: str
    label: str
    source: str = field(default="", repr=False)
    name: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to a request."""

    day: str
    what: str
    mine: bool
    text: str
    enclosed: Enclosed | None


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: Sequence[Row]
    note: str = ""
    entries: Sequence[Entry] = ()


def render_my_data(
    data: MyData,
    language: str | None,
    catalogue: Catalogue,
    files: Mapping[UUID, KeptFile],
    *,
    now: datetime,
) -> bytes:
    """The page, in UTF-8. `files` are those whose content is put inside, by their ids."""
    writer = _Writer(data, language or DEFAULT_LANGUAGE, catalogue, files, now)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    page = environment.get_template("my_data_page.html").render(
        language=writer.language,
        title=writer.text("page-title"),
        intro=writer.text("page-intro", day=writer.day(now)),
        careful=writer.text("page-careful"),
        sections=list(writer.sections()),
    )
    return page.encode()


class _Writer:
    """Puts what is kept into words of one language."""

    def __init__(
        self,
        data: MyData,
        language: str,
        catalogue: Catalogue,
        kept: Mapping[UUID, KeptFile],
        now: datetime,
    ) -> None:
        self.language = language
        self._data = data
        self._catalogue = catalogue
        self._kept = kept
        self._now = now
        self._files = {file.id: file for file in data.files}
        self._gazetteer = places.load_gazetteer()

    def text(self, key: str, **values: object) -> str:
        return self._catalogue.fill(key, self.language, "", values)

    def day(self, at: datetime) -> str:
        """With its year: the page may be read in another one."""
        day: str = format_date(at.astimezone(_CAMBODIA).date(), "d MMMM y", locale=self.language)
        return day

    def sections(self) -> Iterator[Section]:
        if self._data.person is not None:
            yield Section(self.text("page-about"), list(self._person()))
        for draft in self._data.drafts:
            yield self._draft(draft)
        yield Section(
            self.text("page-reach"), [self._address(address) for address in self._data.addresses]
        )
        consents = [self._consent(consent) for consent in self._data.consents]
        yield Section(self.text("data-agreements"), consents, self._none_of(consents))
        if self._data.referrals:
            rows = [self._referral(referral) for referral in self._data.referrals]
            yield Section(self.text("page-passed-on"), rows)
        yield Section(self.text("menu-requests"), [], self._none_of(self._data.requests))
        for held in self._data.requests:
            yield self._request(held)

    def _draft(self, draft: Draft) -> Section:
        if draft.form == pending_words.FORM:
            told = Row(self.day(draft.created_at), pending_words.get_words(draft))
            return Section(self.text("page-words"), [told])
        return Section(self.text("page-draft"), list(self._answers(draft.answers)))

    def _none_of(self, things: Sequence[object]) -> str:
        return "" if things else self.text("page-nothing")

    def _person(self) -> Iterator[Row]:
        person, profile = self._data.person, self._data.profile
        assert person is not None
        answers: dict[str, Any] = {
            "name": person.name,
            "birth_year": person.birth_year,
            "sex": person.sex,
            "commune": person.home_code,
            "phone_e164": person.phone,
        }
        if profile is not None:
            answers["wanted_provinces"] = profile.wanted_provinces
            answers["wanted_anywhere"] = not profile.wanted_provinces
            answers["sectors"] = profile.sectors
            if profile.expected_salary is not None:
                pay = {"amount": profile.expected_salary, "currency": profile.salary_currency}
                answers["salary"] = pay
        yield Row(self.text("page-registered"), self.day(person.created_at))
        yield from self._answers(answers)

    def _answers(self, answers: Mapping[str, Any]) -> Iterator[Row]:
        """What was answered, in the order of asking; what was not is left out."""
        phone = answers.get("phone_e164") or answers.get("phone_abroad")
        sex = answers.get("sex")
        values = {
            "name": answers.get("name"),
            "age": self._age(answers),
            "sex": sex and self.text(f"sex-{sex}"),
            "home": self._home(answers),
            "phone": phone and phone_numbers.display(phone),
            "wanted": self._wanted(answers),
            "sectors": self._joined([self._sector(each) for each in answers.get("sectors") or ()]),
            "salary": self._salary(answers.get("salary")),
        }
        for name, value in values.items():
            if value:
                yield Row(self.text(f"line-{name}"), str(value))

    def _age(self, answers: Mapping[str, Any]) -> str:
        year = answers.get("birth_year")
        if year is not None:
            age = self._now.astimezone(_CAMBODIA).year - year
            return self.text("page-age", age=age, year=year)
        age = answers.get("age")
        return "" if age is None else self.text("line-age-value", age=age)

    def _home(self, answers: Mapping[str, Any]) -> str:
        """From the smallest place that is known up to the province."""
        code = next((answers[level] for level in _LEVELS if answers.get(level)), None)
        place = None if code is None else self._gazetteer.find_code(code)
        if place is None:
            return code or ""
        around = self._gazetteer.ancestors(place)
        return self._joined([places.label(each, self.language) for each in (place, *around)])

    def _wanted(self, answers: Mapping[str, Any]) -> str:
        if answers.get("wanted_anywhere"):
            return self.text("wanted-anywhere")
        return self._joined([self._place(code) for code in answers.get("wanted_provinces") or ()])

    def _place(self, code: str) -> str:
        if code == "any":
            return self.text("wanted-anywhere")
        place = self._gazetteer.find_code(code)
        return code if place is None else places.label(place, self.language)

    def _sector(self, sector: str) -> str:
        """Words that a later release no longer has are shown as they were kept."""
        try:
            return self.text(f"sector-{sector}")
        except UnknownTextError:
            return sector

    def _salary(self, pay: Mapping[str, Any] | None) -> str:
        if not pay:
            return ""
        amount = f"{pay['amount']:,}"
        if pay["currency"] == "USD":
            return self.text("salary-dollars", amount=amount)
        return self.text("salary-riel", amount=amount)

    def _joined(self, names: Sequence[str]) -> str:
        return (" " if self.language == "km" else ", ").join(names)

    def _address(self, address: Address) -> Row:
        if address.channel == "sms":
            label = self.text("page-sms", number=phone_numbers.display(address.value))
        else:
            label = self.text("page-telegram", id=address.value)
        said = [self.text("page-since", day=self.day(address.created_at))]
        if address.is_shared is not None:
            answer = "yes" if address.is_shared else "no"
            said.append(self.text(f"shared-now-{answer}"))
        if address.stopped_at is not None:
            said.append(self.text("page-stopped", day=self.day(address.stopped_at)))
        return Row(label, " ".join(said))

    def _consent(self, consent: Consent) -> Row:
        name, day = self.text(f"purpose-{consent.purpose}"), self.day(consent.at)
        if consent.given:
            return Row(name, self.text("agreement-given", day=day))
        return Row(name, self.text("agreement-refused", day=day))

    def _referral(self, referral: OwnReferral) -> Row:
        """To whom what; a sensitive one is not named here either: others may open this page."""
        agency = referral.agency(self.language) or self.text("passing-an-organisation")
        said = []
        if referral.purpose is not None:
            purpose = self.text(f"refer-for-{referral.purpose}")
            said.append(self.text("passing-to-for", agency=agency, purpose=purpose))
        if referral.shared:
            fields = self._joined([self.text(f"refer-field-{each}") for each in referral.shared])
            said.append(self.text("passing-fields", fields=fields))
        else:
            said.append(self.text("passing-no-fields"))
        if referral.need is not None:
            said.append(self.text("message-may-refer-need", need=referral.need))
        day = self.day(referral.stands_since)
        said.append(self.text(f"passing-{referral.standing}", day=day))
        return Row(agency, " ".join(said))

    def _request(self, held: HeldRequest) -> Section:
        request = held.request
        topic = request.topic if request.topic in _TOPICS else "other"
        stage = CONFIRMED if request.confirmed_at is not None else STAGES[request.state]
        return Section(
            self.text("request-title", topic=self.text(f"topic-{topic}"), code=request.code),
            [],
            self.text("request-stage", stage=self.text(f"stage-{stage}")),
            [self._entry(event) for event in held.events],
        )

    def _entry(self, event: RequestEvent) -> Entry:
        body = event.body or {}
        kind = event.kind if event.kind in _EVENTS else "other"
        phone = body.get("phone_e164")
        file = self._files.get(event.file_id) if event.file_id else None
        return Entry(
            day=self.day(event.at),
            what=self.text(f"event-{kind}"),
            mine=event.actor == "person",
            text=body.get("text") or (phone_numbers.display(phone) if phone else ""),
            enclosed=None if file is None else self._enclosed(file),
        )

    def _enclosed(self, file: File) -> Enclosed:
        label = self.text(f"kind-{file.kind}")
        kept = self._kept.get(file.id)
        if kept is None:
            return Enclosed("note", label, note=self._why_not(file))
        encoded = base64.b64encode(kept.data).decode()
        source = f"data:{kept.media_type};base64,{encoded}"
        return Enclosed(_element(kept.media_type), label, source, kept.name)

    def _why_not(self, file: File) -> str:
        if file.state == WAITING:
            return self.text("page-waiting")
        return self.text("page-not-here") if file.state == KEPT else self.text("page-not-kept")


def _element(media_type: str) -> str:
    family = media_type.partition("/")[0]
    return {"image": "img", "audio": "audio", "video": "video"}.get(family, "a")
