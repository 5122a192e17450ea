"""Logs of others with the results that other parsers expect of them: every field that both know agrees."""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from tests.helpers.read_lines import read

from loglode.formats import FORMATS, look

_RESULT = re.compile(
    r'^results\["s01-parse"\]\["[^"]+"\]\[(\d+)\]\.Evt\.(Meta|Parsed)\["(\w+)"\] == ("(?:[^"\\]|\\.)*")$',
    re.MULTILINE,
)
_NAMES = {
    "source_ip": "client_ip",
    "http_status": "status",
    "http_verb": "method",
    "http_user_agent": "user_agent",
}
_FOLDERS = {
    "aws-alb-logs": "alb", "aws-cloudfront-logs": "cloudfront", "haproxy-logs": "haproxy",
    "haproxy-nextcloud-whitelist": "haproxy", "traefik_clf": "traefik",
}  # fmt: skip


@pytest.mark.parametrize("folder", _FOLDERS)
def test_crowdsec(real_logs: Path, folder: str) -> None:
    text = (real_logs / "crowdsec" / folder / "parser.assert").read_text("utf-8")
    results: dict[str, dict[str, str]] = defaultdict(dict)
    for number, kind, name, value in _RESULT.findall(text):
        results[number][name if kind == "Meta" else f"parsed_{name}"] = json.loads(value, strict=False)
    found = [result for result in results.values() if "http_status" in result]
    assert found
    rows = read(FORMATS[_FOLDERS[folder]], *(result["parsed_message"] for result in found))
    for row, result in zip(rows, found, strict=True):
        assert row["reason"] is None
        expected = {_NAMES[name]: value for name, value in result.items() if name in _NAMES}
        assert {name: row[name] or "-" for name in expected} == expected
        assert (row["path"] or "") + (f"?{row['query']}" if row["query"] else "") in (result["http_path"], "")
        for name in ("parsed_request_duration_in_ms", "parsed_time_duration"):
            if name in result:
                assert row["response_time_ms"] == result[name]


@pytest.mark.parametrize(("name", "fmt"), [("AWSLogs.log", "elb"), ("AppELBLog.log", "alb")])
def test_elb_log_analyzer(real_logs: Path, name: str, fmt: str) -> None:
    data = (real_logs / "elb" / name).read_bytes()
    assert look(data[:65536]).format.name == fmt
    lines = data.decode().splitlines()
    rows = read(FORMATS[fmt], *lines)
    assert (len(rows), {row["reason"] for row in rows}) == (668, {None})
    words = [re.sub("^[a-z]+2? ", "", line).split(" ") for line in lines]
    for row, word in zip(rows, words, strict=True):
        parts = [float(text) for text in word[4:7]]
        total = None if min(parts) < 0 else round(sum(parts) * 1000, 6)
        assert (row["response_time_ms"] and float(row["response_time_ms"])) == total
        assert (row["client_ip"], row["status"], row["bytes_sent"]) == (
            word[2].rpartition(":")[0],
            word[7],
            word[10],
        )


FILES = {
    "elb/AWSLogs.log": "elb", "elb/AppELBLog.log": "alb", "lnav/logfile_haproxy.0": "haproxy", "opensearch/amazon_s3/raw.log": "s3",
    "opensearch/amazon_cloudfront/raw.log": "cloudfront", "lnav/logfile_w3c_big.0": "w3c", "opensearch/nginx/raw.log": "combined",
    "crowdsec/traefik_clf/traefik_clf.log": "traefik", "lnav/logfile_cloudflare.1": "json", "lnav/logfile_shop_access_log.0": "combined",
    "combined/apache_logs.log": "combined", "opensearch/aws_waf/raw.log": "json",
}  # fmt: skip


def test_random_slices_are_detected(real_logs: Path) -> None:
    """Slices of one to fifty lines from anywhere; those of W3C logs may lack the directive that names them."""
    rng = random.Random(18)
    files = {path: (real_logs / path).read_bytes().splitlines(keepends=True) for path in FILES}
    wrong: Counter[tuple[str, str]] = Counter()
    for _ in range(1000):
        path = rng.choice(list(files))
        start = rng.randrange(len(files[path]))
        lines = files[path][start : start + rng.randint(1, 50)]
        if path == "lnav/logfile_haproxy.0" and not any(b'"' in line for line in lines):
            continue  # messages about the start of proxies
        if all(not line.strip() for line in lines):
            continue
        found = look(b"".join(lines)).format.name
        wrong[path, found] += found != FILES[path]
    assert +wrong == Counter()
