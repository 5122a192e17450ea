"""Browser, system, device and bot from a user agent, as SQL.

Agents name their ancestors (Edge says Chrome, Chrome says Safari), so the first match in an order
from the youngest to the oldest wins. Bots are recognised by the words that they use for themselves.
"""

from __future__ import annotations

from loglode.sql import literal

DERIVED = ("browser", "os", "device", "is_bot")

# Words that programs use of themselves. Shapes with letters around them spare what only looks like
# one: Cubot and Turbotab (devices), fuboTV, CamScanner, MozacFetch, "ios@9.2".
_BOT = (
    r"(^|[^u]|[^c]u)bot([^alov]|$)|crawl|spider|slurp|archiv|(^|[^m])scan|monitor|probe|"
    r"(^|[^c])fetch|headless|lighthouse|validator|preview|externalhit|feed|rss([^a-z0-9]|$)|"
    r"curl|wget|httpie|python|java/|okhttp|go-http|perl|ruby|php|axios|node|scrap|nutch|"
    r"http-?client|http_|postman|insomnia|zgrab|masscan|nmap|nikto|sqlmap|mediapartners|"
    r"whatsapp|telegram|skypeuri|embed|outbrain|pingdom|uptime|chatgpt|claude|anthropic|"
    r"perplexity|https?://|[a-z0-9._-]+@[a-z0-9-]+[.][a-z]{2,}|[.]com|www[.]|checker|"
    r"link ?check|indexer|agent|google-|googleother|synthetic|ptst/|inspect|verif|resolver|"
    r"favicon|newspaper|httrack|thumb|screenshot|phantomjs|selenium|puppeteer|playwright|"
    r"appinsights|cloudfront|cloudflare|zabbix|nagios|datanyze|dareboost|siteimprove|"
    r"physicalweb|w3c|collect|extract|finder|harvest|sniff|batch|proxy|audit|optimi[sz]er|transcod"
)
# An agent that does not begin like a browser is a program, unless it names an engine or a device.
_DEVICE = (
    r"webkit|gecko|presto|trident|msie|cfnetwork|midp|android|phone|nokia|ucweb|uc browser|[(]|"
    r"lynx|amiga|^.fban|^mozac|^googleapp"
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
    strange = (
        f"not starts_with({agent}, 'Mozilla/') and not starts_with({agent}, 'Opera/')"
        f" and not regexp_matches(lower({agent}), {literal(_DEVICE)})"
    )
    return f"({agent} is null or regexp_matches(lower({agent}), {literal(_BOT)}) or ({strange}))"


def agent_expressions(agent: str) -> dict[str, str]:
    """Expressions for each of DERIVED over an agent's text."""
    bot = is_bot(agent)
    tablet = f"contains({agent}, 'iPad') or contains({agent}, 'Tablet')"
    tablet += f" or (contains({agent}, 'Android') and not contains({agent}, 'Mobile'))"
    mobile = " or ".join(f"contains({agent}, {literal(w)})" for w in ("Mobi", "iPhone", "iPod", "Phone"))
    desktop = " or ".join(
        f"contains({agent}, {literal(w)})" for w in ("Windows", "Macintosh", "X11", "CrOS", "Linux")
    )
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
