-- grain: one row per session
-- keys: session_key
-- depends: session_spans, session_edges, session_goals
-- description: Visits. The source's session, else a visitor's requests until the configured silence; a session
--   belongs to the day it began and crosses at most one midnight (UTC). Requests with neither id belong to none.
-- columns:
--   date: day the session began (UTC)
--   session_key: identity of the session
--   started_at: time of the first request
--   ended_at: time of the last request
--   duration_seconds: from first to last request, seconds
--   requests: number of requests
--   pages: GET requests answered with 2xx or 304 that are not static assets
--   entry_path: path of the first page, of the first request when there is no page
--   exit_path: path of the last page, of the last request when there is no page
--   is_bounce: at most one page
--   errors: requests with status 400 or above
--   timed_requests: requests with a known response time
--   avg_response_time_ms: mean response time, milliseconds; times count in whole microseconds
--   max_response_time_ms: longest response time, milliseconds
--   is_bot: whether any request was a bot's
--   is_converted: whether a goal was reached
--   goals_reached: number of different goals reached
--   visitor_id: visitor of the entry
--   referrer_host: referring host of the entry
--   utm_source: campaign's source of the entry
--   country: country of the entry
--   device: device of the entry
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
with reached as (
    select
        session_key,
        count(*) as goals
    from session_goals
    group by session_key
)

select
    session_spans.session_date as date,
    session_spans.session_key,
    make_timestamptz(session_spans.start_us) as started_at,
    make_timestamptz(session_spans.end_us) as ended_at,
    cast(session_spans.end_us - session_spans.start_us as double) / 1000000 as duration_seconds,
    cast(session_spans.requests as bigint) as requests,
    cast(session_spans.pages as bigint) as pages,
    session_edges.entry.path as entry_path,
    session_edges.exit.path as exit_path,
    session_spans.pages <= 1 as is_bounce,
    cast(session_spans.errors as bigint) as errors,
    cast(session_spans.timed_requests as bigint) as timed_requests,
    cast(session_spans.response_us as double) / nullif(session_spans.timed_requests, 0) / 1000 as avg_response_time_ms,
    session_spans.max_response_time_ms,
    session_spans.is_bot,
    reached.goals is not null as is_converted,
    cast(coalesce(reached.goals, 0) as bigint) as goals_reached,
    session_edges.entry.visitor_id as visitor_id,
    session_edges.entry.referrer_host as referrer_host,
    session_edges.entry.utm_source as utm_source,
    session_edges.entry.country as country,
    session_edges.entry.device as device,
    cast(year(session_spans.session_date) as integer) as year,
    cast(month(session_spans.session_date) as integer) as month,
    cast(day(session_spans.session_date) as integer) as day
from session_spans
left join session_edges on session_spans.session_key = session_edges.session_key
left join reached on session_spans.session_key = reached.session_key
