"""Browser, system, device and bot from a user agent, as SQL.

Agents name their ancestors (Edge says Chrome, Chrome says Safari), so the first match in an order
from the youngest to the oldest wins. Bots are told by the words that they use of themselves.
"""

from __future__ import annotations

from loglode.formats.base import literal

DERIVED = ("browser", "os", "device", "is_bot")

_BOT = (
    r"bot|crawl|spider|slurp|archiv|scan|monitor|probe|fetch|headless|lighthouse|validator|preview|"
    r"facebookexternalhit|feed|rss|curl|wget|httpie|python|java/|okhttp|go-http|libwww|perl|ruby|php/|"
    r"axios|node|scrapy|nutch|httpclient|postman|insomnia|apt-http|zgrab|masscan|nmap|nikto|sqlmap|"
    r"mediapartners|bingpreview|whatsapp|telegram|skypeuri|embedly|quora link|outbrain|pingdom|"
    r"uptime|gptbot|chatgpt|claude|anthropic|perplexity|bytespider|yandex\.com/bots|https?://|@"
)
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Opera", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("YaBrowser", "Yandex"),
    ("Vivaldi", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium", "Chrome"),
    ("MSIE", "Internet Explorer"),
    ("Trident/", "Internet Explorer"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("iPod", "iOS"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
    ("X11", "Linux"),
)


def is_bot(agent: str) -> str:
    """True for crawlers, monitors, scripts, and for requests that name no agent."""
    return f"({agent} is null or regexp_matches(lower({agent}), {literal(_BOT)}))"


def agent_expressions(agent: str) -> dict[str, str]:
    """Expressions for each of DERIVED over an agent's text."""
    bot = is_bot(agent)
    tablet = f"contains({agent}, 'iPad') or contains({agent}, 'Tablet')"
    tablet += f" or (contains({agent}, 'Android') and not contains({agent}, 'Mobile'))"
    mobile = " or ".join(f"contains({agent}, {literal(w)})" for w in ("Mobi", "iPhone", "iPod", "Phone"))
    desktop = " or ".join(f"contains({agent}, {literal(w)})" for w in ("Windows", "Macintosh", "X11", "CrOS", "Linux"))
    return {
        "browser": _first_match(agent, _BROWSERS),
        "os": _first_match(agent, _SYSTEMS),
        "device": f"case when {bot} then 'bot' when {tablet} then 'tablet' when {mobile} then 'mobile'"
        f" when {desktop} then 'desktop' else 'other' end",
        "is_bot": bot,
    }


def _first_match(agent: str, table: tuple[tuple[str, str], ...]) -> str:
    cases = " ".join(f"when contains({agent}, {literal(w)}) then {literal(name)}" for w, name in table)
    return f"case {cases} end"
