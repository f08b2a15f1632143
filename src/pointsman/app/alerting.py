"""Looks at the last minutes now and then, keeps every rule's state, and tells whoever is to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from pointsman.app.alert_spec import AlertsSpec, Receiver
from pointsman.core.failure import PointsmanError
from pointsman.telemetry.alerts import AlertRule, AlertState, Change, holds, next_state
from pointsman.telemetry.windows import Windows

__all__ = ["Alerting", "Notice", "alertmanager_body", "webhook_body"]

_TIMEOUT_S = 10.0


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is told."""

    rule: str
    change: Change
    severity: str
    route: str
    variant: str
    summary: str
    began_s: float
    ended_s: float | None = None
    notify: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """One line."""
        return f"{'FIRING' if self.change == 'fires' else 'over'}: {self.rule} · {self.route} · {self.variant}"


class Alerting:
    """Every rule's state for every route and variant, and the receivers."""

    def __init__(self, say: Callable[[str], None], spec: AlertsSpec = AlertsSpec()) -> None:  # noqa: B008  # frozen
        self._spec = spec
        self._say = say
        self._states: dict[tuple[str, str, str], AlertState] = {}
        self._began: dict[tuple[str, str, str], float] = {}
        self.windows = Windows()
        self.undelivered = 0
        """Notices a receiver did not take."""

    def change(self, spec: AlertsSpec) -> None:
        """Other rules and receivers from now on; the state of a rule that stays is kept."""
        self._spec = spec
        kept = spec.in_force()
        self._states = {key: state for key, state in self._states.items() if key[0] in kept}

    @property
    def firing(self) -> list[tuple[str, str, str]]:
        """(rule, route, variant) of all that fire now."""
        return sorted(key for key, state in self._states.items() if state.firing)

    def look(self, migrating: Mapping[str, tuple[str, str]], routes: Mapping[str, object], now_s: float) -> list[Notice]:
        """What has changed. `migrating` names baseline and candidate of each route that has a migration running."""
        notices: list[Notice] = []
        for name, rule in self._spec.in_force().items():
            for route in rule.routes or tuple(routes):
                baseline = migrating.get(route, ("", ""))[0]
                for variant in self.windows.variants(route):
                    notice = self._one(name, rule, route, variant, baseline if baseline != variant else "", now_s)
                    if notice is not None:
                        notices.append(notice)
        return notices

    def _one(self, name: str, rule: AlertRule, route: str, variant: str, baseline: str, now_s: float) -> Notice | None:
        key = (name, route, variant)
        now = self.windows.lately(route, variant, rule.window_s, now_s)
        theirs = self.windows.lately(route, baseline, rule.window_s, now_s) if baseline else None
        state, change = next_state(rule, self._states.get(key, AlertState()), condition=holds(rule, now, theirs), now_s=now_s)
        self._states[key] = state
        if change is None:
            return None
        value, n = now.value(rule.metric)
        if change == "fires":
            self._began[key] = now_s
        return Notice(
            rule=name,
            change=change,
            severity=rule.severity,
            route=route,
            variant=variant,
            summary=_summary(rule, value, n, theirs.value(rule.metric)[0] if theirs is not None else None),
            began_s=self._began.get(key, now_s),
            ended_s=now_s if change == "resolves" else None,
            notify=rule.notify or tuple(self._spec.notify),
        )

    async def tell(self, notices: list[Notice]) -> None:
        """Say it on stderr, and to every receiver of each notice; one that cannot be reached is counted and named."""
        for notice in notices:
            self._say(f"alert {notice.title}: {notice.summary}")
        sent = [(receiver, notice) for notice in notices for receiver in notice.notify]
        done = await asyncio.gather(*(self._send(self._spec.notify[r], n) for r, n in sent), return_exceptions=True)
        for (receiver, _), problem in zip(sent, done, strict=True):
            if isinstance(problem, BaseException):
                self.undelivered += 1
                self._say(f"alert could not be sent to {receiver}: {type(problem).__name__}")  # its text may hold the address

    async def _send(self, receiver: Receiver, notice: Notice) -> None:
        if receiver.url is not None:
            await asyncio.to_thread(_by_apprise, receiver.url, notice)
        elif receiver.webhook is not None:
            await _post(receiver.webhook, webhook_body([notice]))
        elif receiver.alertmanager is not None:
            await _post(f"{receiver.alertmanager.rstrip('/')}/api/v2/alerts", alertmanager_body([notice]))


def alertmanager_body(notices: list[Notice]) -> list[dict[str, Any]]:
    """What Alertmanager's API (version 2) takes in."""
    return [
        {
            "labels": _labels(notice),
            "annotations": {"summary": notice.summary},
            "startsAt": _time(notice.began_s),
            **({"endsAt": _time(notice.ended_s)} if notice.ended_s is not None else {}),
        }
        for notice in notices
    ]


def webhook_body(notices: list[Notice]) -> dict[str, Any]:
    """What Alertmanager sends to a webhook (version 4)."""
    firing = any(n.change == "fires" for n in notices)
    common = {k: v for k, v in _labels(notices[0]).items() if all(_labels(n).get(k) == v for n in notices)}
    return {
        "version": "4",
        "groupKey": "pointsman",
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "pointsman",
        "groupLabels": {},
        "commonLabels": common,
        "commonAnnotations": {},
        "externalURL": "",
        "alerts": [
            {
                "status": "firing" if notice.change == "fires" else "resolved",
                "labels": _labels(notice),
                "annotations": {"summary": notice.summary},
                "startsAt": _time(notice.began_s),
                "endsAt": _time(notice.ended_s) if notice.ended_s is not None else "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": f"{notice.rule}/{notice.route}/{notice.variant}",
            }
            for notice in notices
        ],
    }


def _labels(notice: Notice) -> dict[str, str]:
    return {"alertname": notice.rule, "severity": notice.severity, "route": notice.route, "variant": notice.variant}


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _summary(rule: AlertRule, value: float | None, n: int, theirs: float | None) -> str:
    said = "nothing is known" if value is None else f"{rule.metric} is {value:.4g} over {n:,} requests in {rule.window_s:g} s"
    if rule.above is not None:
        return f"{said}; above {rule.above:g} is too much"
    if rule.below is not None:
        return f"{said}; below {rule.below:g} is too little"
    beside = "unknown" if theirs is None else f"{theirs:.4g}"
    if rule.over_baseline is not None:
        return f"{said}; the baseline's is {beside}, and more than {rule.over_baseline:g} times that is too much"
    return f"{said}; the baseline's is {beside}, and {rule.under_baseline:g} less is too little"


async def _post(url: str, body: object) -> None:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, data=msgspec.json.encode(body), headers={"content-type": "application/json"}) as reply,
    ):
        if reply.status >= 300:
            raise PointsmanError(f"the receiver answered {reply.status}")


def _by_apprise(url: str, notice: Notice) -> None:
    import apprise

    box = apprise.Apprise()
    kind = apprise.NotifyType.FAILURE if notice.change == "fires" else apprise.NotifyType.SUCCESS
    if not box.add(url) or not box.notify(body=notice.summary, title=notice.title, notify_type=kind):
        raise PointsmanError("Apprise did not deliver it")
