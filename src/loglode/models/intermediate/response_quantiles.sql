-- grain: hour, and day where hour_us is null
-- keys: event_date, hour_us
-- depends: events, target_days
-- description: Exact quantiles of the response time by hour and by day, out of one scan.
-- columns:
--   event_date: day (UTC)
--   hour_us: start of the hour, microseconds since 1970; null on the day's own row
--   response_time_ms: array of the 0.5, 0.9, 0.95 and 0.99 quantiles, milliseconds, linear interpolation
select
    event_date,
    hour_us,
    quantile_cont(response_time_ms, [0.5, 0.9, 0.95, 0.99]) as response_time_ms
from events
where event_date in (select day from target_days)
group by grouping sets ((event_date, hour_us), (event_date))
