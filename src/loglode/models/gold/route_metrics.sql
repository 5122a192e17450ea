-- grain: day x method x route
-- keys: date, method, route
-- depends: events, target_days
-- totals: requests, bytes_sent
-- description: Traffic, errors and response times of each route on each day.
-- columns:
--   date: day (UTC)
--   method: HTTP method, '(none)' when unknown
--   route: path with identifiers replaced, '(none)' when unknown
--   requests: number of requests
--   visitors: distinct visitors, bots among them
--   errors: requests with status 400 or above
--   error_rate: errors / requests, 0 to 1
--   server_error_rate: requests with status 500 or above / requests, 0 to 1
--   success_rate: requests with status 200 to 399 / requests, 0 to 1
--   bytes_sent: sum of bytes of the answers
--   timed_requests: requests with a known response time
--   avg_response_time_ms: mean response time, milliseconds; times count in whole microseconds
--   p50_response_time_ms: median response time, milliseconds, exact with linear interpolation
--   p95_response_time_ms: 0.95 quantile of the response time, milliseconds, exact with linear interpolation
--   p99_response_time_ms: 0.99 quantile of the response time, milliseconds, exact with linear interpolation
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
with routes as (
    select
        event_date,
        coalesce(method, '(none)') as method,
        coalesce(route, '(none)') as route,
        count(*) as requests,
        count(distinct visitor_id) as visitors,
        count(case when is_error then 1 end) as errors,
        count(case when status >= 500 then 1 end) as server_errors,
        count(case when status between 200 and 399 then 1 end) as successes,
        sum(bytes_sent) as bytes_sent,
        count(response_us) as timed_requests,
        sum(response_us) as response_us,
        quantile_cont(response_time_ms, [0.5, 0.95, 0.99]) as quantiles
    from events
    where event_date in (select day from target_days)
    group by event_date, coalesce(method, '(none)'), coalesce(route, '(none)')
)

select
    event_date as date,
    method,
    route,
    requests,
    visitors,
    errors,
    cast(errors as double) / requests as error_rate,
    cast(server_errors as double) / requests as server_error_rate,
    cast(successes as double) / requests as success_rate,
    cast(coalesce(bytes_sent, 0) as bigint) as bytes_sent,
    timed_requests,
    cast(response_us as double) / nullif(timed_requests, 0) / 1000 as avg_response_time_ms,
    quantiles[1] as p50_response_time_ms,
    quantiles[2] as p95_response_time_ms,
    quantiles[3] as p99_response_time_ms,
    cast(year(event_date) as integer) as year,
    cast(month(event_date) as integer) as month,
    cast(day(event_date) as integer) as day
from routes
