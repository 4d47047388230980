"""Which texts the code asks for, so that none is missing and none is kept for nothing.

Keys written out are extracted by babel. Keys put together (`f"sex-{sex}"`) cannot be: their
families are listed here with their values, taken from the code's own lists where it has one.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_keywords, parse_mapping_cfg
from jinja2 import Environment, nodes

from desk.pages import account as account_page
from desk.pages import agencies as agencies_page
from desk.pages import asking_back as asking_back_page
from desk.pages import canned as canned_page
from desk.pages import centre_parts, queue_address, queue_closing, request_lines, staff_parts
from desk.pages import centres as centres_page
from desk.pages import closed_days as days_page
from desk.pages import referrals as referrals_page
from desk.pages import request as request_page
from desk.pages import staff as staff_page
from dialogs.buttons import Role
from dialogs.labels import SECTORS, TOPICS
from dialogs.my_requests import ACTIONS, NEXT, STAGES
from dialogs.passing_on import STATES as REFERRAL_STATES
from dialogs.passing_on import TAKEN_BACK
from dialogs.talk import WHOSE
from services.agencies import PURPOSES as REFERRAL_PURPOSES
from services.audit import ACTIONS as AUDIT_ACTIONS
from services.audit import FIELDS as AUDIT_FIELDS
from services.audit import SUBJECTS as AUDIT_SUBJECTS
from services.audit_search import ACTORS, FAULTS, SIDES, VIEWS
from services.consent import PURPOSES
from services.desk_queue import TABS
from services.desk_requests import CALL_RESULTS, MOVES, OUTCOMES, REASONS, STATES, URGENCIES
from services.desk_requests.canned import PLACEHOLDERS
from services.questions import AGREE, NO, REFUSE, YES
from services.referrals.asking import TOLD_HOW
from services.referrals.asking_back import RECALLED_FOR
from services.referrals.fields import SHARED
from services.referrals.states import ENDED_FOR as REFERRAL_ENDED_FOR
from services.referrals.states import KINDS as REFERRAL_KINDS
from services.referrals.states import RESULTS as REFERRAL_RESULTS
from services.referrals.steps import GIVEN_BY
from services.referrals.steps import STEPS as REFERRAL_STEPS
from services.staff_cards import linking, pressing
from services.types import SEXES, STAFF_ROLES

KEYWORDS: Final = ("Tr", "text", "say", "Press:2", "Confirm:2")

_DESK_ERRORS: Final = ("400", "403", "stale", "404", "429", "500")

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "button-": tuple(role for role in Role if role is not Role.OPTION),
    "desk-audit-by-": ACTORS,
    "desk-audit-did-": AUDIT_ACTIONS,
    "desk-audit-fault-": FAULTS,
    "desk-audit-field-": AUDIT_FIELDS,
    "desk-audit-of-": AUDIT_SUBJECTS,
    "desk-audit-side-": SIDES,
    "desk-audit-view-": tuple(VIEWS),
    "desk-account-done-": account_page.NOTICES,
    "desk-error-text-": _DESK_ERRORS,
    "desk-error-title-": _DESK_ERRORS,
    "desk-go-": ("account", "centre", "queue", "log", "staff"),
    "desk-closing-group-": queue_closing.GROUPS,
    "desk-tab-": TABS,
    "desk-undone-": queue_address.UNDONE,
    "desk-role-": STAFF_ROLES,
    "desk-role-may-": STAFF_ROLES,
    "desk-staff-done-": staff_page.DONE,
    "desk-staff-requests-": ("change", "end"),
    "desk-card-": pressing.OUTCOMES,
    "desk-card-link-": (linking.OVER, linking.OF_ANOTHER),
    "desk-climbed-": request_lines.CLIMBED_TO,
    "desk-did-": request_page.DONE,
    "desk-call-": CALL_RESULTS,
    "desk-event-": (*request_lines.EVENTS, request_lines.TAKEN_OVER),
    "desk-outcome-": OUTCOMES,
    "desk-reason-": REASONS,
    "desk-reopened-": request_lines.REOPENED_FOR,
    "desk-state-": STATES,
    "desk-urgency-": URGENCIES,
    "desk-wrong-": request_page.WRONG,
    "desk-agency-did-": agencies_page.DONE,
    "desk-agency-phone-": agencies_page.PHONE_STATES,
    "desk-agency-purpose-": REFERRAL_PURPOSES,
    "desk-canned-did-": canned_page.DONE,
    "desk-canned-fill-": PLACEHOLDERS,
    "desk-centre-did-": centres_page.DONE,
    "desk-days-did-": days_page.DONE,
    "desk-fault-": (
        *staff_parts.FAULTS,
        *(*agencies_page.FAULTS, *canned_page.FAULTS),
        *(*referrals_page.FAULTS, *days_page.FAULTS, *asking_back_page.FAULTS),
    ),
    "desk-recall-did-": asking_back_page.DONE,
    "desk-recall-for-": RECALLED_FOR,
    "desk-referral-did-": referrals_page.DONE,
    "desk-referral-wrong-": referrals_page.WRONG_WORDS,
    "desk-referral-state-": REFERRAL_STATES,
    "desk-referral-no-consent-": ("refused", "ended"),
    "desk-referral-result-": REFERRAL_RESULTS,
    "desk-referral-ended-": REFERRAL_ENDED_FOR,
    "desk-referral-step-": REFERRAL_STEPS,
    "desk-referral-do-": REFERRAL_STEPS,
    "desk-refer-field-": SHARED,
    "desk-told-": TOLD_HOW,
    "desk-given-": GIVEN_BY,
    "desk-hours-fault-": centres_page.DAY_FAULTS,
    "desk-hours-field-": ("from", "to"),
    "desk-section-": centre_parts.SECTIONS,
    "desk-channel-": ("telegram", "sms"),
    "desk-language-": ("km", "en"),
    "desk-move-": MOVES,
    "desk-delivery-": (
        *("waiting", "sent", "delivered", "uncertain", "failed", "unreachable", "withheld"),
        *("overtaken", "read"),
    ),
    "desk-known-": ("sms", "registered", "left"),
    "desk-file-": ("waiting", "refused", "lost"),
    "desk-weak-": ("short", "long", "username", "common", "same"),
    "data-": ("see", "correct", "agreements", "shared", "download", "delete", "passed-on"),
    "event-": (
        *("opened", "resubmitted", "asked_again", "person_message", "voice_note", "person_file"),
        *("phone_number", "staff_message", "taken", "handed_over", "waiting_person"),
        *("waiting_others", "going_on", "done", "confirmed", "not_confirmed", "reopened"),
        *("withdrawn", "other"),
        *REFERRAL_KINDS,
    ),
    "consent-": (AGREE, REFUSE),
    "passing-": (*REFERRAL_STATES, *TAKEN_BACK),
    "refer-field-": SHARED,
    "refer-for-": REFERRAL_PURPOSES,
    "file-": ("too_big", "too_many", "heic", "kind", "damaged", "lost"),
    "help-": (YES, NO),
    "kind-": ("voice", "audio", "video", "photo", "document"),
    "line-": ("name", "age", "sex", "home", "phone", "wanted", "sectors", "salary"),
    "menu-": ("requests", "talk", "call", "my_data", "help", "language"),
    "next-": NEXT,
    "notice-shared-": ("yes", "no"),
    "purpose-": PURPOSES,
    "purpose-words-": PURPOSES,
    "registration-": ("province", "district", "commune"),
    "salary-": ("dollars", "riel"),
    "request-": ACTIONS,
    "sector-": SECTORS,
    "sex-": SEXES,
    "stage-": STAGES,
    "time-": ("morning", "noon", "afternoon", "evening", "night", "late"),
    "topic-": (*TOPICS, "other"),
    "shared-": ("yes", "no"),
    "shared-now-": ("yes", "no"),
    "whose-": WHOSE,
}


def keys_in_use(root: Path) -> dict[str, str]:
    """Every key that the code below `root` asks for, with the place that does."""
    with (root / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file, filename="babel.cfg")  # type: ignore[no-untyped-call]
    found = extract_from_dir(root, methods, options, keywords=parse_keywords(KEYWORDS))
    used = {
        f"{family}{value}": f"the family {family}"
        for family, values in FAMILIES.items()
        for value in values
    }
    used.update({str(key): f"{path}:{line}" for path, line, key, _, _ in found})
    return used


def undeclared_families(root: Path) -> list[str]:
    """Where a key is put together whose family `FAMILIES` does not know."""
    return [
        f"{path.relative_to(root)}:{line}: the values of {prefix!r} are not in FAMILIES"
        for path, composed in _files_with_texts(root)
        for line, prefix in composed
        if prefix not in FAMILIES
    ]


def _files_with_texts(root: Path) -> Iterator[tuple[Path, Iterator[tuple[int, str]]]]:
    for folder in ("dialogs", "bot", "desk"):
        for path in sorted((root / folder).rglob("*.py")):
            yield path, _composed_keys(ast.parse(path.read_text(encoding="utf-8")))
    for path in sorted((root / "desk").rglob("*.html")):
        yield path, _composed_keys_of_template(path.read_text(encoding="utf-8"))


def _composed_keys_of_template(source: str) -> Iterator[tuple[int, str]]:
    """The same of `text("family-" ~ value)`."""
    for call in Environment(autoescape=True).parse(source).find_all(nodes.Call):
        if getattr(call.node, "name", "") != "text" or not call.args:
            continue
        key = call.args[0]
        if not isinstance(key, nodes.Const):
            first = key.nodes[0] if isinstance(key, nodes.Concat) else key
            yield call.lineno, str(first.value) if isinstance(first, nodes.Const) else ""


def _composed_keys(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, what stands before the first value) of every key that is an f-string."""
    places = {name: where or (1,) for name, where in parse_keywords(KEYWORDS).items()}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        for place in places.get(name, ()):
            key = node.args[place - 1] if len(node.args) >= place else None
            if isinstance(key, ast.JoinedStr):
                first = key.values[0]
                yield node.lineno, str(first.value) if isinstance(first, ast.Constant) else ""
