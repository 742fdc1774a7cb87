"""Sending what is due, by apprise or push: at least once, with patience, never twice gladly.

A message is a row in the registry before it is sent, taken by one sender, and noted after.
If he dies between the two it is sent again, a minute later; one that cannot send tries
again, later and later.
"""

import secrets
from collections.abc import Callable
from typing import Final, NamedTuple

import apprise
import structlog

from analytics.alarms.addresses import is_plain
from analytics.alarms.calling import ESCALATE_MS
from analytics.alarms.messages import body, setter_of, title
from analytics.alarms.pushing import (
    Outcome,
    Pushed,
    Subscription,
    subscription_of,
)
from analytics.alarms.texting import plain, text_message
from analytics.alarms.ways import Ways, way_of
from analytics.ports import Registry
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import MissingError
from greenwater.kernel.reading import DAY_MS, milliseconds
from greenwater.storage.registry.bulletins import NIGHTLY, TESTS, BulletinCopy
from greenwater.storage.registry.naming import units_of
from greenwater.storage.registry.watching import Notification

log = structlog.get_logger()

LINK_MS: Final = DAY_MS
"""How long a link acknowledges."""

FIRST_PAUSE_MS: Final = 10_000
MOST_ATTEMPTS: Final = 12
MOST_COPIES: Final = 9
MOST_LASTING: Final = 40
MOST_OF_TEST: Final = 3
"""Whoever tests a way waits for what becomes of it: half a minute is enough."""

Send = Callable[[str, str, str], bool]
Push = Callable[[Subscription, Pushed], Outcome]
NO_WAYS: Final = Ways()


class Said(NamedTuple):
    """A message: head and text, and what a browser needs beside them."""

    head: str
    text: str
    path: str
    tag: str
    lang: str = "vi"
    is_critical: bool = False
    is_urgent: bool = False


def push_nothing(_one: Subscription, _message: Pushed) -> Outcome:
    """Push nothing: where no key is, nobody can have asked."""
    return Outcome.FAILED


def send_by_apprise(url: str, head: str, text: str) -> bool:
    """Send one message; return whether it was taken."""
    sender = apprise.Apprise()
    if not sender.add(url):
        return False
    try:
        return bool(sender.notify(title=head, body=text))
    except Exception as exc:  # noqa: BLE001  (a plugin may raise anything: try later)
        log.warning(
            "sender.failed", scheme=url.partition(":")[0], error=repr(exc)[:200]
        )
        return False


