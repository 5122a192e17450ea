-- grain: day x status
-- keys: date, status
-- depends: changed_days, held_status_metrics, hourly_requests
-- totals: requests, bytes_sent
-- description: Requests of each HTTP status on each day.
-- columns:
--   date: day (UTC)
--   status: HTTP status, 100 to 599; null for requests whose status is unknown
--   requests: number of requests
--   request_share: requests / requests of the day, 0 to 1
--   human_requests: requests that are not a bot's; one whose agent is unknown is neither here nor in bot_requests
--   bot_requests: requests of bots
--   bytes_sent: sum of bytes of the answers
--   timed_requests: requests with a known response time
--   response_us: sum of response times, microseconds
--   avg_response_time_ms: mean response time, milliseconds; times count in whole microseconds
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
with parts as (
    select
        event_date,
        status,
        requests,
        case when not is_bot then requests else 0 end as human_requests,
        case when is_bot then requests else 0 end as bot_requests,
        bytes_sent,
        timed_requests,
        response_us
    from hourly_requests
    union all
    select
        date as event_date,
        status,
        requests,
        human_requests,
        bot_requests,
        bytes_sent,
        timed_requests,
        response_us
    from held_status_metrics
    where date in (select day from changed_days)
),

statuses as (
    select
        event_date,
        status,
        sum(requests) as requests,
        sum(human_requests) as human_requests,
        sum(bot_requests) as bot_requests,
        sum(bytes_sent) as bytes_sent,
        sum(timed_requests) as timed_requests,
        sum(response_us) as response_us
    from parts
    group by event_date, status
),

days as (
    select
        event_date,
        sum(requests) as requests
    from statuses
    group by event_date
)

select
    statuses.event_date as date,
    statuses.status,
    cast(statuses.requests as bigint) as requests,
    cast(statuses.requests as double) / days.requests as request_share,
    cast(statuses.human_requests as bigint) as human_requests,
    cast(statuses.bot_requests as bigint) as bot_requests,
    cast(coalesce(statuses.bytes_sent, 0) as bigint) as bytes_sent,
    cast(statuses.timed_requests as bigint) as timed_requests,
    cast(coalesce(statuses.response_us, 0) as bigint) as response_us,
    cast(statuses.response_us as double) / nullif(statuses.timed_requests, 0) / 1000 as avg_response_time_ms,
    cast(year(statuses.event_date) as integer) as year,
    cast(month(statuses.event_date) as integer) as month,
    cast(day(statuses.event_date) as integer) as day
from statuses
inner join days on statuses.event_date = days.event_date
