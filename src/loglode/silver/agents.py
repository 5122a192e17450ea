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
    r"perplexity|https?://|[a-z0-9._-]+@[a-z0-9-]+[.][a-z]{2,}|[.]com([^a-z]|$)|www[.]|checker|"
    r"link ?check|indexer|agent|google-|googleother|synthetic|ptst/|inspect|verif|resolver|"
    r"favicon|newspaper|httrack|thumb|screenshot|phantomjs|selenium|puppeteer|playwright|"
    r"appinsights|cloudfront|cloudflare|zabbix|nagios|datanyze|dareboost|siteimprove|"
    r"physicalweb|w3c|collect|extract|finder|harvest|sniff|batch|proxy|audit|optimi[sz]er|transcod"
)
# An agent that does not begin like a browser is a program, unless it names an engine or a device.
_DEVICE = (
    r"webkit|gecko|presto|trident|msie|cfnetwork|midp|android|phone|nokia|ucweb|uc browser|ipad|ipod|"
    r"windows nt|macintosh|mac os x|x11;|tizen|web0s|webos|symbian|series ?[46]0|blackberry|playstation|"
    r"nintendo|xbox|kaios|smart-?tv|roku|darwin|brew|lynx|links|amiga|^.fban|^mozac|^googleapp|"
    r"up[.](?:browser|link)|^mot-|^htc|quicktime|sonos|outlook|gog galaxy"
)
# The model of a device is a name that its maker chose, such as "MAX SPIDER": not a program's own word.
_MODEL = r"^mozilla/[0-9.]+ [(]((?:linux; (?:u; )?)?android[^()]*)[)]"
_MODEL_NAMES_PROGRAM = r"https?:|[+@]|compatible|bot[/;) -]|bot$|crawler|spider[/;]"
# An engine's name and nothing else, or one unknown product, which no browser sends.
_BARE = r"mozilla/[0-9.]+ ?([(]compatible;?( [^()]*)?[)])?"
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
    """True for crawlers, monitors and scripts, and for a request without an agent (an empty text); null
    where it is not known what agent was sent."""
    strange = (
        f"not starts_with({agent}, 'Mozilla/') and not starts_with({agent}, 'Opera/')"
        f" and not regexp_matches(lower({agent}), {literal(_DEVICE)})"
    )
    bare = (
        f"regexp_full_match(lower({agent}), {literal(_BARE)})"
        f" and not regexp_matches(lower({agent}), 'msie|konqueror|windows|symbian|amiga|beos|msoffice')"
    )
    return (
        f"({agent} = '' or (regexp_matches(lower({agent}), {literal(_BOT)}) and {_is_named(agent)})"
        f" or ({strange}) or ({bare}))"
    )


def _is_named(agent: str) -> str:
    """Whether a program's word is still there without the device's model and what others have appended."""
    model = f"regexp_extract(lower({agent}), {literal(_MODEL)}, 1)"
    no_model = f"case when regexp_matches({model}, {literal(_MODEL_NAMES_PROGRAM)}) then lower({agent}) else replace(lower({agent}), {model}, '') end"
    # What begins as a browser ends at a bar, behind which extensions and proxies tell of the request.
    own = f"case when starts_with({agent}, 'Mozilla/5.0 (') then split_part({no_model}, '|', 1) else lower({agent}) end"
    return f"regexp_matches({own}, {literal(_BOT)})"


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
        "device": f"case when {agent} is null then null when {bot} then 'bot' when {tablet} then 'tablet' when {mobile} then 'mobile'"
        f" when {desktop} then 'desktop' else 'other' end",
        "is_bot": bot,
    }


def _first_match(agent: str, table: tuple[tuple[str, str], ...]) -> str:
    cases = " ".join(f"when contains({agent}, {literal(w)}) then {literal(name)}" for w, name in table)
    return f"case {cases} end"
