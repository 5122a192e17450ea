-- grain: hour x status x is_bot x bucket
-- keys: hour_us, status, is_bot, bucket
-- depends: events, target_days
-- description: Requests of the target days counted once; hours, days, statuses and histograms are sums of it.
-- columns:
--   event_date: day (UTC)
--   hour_us: start of the hour, microseconds since 1970 (UTC)
--   status: HTTP status
--   is_bot: whether the agent says that it is a program, null when unknown
--   bucket: logarithmic bucket of the response time, null when it is unknown
--   requests: number of requests
--   timed_requests: requests with a known response time
--   response_us: sum of response times, microseconds
--   bytes_sent: sum of bytes
select
    event_date,
    hour_us,
    status,
    is_bot,
    bucket,
    count(*) as requests,
    count(response_time_ms) as timed_requests,
    sum(response_us) as response_us,
    sum(bytes_sent) as bytes_sent
from events
where event_date in (select day from target_days)
group by event_date, hour_us, status, is_bot, bucket
