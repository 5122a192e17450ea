-- grain: hour x status x is_bot x bucket
-- keys: hour_us, status, is_bot, bucket
-- depends: events, settings, target_days
-- description: Requests of the target days counted once; hours, days, statuses and histograms are sums of it.
-- columns:
--   event_date: day (UTC)
--   hour_us: start of the hour, microseconds since 1970 (UTC)
--   status: HTTP status
--   is_bot: whether the agent says that it is a program
--   bucket: logarithmic bucket of the response time, null when it is unknown
--   requests: number of requests
--   timed_requests: requests with a known response time
--   response_us: sum of response times, microseconds
--   bytes_sent: sum of bytes
select
    events.event_date,
    events.hour_us,
    events.status,
    events.is_bot,
    -- Zero has no logarithm: it shares the lowest bucket with everything below gamma^-1000 ms.
    case
        when events.response_time_ms > 0
            then cast(greatest(-1000, ceil(ln(events.response_time_ms) / ln(settings.histogram_gamma))) as integer)
        when events.response_time_ms = 0
            then -1000
    end as bucket,
    count(*) as requests,
    count(events.response_time_ms) as timed_requests,
    sum(events.response_us) as response_us,
    sum(events.bytes_sent) as bytes_sent
from events
cross join settings
where events.event_date in (select day from target_days)
group by
    events.event_date,
    events.hour_us,
    events.status,
    events.is_bot,
    case
        when events.response_time_ms > 0
            then cast(greatest(-1000, ceil(ln(events.response_time_ms) / ln(settings.histogram_gamma))) as integer)
        when events.response_time_ms = 0
            then -1000
    end
