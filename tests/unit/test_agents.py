"""Browsers, systems, devices and bots, against agents that others have labelled."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from loglode.silver.agents import DERIVED, agent_expressions

DATA = Path(__file__).resolve().parents[1] / "data"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0"
CASES = {
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME.replace('Chrome', 'HeadlessChrome')} Safari/537.36": (
        "Chrome", "Linux", "bot", True,
    ),
    "Opera/9.80 (Android 2.3; Linux; Opera Mobi/ADR-1309251116) Presto/2.11 Version/12.1": (
        "Opera", "Android", "tablet", False,
    ),
    "Mozilla/5.0 (Maemo; Linux armv7l; rv:10.0) Gecko/20100101 Firefox/10.0 Fennec/10.0 Mobi": (
        "Firefox", "Linux", "mobile", False,
    ),
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0)": (
        "Internet Explorer", "Windows", "mobile", False,
    ),
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36": ("Chrome", "Windows", "desktop", False),
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/124.0": ("Edge", "Windows", "desktop", False),
    f"Mozilla/5.0 (X11; Linux x86_64) {CHROME} Safari/537.36 OPR/110.0": ("Opera", "Linux", "desktop", False),
    f"Mozilla/5.0 (X11; CrOS x86_64 15633) {CHROME} Safari/537.36": ("Chrome", "ChromeOS", "desktop", False),
    f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {CHROME} Mobile Safari/537.36": ("Chrome", "Android", "mobile", False),
    f"Mozilla/5.0 (Linux; Android 13; SM-X700) {CHROME} Safari/537.36": ("Chrome", "Android", "tablet", False),
    f"Mozilla/5.0 (Linux; Android 6.0; CUBOT MAX) {CHROME} Mobile Safari/537.36": ("Chrome", "Android", "mobile", False),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4"
    " Mobile/15E148 Safari/604.1": ("Safari", "iOS", "mobile", False),
    "Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/124.0"
    " Mobile/15E148 Safari/604.1": ("Chrome", "iOS", "tablet", False),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:121.0) Gecko/20100101 Firefox/121.0": (
        "Firefox", "macOS", "desktop", False,
    ),
    "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko": (
        "Internet Explorer", "Windows", "desktop", False,
    ),
    "curl/8.5.0": (None, None, "bot", True),
    "Go-http-client/1.1": (None, None, "bot", True),
    "AnotherProgram": (None, None, "bot", True),
    f"Mozilla/5.0 (Linux; Android 6.0.1) {CHROME} Mobile Safari/537.36 (compatible; Googlebot/2.1;"
    " +http://www.google.com/bot.html)": ("Chrome", "Android", "bot", True),
    "'; drop table agents; --": (None, None, "bot", True),
    # A request without an agent, and one of which it is not known.
    "": (None, None, "bot", True),
    None: (None, None, None, None),
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 ||| ReqID: 12 | Initiator: https://x.example": (
        "Chrome", "Windows", "desktop", False,
    ),
    f"Mozilla/5.0 (Linux; Android 9; SPIDER MONITOR X Build/1) {CHROME} Mobile Safari/537.36": (
        "Chrome", "Android", "mobile", False,
    ),
    "Debian APT-HTTP/1.3 (1.0.1ubuntu2)": (None, None, "bot", True),
    "Apache/2.4.58 (Ubuntu) (internal dummy connection)": (None, None, "bot", True),
    "Mozilla/5.0": (None, None, "bot", True),
    "Mozilla/4.0 (compatible;)": (None, None, "bot", True),
}  # fmt: skip


def derive(agents: Sequence[str | None]) -> list[tuple[Any, ...]]:
    """DERIVED of each agent."""
    expressions = agent_expressions("agent")
    columns = ", ".join(expressions[name] for name in DERIVED)
    connection = duckdb.connect()
    return connection.execute(
        f"select {columns} from (select unnest($agents::varchar[]) as agent)", {"agents": list(agents)}
    ).fetchall()


@pytest.mark.parametrize("agent", CASES, ids=lambda agent: str(agent)[-40:])
def test_known_agents(agent: str | None) -> None:
    assert derive([agent]) == [CASES[agent]]


def labelled(kind: str) -> list[tuple[str, Any]]:
    """(agent, label) of the agents of ua-parser's tests that say the browser, the system, or that it is a bot."""
    lines = (DATA / "uap-core" / "agents.ndjson").read_text("utf-8").splitlines()
    return [(entry["agent"], entry[kind]) for entry in map(json.loads, lines) if kind in entry]


