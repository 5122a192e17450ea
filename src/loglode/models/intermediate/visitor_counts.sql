-- grain: hour, and day where hour_us is null
-- keys: event_date, hour_us
-- depends: visit_slots, target_days
-- description: Distinct visitors by hour and by day.
-- columns:
--   event_date: day (UTC)
--   hour_us: start of the hour, microseconds since 1970; null on the day's own row
--   visitors: distinct visitors
--   human_visitors: distinct visitors with at least one request that is not a bot's
select
    event_date,
    hour_us,
    count(distinct visitor_id) as visitors,
    count(distinct case when not is_bot then visitor_id end) as human_visitors
from visit_slots
where event_date in (select day from target_days)
group by grouping sets ((event_date, hour_us), (event_date))
