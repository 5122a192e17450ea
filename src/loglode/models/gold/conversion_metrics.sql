-- grain: day x goal x band of the session's mean response time
-- keys: date, goal, response_time_band
-- depends: changed_days, goals, held_conversion_metrics, session_changes
-- description: What slowness costs: the share of human sessions that reach a goal, by how fast they were served.
-- columns:
--   date: day the sessions began (UTC)
--   goal: name of the goal
--   response_time_band: mean response time of the session, '0-100 ms', '100-300 ms', '300-1000 ms',
--     '1000-3000 ms', '3000+ ms' (upper ends belong to the next band) or 'unknown'
--   human_sessions: sessions known to be without a bot's request in the band
--   conversions: those that reached the goal
--   conversion_rate: conversions / human_sessions, 0 to 1
--   response_us: sum of the sessions' mean response times, microseconds; null in band 'unknown'
--   avg_response_time_ms: mean of the sessions' mean response times, milliseconds; null in band 'unknown'
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
with banded as (
    select
        session_date,
        sign,
        mean_us,
        goals,
        case
            when mean_us is null then 'unknown'
            when mean_us < 100000 then '0-100 ms'
            when mean_us < 300000 then '100-300 ms'
            when mean_us < 1000000 then '300-1000 ms'
            when mean_us < 3000000 then '1000-3000 ms'
            else '3000+ ms'
        end as response_time_band
    from session_changes
    where not is_bot
),

names as (
    select goal
    from goals
    group by goal
),

bands as (
    select
        session_date,
        response_time_band,
        sum(sign) as human_sessions,
        sum(sign * mean_us) as response_us
    from banded
    group by session_date, response_time_band
),

reached as (
    select session_date, response_time_band, sign, unnest(goals) as goal from banded
),

parts as (
    select bands.session_date, names.goal, bands.response_time_band, bands.human_sessions, 0 as conversions, bands.response_us
    from bands
    cross join names
    union all
    select session_date, goal, response_time_band, 0 as human_sessions, sign as conversions, null as response_us
    from reached
    union all
    select date as session_date, goal, response_time_band, human_sessions, conversions, response_us
    from held_conversion_metrics
    where date in (select day from changed_days)
),

totals as (
    select
        session_date,
        goal,
        response_time_band,
        cast(sum(human_sessions) as bigint) as human_sessions,
        cast(sum(conversions) as bigint) as conversions,
        cast(sum(response_us) as bigint) as response_us
    from parts
    group by session_date, goal, response_time_band
)

select
    session_date as date,
    goal,
    response_time_band,
    human_sessions,
    conversions,
    cast(conversions as double) / human_sessions as conversion_rate,
    response_us,
    cast(response_us as double) / human_sessions / 1000 as avg_response_time_ms,
    cast(year(session_date) as integer) as year,
    cast(month(session_date) as integer) as month,
    cast(day(session_date) as integer) as day
from totals
where human_sessions > 0