@pytest.mark.parametrize("kind", ["browser", "os", "is_bot"])
def test_agents_that_another_parser_labels(kind: str) -> None:
    agents = labelled(kind)
    assert len(agents) > 20
    found = [row[DERIVED.index(kind)] for row in derive([agent for agent, _ in agents])]
    assert dict(zip(agents, found, strict=True)) == {(agent, label): label for agent, label in agents}


def test_browsers_that_another_parser_labels_are_no_bots() -> None:
    people = [agent for kind in ("browser", "os") for agent, _ in labelled(kind)]
    assert [agent for agent, row in zip(people, derive(people), strict=True) if row[-1]] == []


def _share_of_bots(agents: Sequence[str]) -> float:
    return sum(bool(is_bot) for *_, is_bot in derive(agents)) / len(agents)


def _texts(path: Path) -> list[str]:
    return [agent for agents in yaml.safe_load(path.read_text()).values() for agent in agents]


def test_crawlers_are_bots(real_logs: Path) -> None:
    known = json.loads((real_logs / "user-agents" / "crawler-user-agents.json").read_text())
    agents = [agent for entry in known for agent in entry["instances"]]
    assert len(agents) > 2000
    assert _share_of_bots(agents) >= 0.95
    assert _share_of_bots(_texts(real_logs / "user-agents" / "crawlers.yml")) >= 0.8


def test_browsers_are_no_bots(real_logs: Path) -> None:
    # The list holds some attacks and programs as well.
    programs = (
        "LWPrCa2l",
        "Mozilliqa",
        "MyLib",
        "Mozilla/5.0 (compatible; Lucidworks",
        "amazon-kendra",
        "pinterest/",
    )
    agents = [a for a in _texts(real_logs / "user-agents" / "browsers.yml") if not a.startswith(programs)]
    assert len(agents) > 500
    assert _share_of_bots(agents) <= 0.005


FAMILIES = {
    "Chrome": "Chrome", "Chrome Mobile": "Chrome", "Chrome Mobile iOS": "Chrome", "Firefox": "Firefox",
    "Firefox Mobile": "Firefox", "Firefox iOS": "Firefox", "Edge": "Edge", "Edge Mobile": "Edge",
    "Safari": "Safari", "Mobile Safari": "Safari", "Opera": "Opera", "IE": "Internet Explorer",
    "Samsung Internet": "Samsung Internet", "Yandex Browser": "Yandex", "Vivaldi": "Vivaldi",
}  # fmt: skip
SYSTEMS = {
    "Windows": "Windows", "Mac OS X": "macOS", "iOS": "iOS", "Android": "Android", "Chrome OS": "ChromeOS",
    "Linux": "Linux", "Ubuntu": "Linux", "Fedora": "Linux",
}  # fmt: skip


def _agreement(path: Path, column: int, names: dict[str, str]) -> float:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        every = yaml.load(file, Loader=loader)["test_cases"]  # noqa: S506 - both are safe loaders
    # Browsers: what apps say of themselves is left to those who know them.
    cases = [c for c in every if c["family"] in names and c["user_agent_string"].startswith("Mozilla/")]
    found = derive([case["user_agent_string"] for case in cases])
    assert len(cases) > 60
    same = sum(bool(row[column] == names[case["family"]]) for row, case in zip(found, cases, strict=True))
    return same / len(cases)


def test_families_agree_with_another_parser(real_logs: Path) -> None:
    uap = real_logs / "user-agents" / "uap-core"
    assert _agreement(uap / "test_ua.yaml", 0, FAMILIES) >= 0.85
    assert _agreement(uap / "test_os.yaml", 1, SYSTEMS) >= 0.85
