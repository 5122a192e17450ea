-- grain: day x method x route
-- keys: date, method, route
-- depends: changed_days, events, held_route_metrics, route_visitors, settings, target_days
-- totals: requests, bytes_sent
-- description: Traffic, errors and response times of each route on each day.
-- columns:
--   date: day (UTC)
--   method: HTTP method, '(none)' when unknown, '(other)' for those that IANA does not list (silver has them as sent)
--   route: path with identifiers replaced, '(none)' when unknown
--   requests: number of requests
--   visitors: distinct visitors, bots among them
--   errors: requests with status 400 or above
--   server_errors: requests with status 500 or above
--   successes: requests with status 200 to 399
--   requests_without_status: requests whose status is unknown, as of clients that left; the rates leave them out
--   error_rate: errors / requests with a status, 0 to 1; null without any
--   server_error_rate: server_errors / requests with a status, 0 to 1; null without any
--   success_rate: successes / requests with a status, 0 to 1; null without any
--   bytes_sent: sum of bytes of the answers
--   timed_requests: requests with a known response time
--   response_us: sum of response times, microseconds
--   avg_response_time_ms: mean response time, milliseconds; times count in whole microseconds
--   p50_response_time_ms: median response time, milliseconds, within 1 % of the time at that rank
--   p95_response_time_ms: 0.95 quantile of the response time, milliseconds, within 1 % of the time at that rank
--   p99_response_time_ms: 0.99 quantile of the response time, milliseconds, within 1 % of the time at that rank
--   response_time_histogram: timed requests by bucket, ordered; bucket b holds gamma^(b-1) < ms <= gamma^b
--     (gamma 1.02), bucket -1000 also 0 ms; add buckets to merge any range
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
with counted as (
    select
        event_date,
        method_group as method,
        coalesce(route, '(none)') as route,
        bucket,
        count(*) as requests,
        count(case when is_error then 1 end) as errors,
        count(case when status >= 500 then 1 end) as server_errors,
        count(case when status between 200 and 399 then 1 end) as successes,
        count(case when status is null then 1 end) as requests_without_status,
        sum(bytes_sent) as bytes_sent,
        count(response_us) as timed_requests,
        sum(response_us) as response_us
    from events
    where event_date in (select day from target_days)
    group by event_date, method_group, coalesce(route, '(none)'), bucket
),

held as (
    select
        date as event_date,
        method,
        route,
        requests,
        visitors,
        errors,
        server_errors,
        successes,
        requests_without_status,
        bytes_sent,
        timed_requests,
        response_us,
        response_time_histogram
    from held_route_metrics
    where (date, method, route) in (select event_date, method, route from counted)
),

parts as (
    select
        event_date, method, route, requests, 0 as visitors, errors, server_errors, successes,
        requests_without_status, bytes_sent, timed_requests, response_us
    from counted
    union all
    select
        event_date, method, route, requests, visitors, errors, server_errors, successes,
        requests_without_status, bytes_sent, timed_requests, response_us
    from held
),

routes as (
    select
        event_date,
        method,
        route,
        concat(cast(length(method) as varchar), ' ', method, route) as name,
        sum(requests) as requests,
        sum(visitors) as visitors,
        sum(errors) as errors,
        sum(server_errors) as server_errors,
        sum(successes) as successes,
        sum(requests_without_status) as requests_without_status,
        sum(bytes_sent) as bytes_sent,
        sum(timed_requests) as timed_requests,
        sum(response_us) as response_us
    from parts
    group by event_date, method, route
),

held_buckets as (
    select event_date, method, route, unnest(response_time_histogram) as item from held
),

timed as (
    select event_date, method, route, bucket, timed_requests from counted where bucket is not null
    union all
    select event_date, method, route, item.bucket as bucket, item.requests as timed_requests from held_buckets
),

buckets as (
    select
        event_date,
        method,
        route,
        bucket,
        cast(sum(timed_requests) as bigint) as requests
    from timed
    group by event_date, method, route, bucket
),

ranked as (
    select
        buckets.event_date,
        buckets.method,
        buckets.route,
        buckets.bucket,
        buckets.requests,
        -- The middle of the bucket in whole nanoseconds: within 1 % of every time in it.
        case
            when buckets.bucket > -1000
                then cast(round(1000000 * power(settings.histogram_gamma, buckets.bucket - 0.5)) as bigint)
            else 0
        end as middle_ns,
        sum(buckets.requests) over (
            partition by buckets.event_date, buckets.method, buckets.route
            order by buckets.bucket
            rows between unbounded preceding and current row
        ) as place,
        sum(buckets.requests) over (partition by buckets.event_date, buckets.method, buckets.route) as requests_of_all
    from buckets
    cross join settings
),

quantiles as (
    select
        event_date,
        method,
        route,
        min(case when place * 100 >= requests_of_all * 50 then middle_ns end) as p50_ns,
        min(case when place * 100 >= requests_of_all * 95 then middle_ns end) as p95_ns,
        min(case when place * 100 >= requests_of_all * 99 then middle_ns end) as p99_ns,
        list_sort(list({'bucket': bucket, 'requests': requests})) as response_time_histogram
    from ranked
    group by event_date, method, route
)

select
    routes.event_date as date,
    routes.method,
    routes.route,
    cast(routes.requests as bigint) as requests,
    cast(routes.visitors + coalesce(route_visitors.visitors, 0) as bigint) as visitors,
    cast(routes.errors as bigint) as errors,
    cast(routes.server_errors as bigint) as server_errors,
    cast(routes.successes as bigint) as successes,
    cast(routes.requests_without_status as bigint) as requests_without_status,
    cast(routes.errors as double) / nullif(routes.requests - routes.requests_without_status, 0) as error_rate,
    cast(routes.server_errors as double)
    / nullif(routes.requests - routes.requests_without_status, 0) as server_error_rate,
    cast(routes.successes as double) / nullif(routes.requests - routes.requests_without_status, 0) as success_rate,
    cast(coalesce(routes.bytes_sent, 0) as bigint) as bytes_sent,
    cast(routes.timed_requests as bigint) as timed_requests,
    cast(coalesce(routes.response_us, 0) as bigint) as response_us,
    cast(routes.response_us as double) / nullif(routes.timed_requests, 0) / 1000 as avg_response_time_ms,
    cast(quantiles.p50_ns as double) / 1000000 as p50_response_time_ms,
    cast(quantiles.p95_ns as double) / 1000000 as p95_response_time_ms,
    cast(quantiles.p99_ns as double) / 1000000 as p99_response_time_ms,
    quantiles.response_time_histogram,
    cast(year(routes.event_date) as integer) as year,
    cast(month(routes.event_date) as integer) as month,
    cast(day(routes.event_date) as integer) as day
from routes
left join route_visitors on routes.event_date = route_visitors.event_date and routes.name = route_visitors.name
left join quantiles
    on routes.event_date = quantiles.event_date and routes.method = quantiles.method and routes.route = quantiles.route
union all
-- Routes that the batch did not request stay as they are.
select
    date,
    method,
    route,
    requests,
    visitors,
    errors,
    server_errors,
    successes,
    requests_without_status,
    error_rate,
    server_error_rate,
    success_rate,
    bytes_sent,
    timed_requests,
    response_us,
    avg_response_time_ms,
    p50_response_time_ms,
    p95_response_time_ms,
    p99_response_time_ms,
    response_time_histogram,
    year,
    month,
    day
from held_route_metrics
where
    date in (select day from changed_days)
    and (date, method, route) not in (select event_date, method, route from counted)
