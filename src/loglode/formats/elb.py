"""AWS classic load balancers (ELB)."""

from __future__ import annotations

from typing import ClassVar

from loglode.formats.alb import SHARED_LINE, SHARED_PARTS, SHARED_SHAPES, SHARED_UNITS, SHARED_VALUES
from loglode.formats.positional import Declaration, PositionalFormat
from loglode.formats.registry import register
from loglode.formats.written import ISO, template


@register
class ElbFormat(PositionalFormat):
    """As the application load balancer's, without the type in front."""

    title = "AWS classic load balancers (ELB)"
    rank = 3
    source = "https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html"
    units = SHARED_UNITS
    traps = (
        "Requests that no instance got have the instance `-` and times of `-1`; they are kept.",
        'TCP listeners log connections, with the request `"- - - "` and the status `-`; they are rejected (`request_missing`).',
    )
    templates: ClassVar = {"elb": template(SHARED_LINE, line_bytes=370, time_format=ISO, cut="100")}
    declared = Declaration(SHARED_PARTS, SHARED_SHAPES)
    values: ClassVar = SHARED_VALUES