class Notifier:
    """Sends due messages. Used by one thread."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        public_url: str,
        *,
        ways: Ways = NO_WAYS,
        send: Send = send_by_apprise,
        push: Push = push_nothing,
        new_token: Callable[[], str] = lambda: secrets.token_urlsafe(16),
    ) -> None:
        self._registry, self._clock = registry, clock
        self._public_url = public_url.rstrip("/")
        self._ways, self._send, self._push = ways, send, push
        self._new_token = new_token

    def send_due(self) -> int:
        """Send what is due now; return how many messages went out.

        Raises:
            UnavailableError: the registry did not answer.
        """
        sent, registry = 0, self._registry
        due = registry.due_notifications(self._now_ms())
        copies = registry.due_copies(self._now_ms())
        for one in due:
            if registry.take_notification(one.id, now_ms := self._now_ms()):
                sent += self._tell(one, now_ms)
        for copy in copies:
            if registry.take_copy(copy.id, now_ms := self._now_ms()):
                sent += self._pass_on(copy, now_ms)
        return sent

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())

    def _pass_on(self, one: BulletinCopy, now_ms: int) -> bool:
        """Send a copy; after an hour of trying it is too late for one of the night.

        What else is said (goods called back, papers that end) is tried for a day.
        """
        head, text = one.head, one.text
        if is_plain(one.url):
            head, text = "", plain(f"{head}: {text}")
        is_test = one.id.startswith(TESTS)
        path = "/calls" if is_test else "/"
        outcome = self._out(one.url, Said(head, text, path, one.id, is_urgent=is_test))
        if outcome is Outcome.SENT:
            self._registry.copy_sent(one.id, self._now_ms())
            return True
        most = MOST_COPIES if one.kind in NIGHTLY else MOST_LASTING
        if is_test:
            most = MOST_OF_TEST
        is_last = outcome is Outcome.GONE or one.attempts + 1 >= most
        log.warning("bulletin.failed", id=one.id, last=is_last)
        pause_ms = FIRST_PAUSE_MS * 2 ** min(one.attempts, 8)
        self._registry.copy_failed(
            one.id, next_ms=None if is_last else now_ms + pause_ms, at_ms=now_ms
        )
        if outcome is Outcome.GONE:
            self._registry.drop_contact(one.organisation, one.person, one.url)
        return False

    def _tell(self, one: Notification, now_ms: int) -> bool:
        try:
            said = self._said(one, now_ms)
        except MissingError as exc:
            self._registry.notification_failed(
                one, str(exc), next_ms=None, at_ms=now_ms
            )
            return False
        outcome = self._out(one.url, said)
        if outcome is Outcome.SENT:
            self._registry.notification_sent(one, self._now_ms())
            return True
        pause_ms = FIRST_PAUSE_MS * 2 ** min(one.attempts, 8)
        is_last = outcome is Outcome.GONE or one.attempts + 1 >= MOST_ATTEMPTS
        log.warning("notification.failed", id=one.id, last=is_last)
        self._registry.notification_failed(
            one,
            "not taken: see the log",
            next_ms=None if is_last else now_ms + pause_ms,
            at_ms=now_ms,
        )
        if one.attempts == 0 or outcome is Outcome.GONE:
            # The next need not wait for one who was not told.
            self._registry.hasten_notifications(one, now_ms, most_ms=ESCALATE_MS)
        if outcome is Outcome.GONE:
            self._registry.drop_contact(one.organisation, one.person, one.url)
        return False

    def _out(self, url: str, said: Said) -> Outcome:
        """Send to an address; to one of ours by the operator's gateway, if there is one."""
        browser = subscription_of(url)
        if browser is not None:
            message = Pushed(
                title=said.head,
                text=said.text,
                path=said.path,
                tag=said.tag,
                lang=said.lang,
                critical=said.is_critical,
                urgent=said.is_urgent,
            )
            return self._push(browser, message)
        address = self._ways.address_of(url)
        if not address:
            log.warning("way.unset", way=str(way_of(url)))
            return Outcome.FAILED
        was_taken = self._send(address, said.head, said.text)
        return Outcome.SENT if was_taken else Outcome.FAILED

    def _said(self, one: Notification, now_ms: int) -> Said:
        alarm = self._registry.get_alarm(one.alarm)
        token = self._new_token()
        self._registry.add_alarm_link(token, one, expires_ms=now_ms + LINK_MS)
        path = f"/a/{token}"
        link = f"{self._public_url}{path}"
        name, kind = "", ""
        if alarm.unit is not None:
            unit = self._registry.get_unit(alarm.unit)
            theirs = units_of(self._registry.visible_to(one.person))
            unit = theirs.get(alarm.unit, unit)  # two farms may each have a first pond
            name, kind = unit.name, unit.kind
        if is_plain(one.url):
            return Said("", text_message(alarm, name, kind, link), path, alarm.id)
        setter, browser = setter_of(alarm), subscription_of(one.url)
        who = "" if setter is None else self._registry.names({setter}).get(setter, "")
        lang = "vi" if browser is None else browser.lang
        if browser is not None:  # a tap opens it
            link = ""
        return Said(
            title(alarm, name, lang),
            body(alarm, name, kind, link, lang, who),
            path,
            alarm.id,
            lang,
            alarm.severity == "critical",
            is_urgent=True,
        )
