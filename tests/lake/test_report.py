"""The report in a real browser: its figures are those of the tables, and nothing of the logs runs in it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from tests.helpers.browser import open_browser, visit
from tests.helpers.lakes import load, record, settings, write

import loglode
from loglode.errors import LakeError, UsageError
from loglode.reports.page import content as contents
from loglode.reports.page.content import Content, content
from loglode.reports.page.document import document
from loglode_generator import GenerateSpec, generate

ASSETS = Path(contents.__file__).parent / "assets"
HOSTILE = (
    "<script>window.hit=1</script>",
    "</script><script>window.hit=1</script>",
    "<img/src=x/onerror=window.hit=1>",
    "javascript:window.hit=1",
    "{{constructor.constructor('window.hit=1')()}}",
    "${window.hit=1}",
    "\u202eevil\u0007\u001b[31m",
    "__proto__",
    "x" * 10_000,
    "\"'`--></style><svg/onload=window.hit=1>",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    generate(GenerateSpec(out=folder / "logs", events=6000, days=21, start=date(2026, 3, 2), seed=7, files=2))
    load(folder / "lake", folder / "logs")
    return folder / "lake"


@pytest.fixture(scope="module")
def page_file(lake: Path) -> Path:
    loglode.open(lake).report(lake.parent / "report.html")
    return lake.parent / "report.html"


def _figures(page: Page) -> dict[str, tuple[str, str]]:
    cards = page.locator(".card").all()
    found = {
        c.get_attribute("id"): (c.get_attribute("data-value"), c.get_attribute("data-sql")) for c in cards
    }
    return {str(name): (str(value), str(sql)) for name, (value, sql) in found.items()}


def _agree(lake: Path, page: Page) -> dict[str, tuple[str, str]]:
    found = _figures(page)
    assert len(found) == 12
    for name, (shown, sql) in found.items():
        (value,) = loglode.open(lake).query(sql).rows()[0]
        assert math.isclose(float(shown), float(value), rel_tol=1e-9), (name, shown, value)
    return found


def test_every_figure_is_what_its_sql_gives_in_every_range(
    browser: Browser, lake: Path, page_file: Path
) -> None:
    with visit(browser, page_file) as opened:
        page = opened.page
        whole = _agree(lake, page)
        page.get_by_role("button", name="7 days").click()
        week = _agree(lake, page)
        assert all(week[name][0] != whole[name][0] for name in ("figure-requests", "figure-visitors"))
        page.locator("#from").fill("2026-03-05")
        page.locator("#from").dispatch_event("change")
        page.locator("#to").fill("2026-03-05")
        page.locator("#to").dispatch_event("change")
        assert _agree(lake, page)["figure-requests"] != week["figure-requests"]
        daily = "select requests from daily_metrics where date = '2026-03-05'"
        assert int(_figures(page)["figure-requests"][0]) == loglode.open(lake).query(daily).rows()[0][0]


def test_tables_agree_with_their_sql_and_sort_and_search(
    browser: Browser, lake: Path, page_file: Path
) -> None:
    with visit(browser, page_file) as opened:
        page = opened.page
        for name, shown in (("routes", 1), ("statuses", 1), ("referrers", 1), ("reasons", 1)):
            sql = page.locator(f"#{name} details pre").text_content()
            rows = loglode.open(lake).query(str(sql)).rows()
            expected = {str(row[0]): row[1] for row in rows}
            for line in page.locator(f"#table-{name} tbody tr").all()[:20]:
                cells = line.locator("td").all_text_contents()
                if cells[0] != "(other)":
                    assert int(cells[shown].replace(",", "")) == expected[cells[0]], (name, cells)
        page.locator("#table-routes").get_by_role("button", name="Error rate").press("Enter")
        rates = [
            float(t.replace(" %", ""))
            for t in page.locator("#table-routes tbody td:nth-child(3)").all_text_contents()
        ]
        assert rates == sorted(rates, reverse=True)
        page.get_by_role("searchbox").fill("checkout")
        names = page.locator("#table-routes tbody td:first-child").all_text_contents()
        assert names and all("checkout" in name for name in names)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (375, "light")])
def test_charts_are_drawn_and_accessible(browser: Browser, page_file: Path, width: int, scheme: str) -> None:
    with visit(browser, page_file, width=width, scheme=scheme) as opened:
        page = opened.page
        for chart in page.locator(".chart").all():
            assert chart.locator("svg path").count() > 3, chart.get_attribute("id")
        assert 3 <= page.locator("#highlights li").count() <= 7
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        found = Axe().run(page).response["violations"]
        assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{folder}/report-{width}-{scheme}.png")
        # Everything can be reached without a mouse.
        for _ in range(8):
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement !== document.body")


def test_nothing_of_the_logs_runs_in_the_page(browser: Browser, tmp_path: Path) -> None:
    lines = [
        record(
            i * 40 + j, path=f"/{text}", referrer=f"https://{text}.example/{text}", user_agent=text, host=text,
            query=f"utm_source={text}&utm_campaign={text}", method="GET", status=500 + j,
        )
        for i, text in enumerate(HOSTILE) for j in range(3)
    ]  # fmt: skip
    lake = tmp_path / "<img src=x onerror=window.hit=1>"
    load(lake, write(tmp_path / "a.json", lines))
    loglode.open(lake).report(tmp_path / "r.html")
    with visit(browser, tmp_path / "r.html", width=375) as opened:
        page = opened.page
        page.locator(".card").first.wait_for()
        assert page.evaluate("window.hit") is None
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for chart in page.locator(".chart").all():
            chart.hover()
        assert page.evaluate("window.hit") is None
        # The policy blocks what would get past the escapes.
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=window.hit=1>')")
        page.wait_for_timeout(50)
        assert page.evaluate("window.hit") is None
        opened.complaints.clear()
        opened.requests[:] = opened.requests[:1]


def test_an_empty_lake_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    load(tmp_path / "lake", write(tmp_path / "a.json", ["no json"]))
    report = loglode.open(tmp_path / "lake").report(tmp_path / "r.html")
    assert (report.days, report.requests) == (0, 0)
    with visit(browser, tmp_path / "r.html") as opened:
        assert "loglode run" in str(opened.page.locator("main").text_content())


def test_a_lake_that_is_missing_and_a_file_that_cannot_be_written(lake: Path, tmp_path: Path) -> None:
    with pytest.raises(LakeError):
        loglode.open(tmp_path / "none").report(tmp_path / "r.html")
    with pytest.raises(UsageError, match="cannot write"):
        loglode.open(lake).report(tmp_path / "no" / "folder" / "r.html")
    with pytest.raises(UsageError, match="cannot write"):
        loglode.open(lake).report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_data_cannot_end_its_element_and_only_our_scripts_may_run(lake: Path) -> None:
    found = content(settings(lake))
    hostile = Content(
        "</script><b>",
        datetime.now(UTC),
        {**found.parts, "reasons": {"name": ["{{data}}</script>"], "lines": [1]}},
    )
    text = document(hostile)
    data = text.partition('id="data">')[2].partition("</script>")[0]
    unpacked = json.loads(gzip.decompress(base64.b64decode(data, validate=True)))
    assert unpacked["about"]["lake"] == "</script><b>"
    assert "{{data}}</script>" in unpacked["names"]
    assert "<title>&lt;/script&gt;&lt;b&gt; · Loglode report</title>" in text
    policy = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    assert len(policy) == 1 and "unsafe-eval" not in policy[0] and "default-src 'none'" in policy[0]
    assert not re.search(r"https?://(?!www\.w3\.org/)[^\s\"'<>)]+\.js", text)


def test_the_bundle_is_the_one_that_was_checked() -> None:
    digest, name = (ASSETS / "charts.sha256").read_text().split()
    assert hashlib.sha256((ASSETS / name).read_bytes()).hexdigest() == digest


def test_a_year_fits_in_one_and_a_half_megabytes(lake: Path) -> None:
    parts: dict[str, dict[str, list[Any]]] = {}
    for name, columns in content(settings(lake)).parts.items():
        times = 365 / 21
        count = len(next(iter(columns.values()), []))
        wanted = math.ceil(count * times) if name != "reasons" else count
        parts[name] = {key: (values * 18)[:wanted] for key, values in columns.items()}
    assert len(parts["hours"]["hour"]) > 8000
    assert len(document(Content("year", datetime.now(UTC), parts)).encode()) < 1_500_000
