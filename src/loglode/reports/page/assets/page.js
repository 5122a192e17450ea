"use strict";
(async () => {
  const packed = Uint8Array.from(atob(document.getElementById("data").textContent), (c) => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { about, names, parts } = await new Response(unpacked).json();
  const HOUR_RANGE_DAYS = 10;
  const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
  const BANDS = ["0-100 ms", "100-300 ms", "300-1000 ms", "1000-3000 ms", "3000+ ms"];

  // ---- Formats ---------------------------------------------------------------------------------
  const count = (v) => (v === null ? "–" : Math.round(v).toLocaleString("en-US"));
  const short = (v) => new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 }).format(v);
  const percent = (v) => (v === null ? "–" : `${(v * 100).toLocaleString("en-US", { maximumFractionDigits: v < 0.1 ? 2 : 1 })} %`);
  const millis = (v) => (v === null ? "–" : v >= 10_000 ? `${(v / 1000).toFixed(1)} s` : `${v < 10 ? v.toFixed(1) : count(v)} ms`);
  const bytes = (v) => {
    if (v === null) return "–";
    const unit = Math.min(Math.floor(Math.log10(Math.max(v, 1)) / 3), 5);
    return `${(v / 1000 ** unit).toFixed(unit ? 1 : 0)} ${["B", "kB", "MB", "GB", "TB", "PB"][unit]}`;
  };
  const isoDay = (day) => new Date(day * 864e5).toISOString().slice(0, 10);
  const longDay = (day) => new Date(day * 864e5).toLocaleDateString("en-GB", { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" });
  const dayOf = (text) => Math.round(Date.parse(`${text}T00:00:00Z`) / 864e5);
  const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

  // ---- Elements: text of the log is only ever set as text ----------------------------------------
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== undefined));
    return element;
  };

  // ---- Data: every figure is computed from what adds up -------------------------------------------
  const column = (part, key) => parts[part][key] ?? [];
  const indexes = (part, from, to) => column(part, "day").flatMap((day, i) => (day >= from && day <= to ? [i] : []));
  const total = (part, key, from, to) => {
    const values = column(part, key);
    return indexes(part, from, to).reduce((sum, i) => sum + (values[i] ?? 0), 0);
  };
  const ratio = (part, above, below) => (from, to) => {
    const sum = (keys) => keys.reduce((s, key) => s + total(part, key, from, to), 0);
    return sum(below) > 0 ? sum(above) / sum(below) : null;
  };
  // The quantile of merged histograms: the middle of its bucket, by ratio.
  const quantile = (q) => (from, to) => {
    const merged = new Map();
    for (const i of indexes("days", from, to)) {
      for (const [bucket, requests] of column("days", "histogram")[i] ?? []) merged.set(bucket, (merged.get(bucket) ?? 0) + requests);
    }
    const all = [...merged.values()].reduce((a, b) => a + b, 0);
    let upTo = 0;
    for (const bucket of [...merged.keys()].sort((a, b) => a - b)) {
      upTo += merged.get(bucket);
      if (upTo >= q * all) return bucket <= -1000 ? 0 : about.gamma ** (bucket - 0.5);
    }
    return null;
  };
  const grouped = (part, keys, from, to) => {
    const groups = new Map();
    for (const i of indexes(part, from, to)) {
      const name = column(part, "name")[i];
      const group = groups.get(name) ?? Object.fromEntries([["name", names[name]], ...keys.map((key) => [key, 0])]);
      for (const key of keys) {
        const value = column(part, key)[i] ?? 0;
        group[key] = key === "p95" ? Math.max(group[key], value) : group[key] + value;
      }
      groups.set(name, group);
    }
    return [...groups.values()];
  };

  const days = column("days", "day");
  const first = days[0];
  const last = days[days.length - 1];
  const state = { from: first, to: last, goal: null, heat: "requests", sort: {}, search: "" };
  const between = (from, to) => `date between '${isoDay(from)}' and '${isoDay(to)}'`;

  // ---- Key figures ---------------------------------------------------------------------------------
  const sumSql = (expression, table) => (from, to) => `select ${expression} as value\nfrom ${table}\nwhere ${between(from, to)}`;
  const quantileSql = (q) => (from, to) => `with buckets as (
  select unnest(response_time_histogram) as h
  from daily_metrics where ${between(from, to)}
), merged as (
  select h.bucket as bucket, sum(h.requests) as requests from buckets group by 1
), counted as (
  select bucket, sum(requests) over (order by bucket) as up_to, sum(requests) over () as total from merged
)
select case when min(bucket) <= -1000 then 0 else power(${about.gamma}, min(bucket) - 0.5) end as value
from counted where up_to >= ${q} * total`;
  const FIGURES = [
    { id: "requests", title: "Requests", value: (a, b) => total("days", "requests", a, b), format: count, part: "days", sql: sumSql("sum(requests)", "daily_metrics"),
      definition: "Accepted log lines without duplicates, bots included." },
    { id: "visitors", title: "Visitors per day", format: count, part: "days",
      value: (a, b) => { const d = indexes("days", a, b).filter((i) => column("days", "requests")[i] > 0); return d.length ? d.reduce((s, i) => s + column("days", "visitors")[i], 0) / d.length : null; },
      sql: (a, b) => `select avg(visitors) as value\nfrom daily_metrics\nwhere ${between(a, b)} and requests > 0`,
      definition: "Mean of the distinct visitors of each day. Distinct visitors of different days cannot be added." },
    { id: "sessions", title: "Sessions", value: (a, b) => total("days", "sessions", a, b), format: count, part: "days", sql: sumSql("sum(sessions)", "daily_metrics"),
      definition: "Sessions that began in the range: the source's session, or a visitor until 30 minutes of silence." },
    { id: "error_rate", title: "Error rate", format: percent, good: "down", part: "days", value: ratio("days", ["requests_4xx", "requests_5xx"], ["answered"]),
      sql: sumSql("sum(requests_4xx + requests_5xx) / sum(requests - requests_without_status)", "daily_metrics"), definition: "Requests with status 400 or above, divided by requests whose status is known." },
    { id: "success_rate", title: "Success rate", format: percent, good: "up", part: "days", value: ratio("days", ["requests_2xx", "requests_3xx"], ["answered"]),
      sql: sumSql("sum(requests_2xx + requests_3xx) / sum(requests - requests_without_status)", "daily_metrics"), definition: "Requests with status 200 to 399, divided by requests whose status is known." },
    ...[["p50", "Median response", 0.5], ["p95", "p95 response", 0.95], ["p99", "p99 response", 0.99]].map(([id, title, q]) => (
      { id, title, format: millis, good: "down", part: "days", value: quantile(q), sql: quantileSql(q),
        definition: `The response time that ${q * 100} % of timed requests do not exceed, from histograms: within 1 % of the exact value.` })),
    { id: "bytes", title: "Data sent", value: (a, b) => total("days", "bytes_sent", a, b), format: bytes, part: "days", sql: sumSql("sum(bytes_sent)", "daily_metrics"),
      definition: "Sum of the bytes of all responses (1 MB = 1,000,000 bytes)." },
    { id: "bot_share", title: "Bot share", format: percent, part: "days", value: ratio("days", ["bot_requests"], ["bot_requests", "human_requests"]),
      sql: sumSql("sum(bot_requests) / sum(bot_requests + human_requests)", "daily_metrics"), definition: "Requests of bots, divided by requests whose sender is known to be a bot or not." },
    { id: "bounce_rate", title: "Bounce rate", format: percent, good: "down", part: "sessions", value: ratio("sessions", ["bounces"], ["human_sessions"]),
      sql: sumSql("sum(bounces) / sum(human_sessions)", "session_metrics"), definition: "Human sessions with at most one page, divided by human sessions." },
    { id: "conversion_rate", title: "Conversion rate", format: percent, good: "up", part: "sessions", value: ratio("sessions", ["conversions"], ["human_sessions"]),
      sql: sumSql("sum(conversions) / sum(human_sessions)", "session_metrics"), definition: "Human sessions that reached a goal of the contract, divided by human sessions." },
  ];
  const known = FIGURES.filter((figure) => column(figure.part, "day").length);
  const explained = (definition, sql) => make("details", {},
    make("summary", {}, "Definition and SQL"), make("p", {}, definition), make("pre", { tabindex: "0" }, sql),
    make("button", { type: "button", onclick: (event) => copy(event.target, sql) }, "Copy SQL"));
  const copy = async (button, text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(button.previousElementSibling);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy SQL"; }, 1500);
  };
  const previous = () => {
    const length = state.to - state.from + 1;
    return state.from - length >= first ? [state.from - length, state.from - 1] : null;
  };
  const change = (figure, value) => {
    const before = previous();
    const old = before && figure.value(...before);
    if (!before || old === null || value === null) return make("p", { class: "sub" }, before ? "no figure before" : "no earlier period");
    const isRate = figure.format === percent;
    const delta = isRate ? (value - old) * 100 : old ? (value / old - 1) * 100 : null;
    if (delta === null) return make("p", { class: "sub" }, `was ${figure.format(old)}`);
    const text = `${delta >= 0 ? "▲" : "▼"} ${Math.abs(delta).toLocaleString("en-US", { maximumFractionDigits: 1 })} ${isRate ? "points" : "%"}`;
    const isGood = figure.good && Math.abs(delta) >= 0.05 ? ((delta > 0) === (figure.good === "up") ? " good" : " bad") : "";
    return make("p", { class: "sub" }, make("span", { class: `change${isGood}` }, text), ` from ${figure.format(old)}`);
  };
  const spark = (figure) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const values = [];
    for (let day = state.from; day <= state.to; day += 1) values.push(figure.value(day, day));
    const present = values.filter((v) => v !== null);
    const low = Math.min(...present);
    const range = Math.max(...present) - low || 1;
    const points = values.flatMap((v, i) => (v === null ? [] : [`${(i / Math.max(values.length - 1, 1)) * 100},${30 - ((v - low) / range) * 28}`]));
    svg.setAttribute("viewBox", "0 0 100 32");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("class", "spark");
    svg.setAttribute("aria-hidden", "true");
    if (points.length > 1) {
      const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
      line.setAttribute("points", points.join(" "));
      svg.append(line);
    }
    return svg;
  };
  const drawCards = () => {
    document.getElementById("cards").replaceChildren(...known.map((figure) => {
      const value = figure.value(state.from, state.to);
      const sql = figure.sql(state.from, state.to);
      return make("div", { class: "card", id: `figure-${figure.id}`, "data-value": value === null ? "" : String(value), "data-sql": sql },
        make("h3", {}, figure.title), make("div", { class: "value" }, figure.format(value)), change(figure, value), spark(figure), explained(figure.definition, sql));
    }));
  };

  // ---- Highlights ------------------------------------------------------------------------------------
  const hoursIn = (from, to) => column("hours", "hour").flatMap((hour, i) => (hour >= from * 24 && hour < (to + 1) * 24 ? [i] : []));
  const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const at = (hour) => `${longDay(Math.floor(hour / 24))} between ${String(hour % 24).padStart(2, "0")}:00 and ${String((hour % 24) + 1).padStart(2, "0")}:00`;
  const highlights = () => {
    const { from, to } = state;
    const found = [];
    const requests = total("days", "requests", from, to);
    if (!requests) return found;
    const before = previous();
    const old = before ? total("days", "requests", ...before) : 0;
    const trend = old ? `, ${percent(Math.abs(requests / old - 1))} ${requests >= old ? "more" : "fewer"} than in the ${to - from + 1} days before` : "";
    found.push([`${count(requests)} requests by ${count(FIGURES[1].value(from, to))} visitors a day${trend}.`, "traffic", ""]);
    const hours = hoursIn(from, to);
    const of = (key, i) => column("hours", key)[i] ?? 0;
    const enough = Math.max(20, median(hours.map((i) => of("answered", i))) / 4);
    const rate = (i) => (of("requests_4xx", i) + of("requests_5xx", i)) / of("answered", i);
    const overall = FIGURES[3].value(from, to);
    const worst = hours.filter((i) => of("answered", i) >= enough).sort((a, b) => rate(b) - rate(a))[0];
    if (worst !== undefined && rate(worst) >= 2 * overall && rate(worst) * of("answered", worst) >= 10) {
      const hour = column("hours", "hour")[worst];
      const day = Math.floor(hour / 24);
      const statuses = grouped("statuses", ["requests"], day, day).filter((s) => Number(s.name) >= 400).sort((a, b) => b.requests - a.requests);
      const most = statuses[0] ? ` The most frequent error of that day is ${statuses[0].name}, ${count(statuses[0].requests)} times.` : "";
      found.push([`Errors peaked at ${percent(rate(worst))} on ${at(hour)} (${percent(overall)} over the whole range).${most}`, "errors", "bad"]);
    } else if (overall !== null) {
      found.push([`${percent(overall)} of requests failed; no hour stands out.`, "errors", overall < 0.05 ? "good" : ""]);
    }
    const routes = grouped("routes", ["requests", "answered", "errors", "server_errors", "timed_requests", "response_ms"], from, to).filter((r) => r.name !== about.other);
    const failing = routes.filter((r) => r.server_errors >= 5).sort((a, b) => b.server_errors - a.server_errors)[0];
    if (failing) found.push([`${failing.name} returned most server errors: ${count(failing.server_errors)} of its ${count(failing.answered)} requests (${percent(failing.server_errors / failing.answered)}).`, "routes", "bad"]);
    const slow = routes.filter((r) => r.timed_requests >= Math.max(20, requests / 1000)).sort((a, b) => b.response_ms / b.timed_requests - a.response_ms / a.timed_requests)[0];
    if (slow) found.push([`${slow.name} is the slowest frequent route: ${millis(slow.response_ms / slow.timed_requests)} on average over ${count(slow.timed_requests)} requests.`, "routes", ""]);
    const bots = ratio("days", ["bot_requests"], ["bot_requests", "human_requests"])(from, to);
    if (bots !== null) found.push([`Bots sent ${percent(bots)} of the requests whose sender is known.`, "traffic", ""]);
    const cost = slowness(mainGoal());
    if (cost?.sentence) found.push([cost.sentence, "slowness", ""]);
    const refused = total("batches", "lines_quarantined", -1e6, 1e6);
    const read = total("batches", "lines_read", -1e6, 1e6);
    if (read) {
      const reason = column("reasons", "name")[0];
      found.push([refused > 0 ? `${count(refused)} of ${count(read)} lines (${percent(refused / read)}) were refused in all loads; the most frequent reason is ${names[reason] ?? "unknown"}.` : `No line of ${count(read)} was refused.`, "pipeline", refused > read / 100 ? "bad" : "good"]);
    }
    return found.slice(0, 7);
  };
  const drawHighlights = () => document.getElementById("highlights").replaceChildren(...highlights().map(([text, section, kind]) =>
    make("li", { class: kind }, `${text} `, make("a", { href: `#${section}` }, "Show"))));

  // ---- Charts ------------------------------------------------------------------------------------------
  const drawn = new Map();
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const isHourly = () => state.to - state.from < HOUR_RANGE_DAYS && column("hours", "hour").length > 0;
  const ticks = () => {
    const from = isHourly() ? state.from * 24 : state.from;
    const to = isHourly() ? state.to * 24 + 23 : state.to;
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  };
  const label = (tick) => (isHourly() ? `${isoDay(Math.floor(tick / 24)).slice(5)} ${String(tick % 24).padStart(2, "0")}:00` : isoDay(tick));
  // Values by tick; a tick without a row has no value, and none is drawn.
  const series = (key, dayKey = key) => {
    const [part, place] = isHourly() ? ["hours", "hour"] : ["days", "day"];
    const values = column(part, isHourly() ? key : dayKey);
    const byTick = new Map(column(part, place).map((tick, i) => [tick, values[i]]));
    return ticks().map((tick) => byTick.get(tick) ?? null);
  };
  const base = (format, extra = {}) => ({
    animation: false,
    textStyle: { fontFamily: "inherit", color: color("soft") },
    grid: { left: 56, right: extra.right ?? 16, top: 36, bottom: 28 },
    legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 12, itemGap: 18, icon: "roundRect", textStyle: { color: color("text") } },
    tooltip: {
      trigger: "axis", backgroundColor: color("card"), borderColor: color("line"), textStyle: { color: color("text"), fontSize: 12 }, confine: true,
      formatter: (points) => [`<b>${escaped(points[0].axisValueLabel)}</b>`, ...points.filter((p) => p.value !== null && p.value !== undefined).map((p) => `${p.marker} ${escaped(p.seriesName)}: <b>${escaped((extra.formats?.[p.seriesName] ?? format)(p.value))}</b>`)].join("<br>"),
    },
    xAxis: { type: "category", data: ticks().map(label), axisLine: { lineStyle: { color: color("line") } }, axisTick: { show: false }, axisLabel: { color: color("soft"), hideOverlap: true } },
    yAxis: [axis(extra.axis ?? format)],
  });
  const axis = (format, more = {}) => ({ type: "value", min: 0, splitLine: { lineStyle: { color: color("line") } }, axisLabel: { color: color("soft"), formatter: (v) => format(v) }, ...more });
  const bars = (name, key, data, stack) => ({ name, type: "bar", stack, data, itemStyle: { color: color(key) }, barCategoryGap: "12%", barMaxWidth: 64 });
  const line = (name, key, data, more = {}) => ({ name, type: "line", data, showSymbol: data.filter((v) => v !== null).length < 3, lineStyle: { width: 2 }, itemStyle: { color: color(key) }, connectNulls: false, ...more });
  const unknownOf = () => series("requests").map((all, i) => (all === null ? null : all - (series("human_requests")[i] ?? 0) - (series("bot_requests")[i] ?? 0)));
  const plain = (value) => (value >= 1000 ? short(value) : String(Math.round(value * 100) / 100));

  const CHARTS = [
    { id: "traffic", section: "Traffic", title: "How many requests come from people, and how many from bots?", wide: true, needs: "days",
      definition: "Requests by sender, each hour for ranges up to 10 days, else each day. Unknown: the log carries no user agent.",
      sql: () => (isHourly() ? `select hour, human_requests, bot_requests, requests\nfrom hourly_metrics\nwhere ${between(state.from, state.to)}\norder by hour` : `select date, human_requests, bot_requests, requests\nfrom daily_metrics\nwhere ${between(state.from, state.to)}\norder by date`),
      option: () => {
        const unknown = unknownOf();
        const found = [bars("People", "human", series("human_requests"), "a"), bars("Bots", "bot", series("bot_requests"), "a")];
        if (unknown.some((v) => v > 0)) found.push(bars("Unknown", "redirect", unknown, "a"));
        return { ...base(count, { axis: plain }), series: found };
      } },
    { id: "errors", section: "Errors", title: "When did requests fail?", needs: "days",
      definition: "Requests with status 400 to 499 (client) and 500 or above (server), and their share of the requests whose status is known.",
      sql: () => `select ${isHourly() ? "hour" : "date"}, requests_4xx, requests_5xx, error_rate\nfrom ${isHourly() ? "hourly_metrics" : "daily_metrics"}\nwhere ${between(state.from, state.to)}\norder by 1`,
      option: () => {
        const [client, server, all] = [series("requests_4xx"), series("requests_5xx"), series("answered")];
        const rates = all.map((n, i) => (n ? (client[i] + server[i]) / n : null));
        const option = base(count, { right: 56, axis: plain, formats: { "Error rate": percent } });
        option.yAxis.push(axis((v) => `${Math.round(v * 1000) / 10} %`, { splitLine: { show: false } }));
        return { ...option, series: [bars("Client errors", "client", client, "a"), bars("Server errors", "server", server, "a"), line("Error rate", "soft", rates, { yAxisIndex: 1 })] };
      } },
    { id: "response", section: "Response times", title: "How long do visitors wait?", needs: "days",
      definition: "Quantiles of the response time, exact for each hour or day.",
      sql: () => `select ${isHourly() ? "hour" : "date"}, p50_response_time_ms, p95_response_time_ms, p99_response_time_ms\nfrom ${isHourly() ? "hourly_metrics" : "daily_metrics"}\nwhere ${between(state.from, state.to)}\norder by 1`,
      option: () => ({ ...base(millis), series: [line("Median", "p50", series("p50")), line("p95", "p95", series("p95")), ...(isHourly() ? [] : [line("p99", "p99", series("p99"))])] }) },
    { id: "heat", section: "Hours", title: "At which hours is the site used?", needs: "hours",
      definition: "Mean requests by weekday and hour of the range (UTC), or the error rate of that hour.",
      sql: () => `select isodow(hour) as weekday, hour(hour) as hour_of_day, sum(requests) as requests,\n  sum(requests_4xx + requests_5xx) / nullif(sum(requests - requests_without_status), 0) as error_rate\nfrom hourly_metrics\nwhere ${between(state.from, state.to)}\ngroup by 1, 2\norder by 1, 2`,
      control: () => make("select", { "aria-label": "Figure of the heat map", onchange: (e) => { state.heat = e.target.value; draw("heat"); } },
        make("option", { value: "requests" }, "Requests"), make("option", { value: "errors" }, "Error rate")),
      option: () => {
        const cells = new Map();
        for (const i of hoursIn(state.from, state.to)) {
          const hour = column("hours", "hour")[i];
          const key = `${hour % 24},${(Math.floor(hour / 24) + 3) % 7}`;
          const cell = cells.get(key) ?? { requests: 0, answered: 0, errors: 0 };
          cell.requests += column("hours", "requests")[i];
          cell.answered += column("hours", "answered")[i];
          cell.errors += column("hours", "requests_4xx")[i] + column("hours", "requests_5xx")[i];
          cells.set(key, cell);
        }
        const dates = [0, 0, 0, 0, 0, 0, 0];
        for (let day = state.from; day <= state.to; day += 1) dates[(day + 3) % 7] += 1;
        const value = (cell, weekday) => (state.heat === "requests" ? cell.requests / dates[weekday] : cell.answered ? cell.errors / cell.answered : null);
        const data = [...cells].map(([key, cell]) => { const [x, y] = key.split(",").map(Number); return [x, 6 - y, value(cell, y)]; }).filter((d) => d[2] !== null);
        const format = state.heat === "requests" ? (v) => `${v.toLocaleString("en-US", { maximumFractionDigits: 1 })} requests` : percent;
        const option = base(count);
        return { ...option, legend: undefined, grid: { left: 44, right: 8, top: 8, bottom: 56 },
          xAxis: { ...option.xAxis, data: Array.from({ length: 24 }, (_, i) => String(i).padStart(2, "0")) },
          yAxis: { type: "category", data: [...WEEKDAYS].reverse(), axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: color("soft") } },
          tooltip: { ...option.tooltip, trigger: "item", formatter: (p) => `${WEEKDAYS[6 - p.value[1]]} ${String(p.value[0]).padStart(2, "0")}:00: <b>${escaped(format(p.value[2]))}</b>` },
          visualMap: { min: 0, max: Math.max(...data.map((d) => d[2]), 1e-9), calculable: false, orient: "horizontal", left: "center", bottom: 0, itemHeight: 90, itemWidth: 10, inRange: { color: [color("heat0"), state.heat === "requests" ? color("heat1") : color("server")] }, textStyle: { color: color("soft") }, formatter: (v) => (state.heat === "requests" ? plain(v) : percent(v)) },
          series: [{ type: "heatmap", data, itemStyle: { borderColor: color("card"), borderWidth: 2 } }] };
      } },
    { id: "visits", section: "Sessions", title: "How do visits go?", needs: "sessions", definition: "Human sessions that began each day, and the share of them with at most one page.",
      sql: () => `select date, human_sessions, bounce_rate\nfrom session_metrics\nwhere ${between(state.from, state.to)}\norder by date`,
      option: () => {
        const byDay = new Map(column("sessions", "day").map((day, i) => [day, i]));
        const dayTicks = Array.from({ length: state.to - state.from + 1 }, (_, i) => state.from + i);
        const of = (key) => dayTicks.map((day) => (byDay.has(day) ? column("sessions", key)[byDay.get(day)] : null));
        const [human, bounces] = [of("human_sessions"), of("bounces")];
        const option = base(count, { right: 56, axis: plain, formats: { "Bounce rate": percent } });
        option.xAxis.data = dayTicks.map(isoDay);
        option.yAxis.push(axis((v) => `${Math.round(v * 100)} %`, { splitLine: { show: false } }));
        return { ...option, series: [bars("Human sessions", "human", human), line("Bounce rate", "client", human.map((n, i) => (n ? bounces[i] / n : null)), { yAxisIndex: 1 })] };
      } },
    { id: "slowness", section: "What slowness costs", title: "Do visitors who wait longer still reach the goal?", needs: "goals",
      definition: "Share of human sessions that reach the goal, by the mean response time of the session. A difference is no proof that slowness is the cause.",
      sql: () => `select response_time_band, sum(human_sessions) as human_sessions, sum(conversions) as conversions,\n  sum(conversions) / sum(human_sessions) as conversion_rate\nfrom conversion_metrics\nwhere goal = '${(mainGoal() ?? "").replaceAll("'", "''")}' and ${between(state.from, state.to)}\ngroup by response_time_band`,
      control: () => make("select", { "aria-label": "Goal", onchange: (e) => { state.goal = e.target.value; draw("slowness"); } }, ...goalNames().map((name) => make("option", { value: name, selected: name === mainGoal() }, name))),
      note: () => slowness(mainGoal())?.sentence ?? "Too few sessions to compare.",
      option: () => {
        const found = slowness(mainGoal());
        const option = base(percent, { axis: (v) => `${Math.round(v * 1000) / 10} %` });
        option.xAxis.data = found.bands.map((b) => `${b.band}\n${short(b.sessions)}\u00a0sessions`);
        option.xAxis.axisLabel = { ...option.xAxis.axisLabel, hideOverlap: false, interval: 0, fontSize: 11, lineHeight: 15, formatter: (text) => text.replace(" ms", " ms\n").replace("\n\n", "\n") };
        option.grid.bottom = 48;
        return { ...option, legend: undefined, series: [bars("Conversion rate", "human", found.bands.map((b) => (b.sessions ? b.conversions / b.sessions : null)))] };
      } },
    { id: "pipeline", section: "Pipeline", title: "Did every line arrive?", needs: "batches",
      definition: "Lines read by the day of the load (not of the event): lines read = silver rows + refused lines + duplicates + blank lines.",
      sql: () => "select date, sum(lines_read) as lines_read, sum(rows_silver) as rows_silver, sum(lines_quarantined) as refused,\n  sum(duplicates) as duplicates, sum(blank_lines) as blank\nfrom pipeline_metrics\ngroup by date\norder by date",
      note: () => {
        const sum = (key) => total("batches", key, -1e6, 1e6);
        const [read, rows, refused, doubles, blank] = ["lines_read", "rows_silver", "lines_quarantined", "duplicates", "blank_lines"].map(sum);
        const isEven = read === rows + refused + doubles + blank;
        return `${count(read)} lines read ${isEven ? "=" : "≠"} ${count(rows)} rows + ${count(refused)} refused + ${count(doubles)} duplicates + ${count(blank)} blank${isEven ? "." : ": the counts do not reconcile; run `loglode verify`."}`;
      },
      option: () => {
        const option = base(count, { axis: plain });
        option.xAxis.data = column("batches", "day").map(isoDay);
        return { ...option, series: [bars("Silver rows", "ok", column("batches", "rows_silver"), "a"), bars("Refused", "server", column("batches", "lines_quarantined"), "a"), bars("Duplicates", "client", column("batches", "duplicates"), "a")] };
      } },
  ];
  const goalNames = () => [...new Set(column("goals", "name").map((i) => names[i]))];
  const mainGoal = () => {
    if (state.goal !== null) return state.goal;
    return grouped("goals", ["conversions"], first, last).sort((a, b) => b.conversions - a.conversions || (a.name < b.name ? -1 : 1))[0]?.name ?? null;
  };
  const slowness = (goal) => {
    if (goal === null) return null;
    const bands = BANDS.map((band) => ({ band, sessions: 0, conversions: 0 }));
    for (const i of indexes("goals", state.from, state.to)) {
      const band = bands[BANDS.indexOf(names[column("goals", "band")[i]])];
      if (names[column("goals", "name")[i]] !== goal || !band) continue;
      band.sessions += column("goals", "human_sessions")[i];
      band.conversions += column("goals", "conversions")[i];
    }
    const enough = bands.filter((b) => b.sessions >= 30);
    const [fast, ...slower] = enough;
    let sentence = null;
    if (slower.length && fast.conversions) {
      const rate = fast.conversions / fast.sessions;
      const actual = enough.reduce((s, b) => s + b.conversions, 0);
      const possible = enough.reduce((s, b) => s + Math.max(b.conversions, rate * b.sessions), 0);
      sentence = `Sessions with responses of ${fast.band} reach "${goal}" at ${percent(rate)}. If slower sessions had converted at the same rate, there would have been ${count(possible)} conversions instead of ${count(actual)}.`;
    }
    return { bands, sentence };
  };
  const draw = (id) => {
    const chart = CHARTS.find((c) => c.id === id);
    const box = document.getElementById(`chart-${id}`);
    if (!box) return;
    const engine = drawn.get(id) ?? charts.init(box, null, { renderer: "svg" });
    drawn.set(id, engine);
    engine.setOption({ aria: { enabled: true, label: { description: `${chart.title} ${chart.note?.() ?? ""}` } }, ...chart.option() }, { notMerge: true });
    const sql = chart.sql();
    const figure = box.closest("figure");
    figure.querySelector("details").replaceWith(explained(chart.definition, sql));
    const note = figure.querySelector(".note");
    if (note) note.textContent = chart.note();
  };
  const figureOf = (chart) => make("figure", { class: chart.wide ? "wide" : "", id: chart.id },
    make("div", { class: "head" }, make("h3", {}, chart.title), ...(chart.control ? [chart.control()] : [])),
    ...(chart.note ? [make("p", { class: "note" })] : []),
    make("div", { class: "chart", id: `chart-${chart.id}` }), make("details"));

  // ---- Tables -------------------------------------------------------------------------------------------
  const per = (above, below) => (row) => (row[below] > 0 ? row[above] / row[below] : null);
  const TABLES = [
    { id: "routes", section: "Routes", part: "routes", title: "Which routes are used, slow or failing?", wide: true, hasSearch: true, sort: "requests",
      keys: ["requests", "answered", "errors", "server_errors", "timed_requests", "response_ms", "p95"],
      columns: [["name", "Route"], ["requests", "Requests", count, true], ["error_rate", "Error rate", percent], ["server_errors", "Server errors", count], ["mean", "Mean time", millis], ["p95", "Highest daily p95", millis]],
      derive: (row) => ({ ...row, error_rate: per("errors", "answered")(row), mean: per("response_ms", "timed_requests")(row), p95: row.timed_requests ? row.p95 : null }), high: { error_rate: 0.1 },
      definition: "Requests by method and route (path with identifiers replaced). A p95 of several days cannot be computed from the p95 of each day, hence the highest of them.",
      sql: () => `select method || ' ' || route as route, sum(requests) as requests, sum(errors) / nullif(sum(requests - requests_without_status), 0) as error_rate,\n  sum(avg_response_time_ms * timed_requests) / sum(timed_requests) as mean_ms, max(p95_response_time_ms) as highest_daily_p95\nfrom route_metrics\nwhere ${between(state.from, state.to)}\ngroup by 1\norder by 2 desc` },
    { id: "statuses", section: "Statuses", part: "statuses", title: "With which statuses does the site answer?", sort: "requests", keys: ["requests"],
      columns: [["name", "Status"], ["requests", "Requests", count, true], ["share", "Share", percent]], derive: (row, all) => ({ ...row, share: all.requests ? row.requests / all.requests : null }),
      definition: "Requests by HTTP status.", sql: () => `select status, sum(requests) as requests\nfrom status_metrics\nwhere ${between(state.from, state.to)}\ngroup by status\norder by 2 desc` },
    { id: "referrers", section: "Sources", part: "referrers", title: "Which sites send visitors?", sort: "human_requests", keys: ["requests", "answered", "human_requests", "errors"],
      columns: [["name", "Referring host"], ["human_requests", "By people", count, true], ["requests", "All", count], ["error_rate", "Error rate", percent]], derive: (row) => ({ ...row, error_rate: per("errors", "answered")(row) }), high: { error_rate: 0.1 },
      definition: "Requests by the host that linked to the site; (none) when unknown.", sql: () => `select referrer_host, sum(human_requests) as human_requests, sum(requests) as requests\nfrom referrer_metrics\nwhere ${between(state.from, state.to)}\ngroup by 1\norder by 2 desc` },
    { id: "campaigns", part: "campaigns", title: "Which campaigns work?", sort: "human_requests", keys: ["requests", "human_requests", "errors"],
      columns: [["name", "Source / medium / campaign"], ["human_requests", "By people", count, true], ["requests", "All", count]], derive: (row) => row,
      definition: "Requests with utm parameters.", sql: () => `select utm_source, utm_medium, utm_campaign, sum(human_requests) as human_requests\nfrom referrer_metrics\nwhere ${between(state.from, state.to)} and (utm_source <> '(none)' or utm_campaign <> '(none)')\ngroup by all\norder by 4 desc` },
    { id: "reasons", part: "reasons", title: "Why were lines refused?", sort: "lines", keys: ["lines"], allTime: true,
      columns: [["name", "Reason"], ["lines", "Lines", count, true]], derive: (row) => row,
      definition: "Refused lines of all loads by reason; a line may have several. Lines that a replay freed are taken off.", sql: () => "select reason, sum((reasons ->> ('$.\"' || reason || '\"'))::bigint) as lines\nfrom (select reasons, unnest(json_keys(reasons)) as reason from runs)\ngroup by reason\norder by 2 desc" },
  ];
  const rowsOf = (table) => (table.allTime
    ? column(table.part, "name").map((name, i) => Object.fromEntries([["name", names[name]], ...table.keys.map((key) => [key, column(table.part, key)[i]])]))
    : grouped(table.part, table.keys, state.from, state.to));
  const drawTable = (table) => {
    const box = document.getElementById(`table-${table.id}`);
    if (!box) return;
    const raw = rowsOf(table);
    const all = Object.fromEntries(table.keys.map((key) => [key, raw.reduce((s, row) => s + row[key], 0)]));
    const { key, isUp } = state.sort[table.id] ?? { key: table.sort, isUp: false };
    const words = table.hasSearch ? state.search.toLowerCase() : "";
    const order = (a, b) => (a[key] ?? -1) < (b[key] ?? -1) ? -1 : (a[key] ?? -1) > (b[key] ?? -1) ? 1 : a.name < b.name ? -1 : 1;
    const rows = raw.map((row) => table.derive(row, all)).filter((row) => row.name.toLowerCase().includes(words)).sort((a, b) => (isUp ? order(a, b) : order(b, a))).slice(0, 100);
    const most = Math.max(...rows.map((row) => row[table.sort]), 1);
    const head = make("tr", {}, ...table.columns.map(([name, title]) => make("th", { scope: "col", "aria-sort": name === key ? (isUp ? "ascending" : "descending") : undefined },
      make("button", { type: "button", onclick: () => { state.sort[table.id] = { key: name, isUp: name === key ? !isUp : name === "name" }; drawTable(table); document.querySelector(`#table-${table.id} th[aria-sort] button`).focus(); } }, title, name === key ? (isUp ? " ↑" : " ↓") : ""))));
    const body = rows.map((row) => make("tr", {}, ...table.columns.map(([name, , format, hasMeter], i) => {
      if (!i) return make("td", { title: row[name] }, row[name]);
      const cell = make("td", { class: row[name] > (table.high?.[name] ?? Infinity) ? "high" : undefined });
      if (hasMeter) { const meter = make("span", { class: "meter" }); meter.style.width = `${(row[name] / most) * 70}px`; cell.append(meter); }
      cell.append(format(row[name]));
      return cell;
    })));
    box.replaceChildren(rows.length ? make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)) : make("p", { class: "empty" }, words ? "No route contains these letters." : "Nothing in this range."));
    box.closest("figure").querySelector("details").replaceWith(explained(table.definition, table.sql()));
  };
  const tableOf = (table) => make("figure", { class: table.wide ? "wide" : "", id: table.id },
    make("div", { class: "head" }, make("h3", {}, table.title),
      ...(table.hasSearch ? [make("input", { type: "search", placeholder: "Search routes", "aria-label": "Search routes", oninput: (e) => { state.search = e.target.value; drawTable(table); } })] : [])),
    make("div", { class: "scroll", id: `table-${table.id}`, tabindex: "0", role: "region", "aria-label": table.title }), make("details"));

  // ---- The page -------------------------------------------------------------------------------------------
  const SECTIONS = [
    ["traffic", ["traffic"]], ["errors", ["errors", "response"]], ["routes", ["routes"]], ["heat", ["heat", "statuses"]], ["referrers", ["referrers", "campaigns"]],
    ["visits", ["visits", "slowness"]], ["pipeline", ["pipeline", "reasons"]],
  ];
  const TITLES = { traffic: "Traffic", errors: "Errors and response times", routes: "Routes", heat: "Hours and statuses", referrers: "Sources", visits: "Sessions and goals", pipeline: "Pipeline health" };
  const strip = () => {
    const box = make("div", { class: "chart low", id: "chart-strip" });
    return make("figure", { class: "wide strip", "aria-label": "All days; drag to choose a range" }, make("figcaption", {}, "All days. Drag the handles to choose a range."), box);
  };
  const drawStrip = () => {
    const box = document.getElementById("chart-strip");
    if (!box) return;
    const engine = drawn.get("strip") ?? charts.init(box, null, { renderer: "svg" });
    const all = Array.from({ length: last - first + 1 }, (_, i) => first + i);
    const byDay = new Map(days.map((day, i) => [day, column("days", "requests")[i]]));
    engine.setOption({ animation: false, grid: { left: 8, right: 8, top: 4, bottom: 40 }, xAxis: { type: "category", data: all.map(isoDay), show: false }, yAxis: { show: false, min: 0 },
      dataZoom: [{ type: "slider", bottom: 4, height: 26, startValue: state.from - first, endValue: state.to - first, brushSelect: false, borderColor: color("line"), fillerColor: "rgba(31,95,208,.15)", textStyle: { color: color("soft") }, showDataShadow: false, filterMode: "none", labelFormatter: (_, text) => text }],
      series: [{ type: "bar", data: all.map((day) => byDay.get(day) ?? 0), itemStyle: { color: color("human") }, silent: true }] }, { notMerge: true });
    if (!drawn.has("strip")) {
      let timer;
      engine.on("datazoom", () => {
        clearTimeout(timer);
        timer = setTimeout(() => { const zoom = engine.getOption().dataZoom[0]; choose(first + zoom.startValue, first + zoom.endValue, false); }, 60);
      });
    }
    drawn.set("strip", engine);
  };
  const choose = (from, to, redrawsStrip = true) => {
    state.from = Math.max(first, Math.min(from, to));
    state.to = Math.min(last, Math.max(from, to));
    if (redrawsStrip) drawStrip();
    drawAll();
  };
  const drawAll = () => {
    document.getElementById("from").value = isoDay(state.from);
    document.getElementById("to").value = isoDay(state.to);
    for (const button of document.querySelectorAll("#presets button")) {
      const length = Number(button.dataset.days);
      button.setAttribute("aria-pressed", String(state.to === last && (length ? state.from === Math.max(first, last - length + 1) : state.from === first)));
    }
    drawHighlights();
    drawCards();
    for (const chart of CHARTS) draw(chart.id);
    for (const table of TABLES) drawTable(table);
  };
  const empty = () => make("section", { class: "empty" }, make("h2", {}, "No data yet"), make("p", {}, "This lake has no metrics. Load logs, then write the report again:"), make("p", {}, make("code", {}, "loglode run access.log --lake LAKE")));
  const build = () => {
    document.getElementById("lake").textContent = about.lake;
    document.getElementById("version").textContent = about.version;
    document.getElementById("theme").addEventListener("click", () => { setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); drawStrip(); drawAll(); });
    const main = document.getElementById("main");
    const made = about.made_at.replace("T", " ").slice(0, 16);
    if (!days.length) {
      document.getElementById("about").textContent = `Written ${made} UTC`;
      document.querySelector(".controls").remove();
      main.append(empty());
      return;
    }
    document.getElementById("about").textContent = `${longDay(first)} to ${longDay(last)} · written ${made} UTC`;
    for (const [title, length] of [["7 days", 7], ["28 days", 28], ["90 days", 90], ["All", 0]]) {
      if (!length || length < last - first + 1) document.getElementById("presets").append(make("button", { type: "button", "data-days": length, onclick: () => choose(length ? last - length + 1 : first, last) }, title));
    }
    for (const id of ["from", "to"]) {
      const input = document.getElementById(id);
      input.min = isoDay(first);
      input.max = isoDay(last);
      input.addEventListener("change", () => { const day = dayOf(input.value); if (!Number.isNaN(day)) choose(id === "from" ? day : state.from, id === "to" ? day : state.to); });
    }
    main.append(make("section", { "aria-labelledby": "overview" }, make("h2", { id: "overview" }, "Overview"), make("ul", { class: "highlights", id: "highlights" }), make("div", { class: "cards", id: "cards" })), make("div", { class: "grid" }, strip()));
    document.getElementById("nav").append(make("a", { href: "#overview" }, "Overview"));
    for (const [section, ids] of SECTIONS) {
      const figures = ids.flatMap((id) => {
        const chart = CHARTS.find((c) => c.id === id);
        if (chart) return column(chart.needs, "day").length || column(chart.needs, "hour").length ? [figureOf(chart)] : [];
        const table = TABLES.find((t) => t.id === id);
        return column(table.part, "name").length ? [tableOf(table)] : [];
      });
      if (!figures.length) continue;
      main.append(make("section", { "aria-label": TITLES[section] }, make("h2", { id: `section-${section}` }, TITLES[section]), make("div", { class: "grid" }, ...figures)));
      document.getElementById("nav").append(make("a", { href: `#section-${section}` }, TITLES[section]));
    }
    drawStrip();
    drawAll();
    addEventListener("resize", () => { for (const engine of drawn.values()) engine.resize(); });
    addEventListener("beforeprint", () => { for (const engine of drawn.values()) engine.resize(); });
  };
  const setTheme = (theme) => { document.documentElement.dataset.theme = theme; };
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  build();
  document.documentElement.dataset.ready = "yes";
})();
