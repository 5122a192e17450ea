"""Programs that write JSON logs, recognised by the keys of a line: what their names mean, and their units.

A name such as `duration` or `host` means one thing to one program and another to the next. Where no program
is recognised, the contract's aliases hold, and a number whose unit depends on the program is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Writer:
    """A program. `keys`: of each group, a line has at least one; `lacks`: none of these.

    `reads` names the keys that a field is read from before the contract's own aliases; with a unit as `key:unit`.
    `ignores` are aliases of a field that mean something else to this program.
    """

    name: str
    keys: tuple[tuple[str, ...], ...]
    lacks: tuple[str, ...] = ()
    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    quoted: bool = False  # whether referrer and agent keep the quotes of the line that they come from

    @property
    def markers(self) -> frozenset[str]:
        """All names that decide whether a line is of this program."""
        return frozenset(name for group in self.keys for name in group) | frozenset(self.lacks)

    @property
    def names(self) -> frozenset[str]:
        """All names that fields are read from."""
        return frozenset(text.partition(":")[0] for texts in self.reads.values() for text in texts)


_TIME = "response_time_ms"
_NGINX_SECONDS = tuple(
    f"{name}:s" for name in ("request_time", "responsetime", "response_time", "duration", "latency")
)
WRITERS: tuple[Writer, ...] = (
    # Nanoseconds, or microseconds in old versions: the text beside it says which.
    Writer("echo", (("latency",), ("latency_human",)), reads={_TIME: ("latency_human",), "bytes_sent": ("bytes_out",)}),
    Writer("lograge", (("duration",), ("controller", "view", "db"), ("action", "format", "view", "db")), reads={_TIME: ("duration:ms",)}),
    Writer("envoy", (("response_flags", "upstream_cluster", "x_forwarded_for"), ("response_code", "downstream_remote_address")),
           reads={_TIME: ("duration:ms",)}),
    Writer("caddy", (("request",), ("resp_headers", "bytes_read", "msg", "size")), reads={_TIME: ("duration:s",)}),
    Writer("traefik", (("DownstreamStatus", "OriginDuration", "StartUTC", "RouterName"),), reads={_TIME: ("Duration:ns",)}),
    Writer("pino", (("responseTime",), ("req",), ("res",)), reads={_TIME: ("responseTime:ms",)}),
    Writer("matomo", (("generation_time_milli",), ("ip",), ("date",)), reads={_TIME: ("generation_time_milli:s",)}),
    Writer("nginx", (("time_iso8601", "time_local", "body_bytes_sent", "upstreamtime", "upstreamhost", "upstream_addr",
                      "upstream_response_time", "upstream_status", "domain_http_host", "msec"),),
           reads={_TIME: _NGINX_SECONDS}),
    # Vector adds the machine as `host`, unless it parsed an Apache line, whose `host` is the client.
    Writer("vector_apache", (("source_type",), ("identity", "protocol"), ("host",)), lacks=("client",),
           reads={"client_ip": ("host",)}, ignores={"host": ("host",)}),
    Writer("vector", (("source_type",),), ignores={"host": ("host",)}),
    # The parsers of Fluent Bit and Fluentd: `host` is the identity where there is `remote`, else the client.
    Writer("fluent_nginx", (("remote",), ("code",)), reads={"status": ("code",)}, ignores={"host": ("host",)}),
    Writer("fluent_apache", (("code",), ("host",), ("method",), ("size",)), lacks=("remote",),
           reads={"status": ("code",), "client_ip": ("host",)}, ignores={"host": ("host",)}),
    Writer("logstash", (("verb",), ("clientip",), ("httpversion", "response")),
           reads={"path": ("request",)}, ignores={"host": ("host",), "path": ("path",)}, quoted=True),
    # Elastic's schema: `host` is the machine that the shipper runs on.
    Writer("ecs", (("ecs", "ecs.version", "@metadata", "event.dataset", "event.module", "data_stream"),),
           ignores={"host": ("host",), "path": ("path",)}),
)  # fmt: skip
# Every name that a writer is recognised by or read from.
MARKERS = frozenset[str]().union(*(writer.markers | writer.names for writer in WRITERS))
