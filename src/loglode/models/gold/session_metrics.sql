-- grain: one row per day on which a session began
-- keys: date
-- depends: session_spans, session_goals
-- description: How visits went on each day. Rates and averages are of human sessions only.
-- columns:
--   date: day (UTC)
--   sessions: sessions that began on the day
--   human_sessions: sessions without a bot's request
--   bot_sessions: sessions with a bot's request
--   bounces: human sessions with at most one page
--   bounce_rate: bounces / human_sessions, 0 to 1; null without human sessions
--   conversions: human sessions that reached a goal
--   conversion_rate: conversions / human_sessions, 0 to 1; null without human sessions
--   pages: pages of human sessions
--   pages_per_session: pages / human_sessions
--   requests: requests of all sessions
--   avg_duration_seconds: mean time from first to last request of human sessions, seconds
--   median_duration_seconds: median of the same, seconds, exact with linear interpolation
--   sessions_with_errors: human sessions with a status of 400 or above
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
with reached as (
    select session_key
    from session_goals
    group by session_key
),

visits as (
    select
        session_spans.session_date,
        session_spans.requests,
        session_spans.is_bot,
        case when not session_spans.is_bot then session_spans.pages end as human_pages,
        case when not session_spans.is_bot then session_spans.errors end as human_errors,
        case when not session_spans.is_bot then session_spans.end_us - session_spans.start_us end as human_us,
        not session_spans.is_bot and reached.session_key is not null as is_human_conversion
    from session_spans
    left join reached on session_spans.session_key = reached.session_key
),

days as (
    select
        session_date,
        count(*) as sessions,
        count(case when not is_bot then 1 end) as human_sessions,
        count(case when is_bot then 1 end) as bot_sessions,
        count(case when human_pages <= 1 then 1 end) as bounces,
        count(case when is_human_conversion then 1 end) as conversions,
        count(case when human_errors > 0 then 1 end) as sessions_with_errors,
        sum(human_pages) as pages,
        sum(requests) as requests,
        sum(human_us) as human_us,
        quantile_cont(human_us, [0.5]) as quantiles
    from visits
    group by session_date
)

select
    session_date as date,
    sessions,
    human_sessions,
    bot_sessions,
    bounces,
    cast(bounces as double) / nullif(human_sessions, 0) as bounce_rate,
    conversions,
    cast(conversions as double) / nullif(human_sessions, 0) as conversion_rate,
    cast(coalesce(pages, 0) as bigint) as pages,
    cast(pages as double) / nullif(human_sessions, 0) as pages_per_session,
    cast(requests as bigint) as requests,
    cast(human_us as double) / nullif(human_sessions, 0) / 1000000 as avg_duration_seconds,
    cast(quantiles[1] as double) / 1000000 as median_duration_seconds,
    sessions_with_errors,
    cast(year(session_date) as integer) as year,
    cast(month(session_date) as integer) as month,
    cast(day(session_date) as integer) as day
from days
