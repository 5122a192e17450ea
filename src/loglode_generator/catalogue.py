"""The shop's pages, its visitors' agents, the crawlers, where visitors come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Page:
    """One kind of address: `prefix` + a parameter + `suffix`.

    `base_ms` is the usual time to serve it, `size` the usual bytes, `mode` how its status is drawn.
    """

    name: str
    prefix: str
    param: str = "none"
    suffix: str = ""
    base_ms: float = 60.0
    size: int = 15_000
    mode: str = "page"


PAGES: Final = (
    Page(name="home", prefix="/", base_ms=62, size=18_500),
    Page(name="products", prefix="/products", base_ms=70, size=32_000),
    Page(name="product", prefix="/products/", param="product", base_ms=62, size=24_000),
    Page(name="category", prefix="/category/", param="category", base_ms=66, size=28_000),
    Page(name="search", prefix="/search", base_ms=118, size=21_000),
    Page(name="cart", prefix="/cart", base_ms=58, size=12_000),
    Page(name="checkout", prefix="/checkout", base_ms=92, size=14_000),
    Page(name="order", prefix="/orders", base_ms=112, size=420, mode="order"),
    Page(name="order_failed", prefix="/orders", base_ms=140, size=310, mode="order_failed"),
    Page(
        name="confirmation",
        prefix="/orders/",
        param="order",
        suffix="/confirmation",
        base_ms=55,
        size=9_800,
        mode="confirmation",
    ),
    Page(
        name="cart_api",
        prefix="/api/v1/users/",
        param="user",
        suffix="/cart",
        base_ms=38,
        size=860,
        mode="api",
    ),
    Page(name="stock_api", prefix="/api/v1/stock/", param="product", base_ms=34, size=140, mode="api"),
    Page(name="login", prefix="/login", base_ms=55, size=6_200),
    Page(name="login_post", prefix="/login", base_ms=70, size=180, mode="login"),
    Page(name="account", prefix="/account", base_ms=62, size=11_000),
    Page(name="account_orders", prefix="/account/orders", base_ms=72, size=16_000),
    Page(name="css", prefix="/static/site.css", base_ms=30, size=38_000, mode="static"),
    Page(name="js", prefix="/static/app.js", base_ms=34, size=142_000, mode="static"),
    Page(name="logo", prefix="/static/logo.png", base_ms=28, size=7_400, mode="static"),
    Page(
        name="image",
        prefix="/static/products/",
        param="product",
        suffix=".png",
        base_ms=34,
        size=64_000,
        mode="static",
    ),
    Page(name="favicon", prefix="/favicon.ico", base_ms=28, size=1_150, mode="static"),
    Page(name="robots", prefix="/robots.txt", base_ms=12, size=310),
    Page(name="health", prefix="/health", base_ms=4, size=17, mode="health"),
    Page(name="wp_login", prefix="/wp-login.php", base_ms=6, size=340, mode="missing"),
    Page(name="xmlrpc", prefix="/xmlrpc.php", base_ms=6, size=340, mode="missing"),
    Page(name="env", prefix="/.env", base_ms=5, size=340, mode="missing"),
    Page(name="phpmyadmin", prefix="/phpmyadmin/index.php", base_ms=6, size=340, mode="missing"),
    Page(name="git", prefix="/.git/config", base_ms=5, size=340, mode="missing"),
    Page(name="brute_login", prefix="/login", base_ms=45, size=260, mode="attack"),
    Page(
        name="brute_api",
        prefix="/api/v1/users/",
        param="user",
        suffix="/cart",
        base_ms=18,
        size=120,
        mode="attack",
    ),
)
PAGE: Final = {page.name: index for index, page in enumerate(PAGES)}
MODES: Final = tuple(dict.fromkeys(page.mode for page in PAGES))

CATEGORIES: Final = (
    "shoes",
    "jackets",
    "shirts",
    "trousers",
    "dresses",
    "hats",
    "bags",
    "watches",
    "outdoor",
    "running",
    "kids",
    "sale",
)
TERMS: Final = (
    "shoes",
    "red+shoes",
    "rain+jacket",
    "t-shirt",
    "gift",
    "running",
    "winter+coat",
    "boots",
    "caf%C3%A9+racer",
    "gr%C3%B6%C3%9Fe+42",
    "socks",
    "linen+shirt",
    "backpack",
    "watch+strap",
    "size+44",
    "kids+boots",
    "cap",
    "wool",
    "belt",
    "umbrella",
)
COUNTRIES: Final = (
    ("US", 20), ("DE", 10), ("GB", 8), ("FR", 6), ("NL", 4), ("ES", 3), ("IT", 3), ("PL", 2),
    ("SE", 2), ("CA", 2), ("BR", 1), ("IN", 1), ("JP", 1), ("AU", 1),
)  # fmt: skip

_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_WIN = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_IOS = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{v} Mobile/15E148 Safari/604.1"

HUMAN_AGENTS: Final = (
    (f"{_WIN} {_KIT} Chrome/141.0.0.0 Safari/537.36", 20),
    (f"{_WIN} {_KIT} Chrome/140.0.0.0 Safari/537.36", 8),
    (f"{_WIN} {_KIT} Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", 7),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", 4),
    (f"{_MAC} {_KIT} Chrome/141.0.0.0 Safari/537.36", 6),
    (f"{_MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15", 6),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", 2),
    (f"Mozilla/5.0 (X11; Linux x86_64) {_KIT} Chrome/141.0.0.0 Safari/537.36", 2),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) " + _IOS.format(v="18.6"), 18),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) " + _IOS.format(v="17.7"), 5),
    (f"Mozilla/5.0 (Linux; Android 10; K) {_KIT} Chrome/141.0.0.0 Mobile Safari/537.36", 14),
    (f"Mozilla/5.0 (Linux; Android 15; SM-S928B) {_KIT} SamsungBrowser/28.0 Chrome/130.0.0.0 "
     "Mobile Safari/537.36", 4),
    ("Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) " + _IOS.format(v="18.6"), 3),
    # A quote in an agent is rare but real: formats must escape it.
    (f'Mozilla/5.0 (Linux; Android 14; Tab "Pro" 11) {_KIT} Chrome/139.0.0.0 Safari/537.36', 1),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Crawler:
    """A bot that walks through the shop all day; it calls from `network` + 1..`hosts`."""

    agent: str
    network: str
    hosts: int
    country: str
    weight: int


CRAWLERS: Final = (
    Crawler(agent="Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            network="192.0.2.", hosts=24, country="US", weight=24),
    Crawler(agent="Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            network="192.0.2.6", hosts=9, country="US", weight=12),
    Crawler(agent="Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
            network="198.51.100.20", hosts=9, country="SG", weight=12),
    Crawler(agent="Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
                  "+https://openai.com/gptbot)",
            network="2001:db8:b07::", hosts=40, country="US", weight=16),
)  # fmt: skip
CRAWLED: Final = (
    ("product", 60), ("category", 16), ("products", 8), ("home", 6), ("robots", 6), ("search", 4),
)  # fmt: skip
MONITORS: Final = ("curl/8.5.0", "Mozilla/5.0+(compatible; UptimeRobot/2.0; "
                   "http://www.uptimerobot.com/)")  # fmt: skip
SCANNERS: Final = ("Mozilla/5.0 zgrab/0.x", "Go-http-client/1.1", "python-requests/2.32.3")
PROBED: Final = (
    ("wp_login", 5), ("xmlrpc", 2), ("env", 2), ("phpmyadmin", 2), ("git", 1),
)  # fmt: skip
ATTACKER: Final = "python-requests/2.31.0"

AGENTS: Final = (
    *(agent for agent, _ in HUMAN_AGENTS), *(c.agent for c in CRAWLERS), *MONITORS, *SCANNERS,
    ATTACKER,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a session comes from: the referrer of its first page and that page's query."""

    weight: int
    referrer: str = ""
    query: str = ""


ORIGINS: Final = (
    Origin(weight=34),
    Origin(weight=24, referrer="https://www.google.com/"),
    Origin(weight=5, referrer="https://www.bing.com/"),
    Origin(weight=3, referrer="https://duckduckgo.com/"),
    Origin(weight=8, referrer="https://www.google.com/",
           query="utm_source=google&utm_medium=cpc&utm_campaign=brand&gclid=Cj0KCQ{hex}"),
    Origin(weight=6, query="utm_source=newsletter&utm_medium=email&utm_campaign=autumn_sale"),
    Origin(weight=2, query="utm_source=newsletter&utm_medium=email&utm_campaign=autumn_sale"
                           "&email=reader{number}@example.com"),
    Origin(weight=6, referrer="https://www.instagram.com/",
           query="utm_source=instagram&utm_medium=social&utm_campaign=new_in"),
    Origin(weight=5, referrer="https://www.facebook.com/"),
    Origin(weight=3, referrer="https://t.co/"),
    Origin(weight=4, referrer="https://blog.example.org/best-shoes"),
)  # fmt: skip
