-- grain: hour, and day where hour_us is null; periods with requests or refused lines
-- keys: event_date, hour_us
-- depends: hourly_requests, quarantined_hours, response_quantiles, session_spans, visitor_counts
-- description: Traffic, errors, response times and data quality of each hour and each day.
-- columns:
--   event_date: day (UTC)
--   hour_us: start of the hour, microseconds since 1970; null on the day's own row
--   requests: number of requests
--   visitors: distinct visitors, bots among them; requests without a visitor are not counted here
--   human_visitors: distinct visitors with at least one request that is not a bot's
--   sessions: sessions that began in the period
--   bytes_sent: sum of bytes of the answers
--   requests_1xx: requests with status 100 to 199
--   requests_2xx: requests with status 200 to 299
--   requests_3xx: requests with status 300 to 399
--   requests_4xx: requests with status 400 to 499
--   requests_5xx: requests with status 500 to 599
--   error_rate: (requests_4xx + requests_5xx) / requests, 0 to 1; null without requests
--   server_error_rate: requests_5xx / requests, 0 to 1; null without requests
--   success_rate: (requests_2xx + requests_3xx) / requests, 0 to 1; null without requests
--   timed_requests: requests with a known response time
--   avg_response_time_ms: mean response time, milliseconds; times count in whole microseconds
--   p50_response_time_ms: median response time, milliseconds, exact with linear interpolation
--   p90_response_time_ms: 0.9 quantile of the response time, milliseconds, exact with linear interpolation
--   p95_response_time_ms: 0.95 quantile of the response time, milliseconds, exact with linear interpolation
--   p99_response_time_ms: 0.99 quantile of the response time, milliseconds, exact with linear interpolation
--   human_requests: requests that are not a bot's; one whose agent is unknown is neither here nor in bot_requests
--   bot_requests: requests of bots
--   quarantined_lines: refused lines whose own time could be read and lies in the period
--   response_time_histogram: timed requests by bucket, ordered; bucket b holds gamma^(b-1) < ms <= gamma^b
--     (gamma 1.1 unless set otherwise), bucket -1000 also 0 ms; add buckets to merge any range
with buckets as (
    select
        event_date,
        hour_us,
        bucket,
        sum(timed_requests) as timed_requests
    from hourly_requests
    where bucket is not null
    group by grouping sets ((event_date, hour_us, bucket), (event_date, bucket))
),

histograms as (
    select
        event_date,
        hour_us,
        list_sort(
            list({'bucket': bucket, 'requests': cast(timed_requests as bigint)})
        ) as response_time_histogram
    from buckets
    group by event_date, hour_us
),

totals as (
    select
        event_date,
        hour_us,
        sum(requests) as requests,
        sum(bytes_sent) as bytes_sent,
        sum(case when status < 200 then requests else 0 end) as requests_1xx,
        sum(case when status between 200 and 299 then requests else 0 end) as requests_2xx,
        sum(case when status between 300 and 399 then requests else 0 end) as requests_3xx,
        sum(case when status between 400 and 499 then requests else 0 end) as requests_4xx,
        sum(case when status >= 500 then requests else 0 end) as requests_5xx,
        sum(timed_requests) as timed_requests,
        sum(response_us) as response_us,
        sum(case when not is_bot then requests else 0 end) as human_requests,
        sum(case when is_bot then requests else 0 end) as bot_requests
    from hourly_requests
    group by grouping sets ((event_date, hour_us), (event_date))
),

refused as (
    select
        event_date,
        hour_us,
        sum(quarantined_lines) as quarantined_lines
    from quarantined_hours
    group by grouping sets ((event_date, hour_us), (event_date))
),

starts as (
    select
        session_date as event_date,
        start_us - (start_us % 3600000000 + 3600000000) % 3600000000 as hour_us
    from session_spans
),

started as (
    select
        event_date,
        hour_us,
        count(*) as sessions
    from starts
    group by grouping sets ((event_date, hour_us), (event_date))
),

periods as (
    select event_date, hour_us from totals
    union
    select event_date, hour_us from refused
)

select
    periods.event_date,
    periods.hour_us,
    cast(coalesce(totals.requests, 0) as bigint) as requests,
    cast(coalesce(visitor_counts.visitors, 0) as bigint) as visitors,
    cast(coalesce(visitor_counts.human_visitors, 0) as bigint) as human_visitors,
    cast(coalesce(started.sessions, 0) as bigint) as sessions,
    cast(coalesce(totals.bytes_sent, 0) as bigint) as bytes_sent,
    cast(coalesce(totals.requests_1xx, 0) as bigint) as requests_1xx,
    cast(coalesce(totals.requests_2xx, 0) as bigint) as requests_2xx,
    cast(coalesce(totals.requests_3xx, 0) as bigint) as requests_3xx,
    cast(coalesce(totals.requests_4xx, 0) as bigint) as requests_4xx,
    cast(coalesce(totals.requests_5xx, 0) as bigint) as requests_5xx,
    cast(totals.requests_4xx + totals.requests_5xx as double) / totals.requests as error_rate,
    cast(totals.requests_5xx as double) / totals.requests as server_error_rate,
    cast(totals.requests_2xx + totals.requests_3xx as double) / totals.requests as success_rate,
    cast(coalesce(totals.timed_requests, 0) as bigint) as timed_requests,
    cast(totals.response_us as double) / nullif(totals.timed_requests, 0) / 1000 as avg_response_time_ms,
    response_quantiles.response_time_ms[1] as p50_response_time_ms,
    response_quantiles.response_time_ms[2] as p90_response_time_ms,
    response_quantiles.response_time_ms[3] as p95_response_time_ms,
    response_quantiles.response_time_ms[4] as p99_response_time_ms,
    cast(coalesce(totals.human_requests, 0) as bigint) as human_requests,
    cast(coalesce(totals.bot_requests, 0) as bigint) as bot_requests,
    cast(coalesce(refused.quarantined_lines, 0) as bigint) as quarantined_lines,
    histograms.response_time_histogram
from periods
left join totals
    on periods.event_date = totals.event_date and periods.hour_us is not distinct from totals.hour_us
left join refused
    on periods.event_date = refused.event_date and periods.hour_us is not distinct from refused.hour_us
left join started
    on periods.event_date = started.event_date and periods.hour_us is not distinct from started.hour_us
left join histograms
    on periods.event_date = histograms.event_date and periods.hour_us is not distinct from histograms.hour_us
left join visitor_counts
    on periods.event_date = visitor_counts.event_date and periods.hour_us is not distinct from visitor_counts.hour_us
left join response_quantiles
    on periods.event_date = response_quantiles.event_date and periods.hour_us is not distinct from response_quantiles.hour_us
