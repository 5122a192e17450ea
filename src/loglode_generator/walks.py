"""Ways through the shop: a library of session templates.

A session takes one template and its own pace, products and words, so that a few hundred templates
give as many different sessions as are needed, without a loop over events.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from loglode_generator.catalogue import PAGE

WALKS_PER_KIND: Final = 256
KINDS: Final = ("buy", "abandon", "account", "browse", "bounce")
MAX_STEPS: Final = 64
LONGEST_MS: Final = 3_600_000
"""No template is longer; a session's pace may stretch it to twice this."""

_NEXT: Final[dict[str, tuple[tuple[str, int], ...]]] = {
    "home": (("category", 40), ("search", 25), ("product", 25), ("products", 10)),
    "products": (("product", 70), ("category", 20), ("search", 10)),
    "category": (("product", 70), ("category", 15), ("search", 15)),
    "search": (("product", 65), ("search", 20), ("category", 15)),
    "product": (("product", 45), ("category", 25), ("search", 20), ("home", 10)),
}
_LANDING: Final = (("home", 45), ("product", 38), ("category", 12), ("search", 5))


@dataclass(frozen=True, kw_only=True)
class Step:
    """One request of a template, `offset_ms` after the session's start.

    `own` is the step whose random numbers give the parameter (an image shows its page's product);
    `ref_page` is the page it was asked from (-1: the session's origin), with parameter `ref_own`.
    """

    page: int
    method: str
    offset_ms: int
    own: int
    ref_page: int
    ref_own: int
    logged_in: bool
    landing: bool


@dataclass
class _Walker:
    rng: random.Random
    steps: list[Step] = field(default_factory=list)
    clock: int = 0
    view: tuple[int, int] = (-1, 0)
    logged_in: bool = False

    def _add(self, page: str, method: str, offset: int, own: int) -> None:
        self.steps.append(
            Step(
                page=PAGE[page],
                method=method,
                offset_ms=offset,
                own=own,
                ref_page=self.view[0],
                ref_own=self.view[1],
                logged_in=self.logged_in,
                landing=not self.steps,
            )
        )

    def see(self, page: str, method: str = "GET", *, seconds: float | None = None) -> None:
        """The visitor asks for a page after a think time; what the page needs follows it."""
        first = not self.steps
        if not first:
            think = self.rng.lognormvariate(2.6, 0.9) if seconds is None else seconds
            self.clock += int(1000 * min(max(think, 0.4), 900)) + 1_000 + self.rng.randrange(1_000)
        own = len(self.steps)
        self._add(page, method, self.clock, own)
        if method != "GET":
            return
        self.view = (PAGE[page], own)
        if first:
            for asset in ("css", "js", self.rng.choice(("logo", "favicon"))):
                self._asset(asset, own)
        if page == "product":
            self._asset("image", own)
            if self.rng.random() < 0.3:
                self._asset("stock_api", own)
        if page in ("cart", "checkout"):
            self._asset("cart_api", own)

    def _asset(self, page: str, own: int) -> None:
        self._add(page, "GET", self.clock + self.rng.randrange(120, 900), own)

    def wander(self, pages: int) -> str:
        """See so many pages, each chosen by the one before; returns the last."""
        page = _pick(self.rng, _LANDING)
        self.see(page)
        for _ in range(pages - 1):
            page = _pick(self.rng, _NEXT[page])
            self.see(page)
        return page

    def add_to_cart(self) -> None:
        self.see("product")
        self.see("cart_api", self.rng.choice(("POST", "POST", "PUT")), seconds=8)
        self.see("cart", seconds=1)

    def log_in(self) -> None:
        self.see("login", seconds=4)
        self.see("login_post", "POST", seconds=9)
        self.logged_in = True


def _pick(rng: random.Random, choices: tuple[tuple[str, int], ...]) -> str:
    return rng.choices([name for name, _ in choices], [weight for _, weight in choices])[0]


def _buy(walker: _Walker) -> None:
    walker.wander(walker.rng.randint(1, 5))
    walker.add_to_cart()
    if walker.rng.random() < 0.4:
        walker.log_in()
    walker.see("checkout", seconds=10)
    walker.see("order", "POST", seconds=45)
    walker.see("confirmation", seconds=0)


def _abandon(walker: _Walker) -> None:
    walker.wander(walker.rng.randint(1, 4))
    walker.add_to_cart()
    if walker.rng.random() < 0.2:
        walker.see("cart_api", "DELETE", seconds=12)
    if walker.rng.random() < 0.5:
        walker.see("checkout", seconds=12)
        if walker.rng.random() < 0.15:
            walker.see("order_failed", "POST", seconds=50)


def _account(walker: _Walker) -> None:
    if walker.rng.random() < 0.6:
        walker.see("home")
    walker.log_in()
    walker.see("account", seconds=0)
    if walker.rng.random() < 0.5:
        walker.see("account_orders")
    if walker.rng.random() < 0.3:
        walker.see("product")


def _browse(walker: _Walker) -> None:
    walker.wander(min(2 + int(walker.rng.expovariate(0.4)), 16))


def _bounce(walker: _Walker) -> None:
    walker.see(_pick(walker.rng, _LANDING))


def library(seed: int) -> list[list[Step]]:
    """All templates, those of `KINDS[0]` first, `WALKS_PER_KIND` of each kind.

    A template has 1 to `MAX_STEPS` steps in order of time.
    """
    scripts: dict[str, Callable[[_Walker], None]] = {
        "buy": _buy, "abandon": _abandon, "account": _account,
        "browse": _browse, "bounce": _bounce,
    }  # fmt: skip
    walks: list[list[Step]] = []
    for kind in KINDS:
        for number in range(WALKS_PER_KIND):
            walker = _Walker(random.Random(f"{seed}/{kind}/{number}"))
            scripts[kind](walker)
            kept = [step for step in walker.steps if step.offset_ms <= LONGEST_MS]
            walks.append(kept[:MAX_STEPS])
    return walks
