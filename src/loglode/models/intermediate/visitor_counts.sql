-- grain: hour, and day where hour_us is null
-- keys: event_date, hour_us
-- depends: held_slots, slots, target_days
-- description: Visitors of `slots` by hour and by day that the lake does not hold there yet.
-- columns:
--   event_date: day (UTC)
--   hour_us: start of the hour, microseconds since 1970; null on the day's own row
--   visitors: distinct visitors
--   human_visitors: distinct visitors with at least one request that is not a bot's
with seen as (
    select event_date, hour_us, visitor_id, is_bot, false as is_held from slots
    union all
    select event_date, hour_us, visitor_id, is_bot, true as is_held from held_slots
),

periods as (
    select
        event_date,
        hour_us,
        visitor_id,
        bool_or(is_held) as was_seen,
        bool_or(case when not is_bot then is_held end) as was_human
    from seen
    where visitor_id is not null and event_date in (select day from target_days)
    group by grouping sets ((event_date, hour_us, visitor_id), (event_date, visitor_id))
)

select
    event_date,
    hour_us,
    count(case when not was_seen then visitor_id end) as visitors,
    -- Null where no request is a human's.
    count(case when not was_human then visitor_id end) as human_visitors
from periods
group by event_date, hour_us
