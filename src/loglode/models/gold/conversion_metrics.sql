-- grain: day x goal x band of the session's mean response time
-- keys: date, goal, response_time_band
-- depends: goals, session_spans, session_goals
-- description: What slowness costs: the share of human sessions that reach a goal, by how fast they were served.
-- columns:
--   date: day the sessions began (UTC)
--   goal: name of the goal
--   response_time_band: mean response time of the session, '0-100 ms', '100-300 ms', '300-1000 ms',
--     '1000-3000 ms', '3000+ ms' (upper ends belong to the next band) or 'unknown'
--   human_sessions: sessions without a bot's request in the band
--   conversions: those that reached the goal
--   conversion_rate: conversions / human_sessions, 0 to 1
--   avg_response_time_ms: mean of the sessions' mean response times, milliseconds; null in band 'unknown'
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
with visits as (
    select
        session_key,
        session_date,
        -- Whole microseconds, so that the mean over sessions does not depend on their order.
        response_us // nullif(timed_requests, 0) as mean_us
    from session_spans
    where not is_bot
),

banded as (
    select
        session_key,
        session_date,
        mean_us,
        case
            when mean_us is null then 'unknown'
            when mean_us < 100000 then '0-100 ms'
            when mean_us < 300000 then '100-300 ms'
            when mean_us < 1000000 then '300-1000 ms'
            when mean_us < 3000000 then '1000-3000 ms'
            else '3000+ ms'
        end as response_time_band
    from visits
),

bands as (
    select
        session_date,
        response_time_band,
        count(*) as human_sessions,
        sum(mean_us) as mean_us
    from banded
    group by session_date, response_time_band
),

conversions as (
    select
        banded.session_date,
        banded.response_time_band,
        session_goals.goal,
        count(*) as conversions
    from session_goals
    inner join banded on session_goals.session_key = banded.session_key
    group by banded.session_date, banded.response_time_band, session_goals.goal
),

names as (
    select goal
    from goals
    group by goal
)

select
    bands.session_date as date,
    names.goal,
    bands.response_time_band,
    bands.human_sessions,
    coalesce(conversions.conversions, 0) as conversions,
    cast(coalesce(conversions.conversions, 0) as double) / bands.human_sessions as conversion_rate,
    cast(bands.mean_us as double) / bands.human_sessions / 1000 as avg_response_time_ms,
    cast(year(bands.session_date) as integer) as year,
    cast(month(bands.session_date) as integer) as month,
    cast(day(bands.session_date) as integer) as day
from bands
cross join names
left join conversions
    on
        bands.session_date = conversions.session_date
        and bands.response_time_band = conversions.response_time_band
        and names.goal = conversions.goal
