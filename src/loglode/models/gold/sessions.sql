-- grain: one row per session
-- keys: session_key
-- depends: changed_days, held_sessions, session_spans, slots
-- description: Visits. The source's session, else a visitor's requests until the configured silence; a session
--   belongs to the day it began and crosses at most one midnight (UTC). Requests with neither id belong to none.
-- columns:
--   date: day the session began (UTC)
--   session_key: identity of the session
--   visit_key: 's' and the source's session, else 'v' and the visitor
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
--   response_us: sum of response times, microseconds; null when no time is known
--   avg_response_time_ms: mean response time, milliseconds; times count in whole microseconds
--   max_response_time_ms: longest response time, milliseconds
--   is_bot: whether any request was a bot's; null when none is known to be and of some it is unknown
--   is_converted: whether a goal was reached
--   goals_reached: number of different goals reached
--   goals: names of the goals reached, null when none was
--   visitor_id: visitor of the entry
--   referrer_host: referring host of the entry
--   utm_source: campaign's source of the entry
--   country: country of the entry
--   device: device of the entry
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
select
    session_date as date,
    session_key,
    visit_key,
    make_timestamptz(start_us) as started_at,
    make_timestamptz(end_us) as ended_at,
    cast(end_us - start_us as double) / 1000000 as duration_seconds,
    cast(requests as bigint) as requests,
    cast(pages as bigint) as pages,
    entry.path as entry_path,
    exit.path as exit_path,
    pages <= 1 as is_bounce,
    cast(errors as bigint) as errors,
    cast(timed_requests as bigint) as timed_requests,
    cast(response_us as bigint) as response_us,
    cast(response_us as double) / nullif(timed_requests, 0) / 1000 as avg_response_time_ms,
    max_response_time_ms,
    is_bot,
    goals is not null as is_converted,
    cast(case when goals is null then 0 else array_length(goals) end as bigint) as goals_reached,
    goals,
    entry.visitor_id as visitor_id,
    entry.referrer_host as referrer_host,
    entry.utm_source as utm_source,
    entry.country as country,
    entry.device as device,
    cast(year(session_date) as integer) as year,
    cast(month(session_date) as integer) as month,
    cast(day(session_date) as integer) as day
from session_spans
union all
select
    date,
    session_key,
    visit_key,
    started_at,
    ended_at,
    duration_seconds,
    requests,
    pages,
    entry_path,
    exit_path,
    is_bounce,
    errors,
    timed_requests,
    response_us,
    avg_response_time_ms,
    max_response_time_ms,
    is_bot,
    is_converted,
    goals_reached,
    goals,
    visitor_id,
    referrer_host,
    utm_source,
    country,
    device,
    year,
    month,
    day
from held_sessions
where date in (select day from changed_days) and visit_key not in (select visit_key from slots)
