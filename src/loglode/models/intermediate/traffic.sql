-- grain: hour, and day where hour_us is null; periods with requests or refused lines
-- keys: event_date, hour_us
-- depends: changed_days, held_daily_metrics, held_hourly_metrics, hourly_requests, quarantined_hours,
--   session_changes, settings, visitor_counts
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
--   requests_without_status: requests whose status is unknown, as of clients that left; the rates leave them out
--   error_rate: (requests_4xx + requests_5xx) / requests with a status, 0 to 1; null without any
--   server_error_rate: requests_5xx / requests with a status, 0 to 1; null without any
--   success_rate: (requests_2xx + requests_3xx) / requests with a status, 0 to 1; null without any
--   timed_requests: requests with a known response time
--   response_us: sum of response times, microseconds
--   avg_response_time_ms: mean response time, milliseconds; times count in whole microseconds
--   p50_response_time_ms: median response time, milliseconds, within 1 % of the time at that rank
--   p90_response_time_ms: 0.9 quantile of the response time, milliseconds, within 1 % of the time at that rank
--   p95_response_time_ms: 0.95 quantile of the response time, milliseconds, within 1 % of the time at that rank
--   p99_response_time_ms: 0.99 quantile of the response time, milliseconds, within 1 % of the time at that rank
--   human_requests: requests that are not a bot's; one whose agent is unknown is neither here nor in bot_requests
--   bot_requests: requests of bots
--   quarantined_lines: refused lines whose own time could be read and lies in the period
--   response_time_histogram: timed requests by bucket, ordered; bucket b holds gamma^(b-1) < ms <= gamma^b
--     (gamma 1.02), bucket -1000 also 0 ms; add buckets to merge any range
with starts as (
    select
        session_date as event_date,
        start_us - (start_us % 3600000000 + 3600000000) % 3600000000 as hour_us,
        sign
    from session_changes
),

parts as (
    select
        event_date,
        hour_us,
        sum(requests) as requests,
        0 as visitors,
        0 as human_visitors,
        0 as sessions,
        sum(bytes_sent) as bytes_sent,
        sum(case when status < 200 then requests else 0 end) as requests_1xx,
        sum(case when status between 200 and 299 then requests else 0 end) as requests_2xx,
        sum(case when status between 300 and 399 then requests else 0 end) as requests_3xx,
        sum(case when status between 400 and 499 then requests else 0 end) as requests_4xx,
        sum(case when status >= 500 then requests else 0 end) as requests_5xx,
        sum(timed_requests) as timed_requests,
        sum(response_us) as response_us,
        sum(case when not is_bot then requests else 0 end) as human_requests,
        sum(case when is_bot then requests else 0 end) as bot_requests,
        0 as quarantined_lines
    from hourly_requests
    group by grouping sets ((event_date, hour_us), (event_date))
    union all
    select
        event_date,
        hour_us,
        0 as requests,
        0 as visitors,
        0 as human_visitors,
        0 as sessions,
        0 as bytes_sent,
        0 as requests_1xx,
        0 as requests_2xx,
        0 as requests_3xx,
        0 as requests_4xx,
        0 as requests_5xx,
        0 as timed_requests,
        0 as response_us,
        0 as human_requests,
        0 as bot_requests,
        sum(quarantined_lines) as quarantined_lines
    from quarantined_hours
    group by grouping sets ((event_date, hour_us), (event_date))
    union all
    select
        event_date,
        hour_us,
        0 as requests,
        0 as visitors,
        0 as human_visitors,
        sum(sign) as sessions,
        0 as bytes_sent,
        0 as requests_1xx,
        0 as requests_2xx,
        0 as requests_3xx,
        0 as requests_4xx,
        0 as requests_5xx,
        0 as timed_requests,
        0 as response_us,
        0 as human_requests,
        0 as bot_requests,
        0 as quarantined_lines
    from starts
    group by grouping sets ((event_date, hour_us), (event_date))
    union all
    select
        event_date,
        hour_us,
        0 as requests,
        visitors as visitors,
        human_visitors as human_visitors,
        0 as sessions,
        0 as bytes_sent,
        0 as requests_1xx,
        0 as requests_2xx,
        0 as requests_3xx,
        0 as requests_4xx,
        0 as requests_5xx,
        0 as timed_requests,
        0 as response_us,
        0 as human_requests,
        0 as bot_requests,
        0 as quarantined_lines
    from visitor_counts
    union all
    select
        date as event_date,
        epoch_us(hour) as hour_us,
        requests,
        visitors,
        human_visitors,
        sessions,
        bytes_sent,
        requests_1xx,
        requests_2xx,
        requests_3xx,
        requests_4xx,
        requests_5xx,
        timed_requests,
        response_us,
        human_requests,
        bot_requests,
        quarantined_lines
    from held_hourly_metrics
    where date in (select day from changed_days)
    union all
    select
        date as event_date,
        cast(null as bigint) as hour_us,
        requests,
        visitors,
        human_visitors,
        sessions,
        bytes_sent,
        requests_1xx,
        requests_2xx,
        requests_3xx,
        requests_4xx,
        requests_5xx,
        timed_requests,
        response_us,
        human_requests,
        bot_requests,
        quarantined_lines
    from held_daily_metrics
    where date in (select day from changed_days)
),

totals as (
    select
        event_date,
        hour_us,
        cast(coalesce(sum(requests), 0) as bigint) as requests,
        cast(coalesce(sum(visitors), 0) as bigint) as visitors,
        cast(coalesce(sum(human_visitors), 0) as bigint) as human_visitors,
        cast(coalesce(sum(sessions), 0) as bigint) as sessions,
        cast(coalesce(sum(bytes_sent), 0) as bigint) as bytes_sent,
        cast(coalesce(sum(requests_1xx), 0) as bigint) as requests_1xx,
        cast(coalesce(sum(requests_2xx), 0) as bigint) as requests_2xx,
        cast(coalesce(sum(requests_3xx), 0) as bigint) as requests_3xx,
        cast(coalesce(sum(requests_4xx), 0) as bigint) as requests_4xx,
        cast(coalesce(sum(requests_5xx), 0) as bigint) as requests_5xx,
        -- Every known status is of one class.
        cast(
            coalesce(sum(requests_1xx + requests_2xx + requests_3xx + requests_4xx + requests_5xx), 0) as bigint
        ) as answered,
        cast(coalesce(sum(timed_requests), 0) as bigint) as timed_requests,
        cast(coalesce(sum(response_us), 0) as bigint) as response_us,
        cast(coalesce(sum(human_requests), 0) as bigint) as human_requests,
        cast(coalesce(sum(bot_requests), 0) as bigint) as bot_requests,
        cast(coalesce(sum(quarantined_lines), 0) as bigint) as quarantined_lines
    from parts
    group by event_date, hour_us
),

held_buckets as (
    select date as event_date, epoch_us(hour) as hour_us, unnest(response_time_histogram) as item
    from held_hourly_metrics
    where date in (select day from changed_days)
    union all
    select date as event_date, cast(null as bigint) as hour_us, unnest(response_time_histogram) as item
    from held_daily_metrics
    where date in (select day from changed_days)
),

timed as (
    select
        event_date,
        hour_us,
        bucket,
        sum(timed_requests) as timed_requests
    from hourly_requests
    where bucket is not null
    group by grouping sets ((event_date, hour_us, bucket), (event_date, bucket))
    union all
    select
        event_date,
        hour_us,
        item.bucket as bucket,
        item.requests as timed_requests
    from held_buckets
),

buckets as (
    select
        event_date,
        hour_us,
        bucket,
        cast(sum(timed_requests) as bigint) as requests
    from timed
    group by event_date, hour_us, bucket
),

ranked as (
    select
        buckets.event_date,
        buckets.hour_us,
        buckets.bucket,
        buckets.requests,
        -- The middle of the bucket in whole nanoseconds: within 1 % of every time in it.
        case
            when buckets.bucket > -1000
                then cast(round(1000000 * power(settings.histogram_gamma, buckets.bucket - 0.5)) as bigint)
            else 0
        end as middle_ns,
        sum(buckets.requests) over (
            partition by buckets.event_date, buckets.hour_us
            order by buckets.bucket
            rows between unbounded preceding and current row
        ) as place,
        sum(buckets.requests) over (partition by buckets.event_date, buckets.hour_us) as requests_of_all
    from buckets
    cross join settings
),

quantiles as (
    select
        event_date,
        hour_us,
        min(case when place * 100 >= requests_of_all * 50 then middle_ns end) as p50_ns,
        min(case when place * 100 >= requests_of_all * 90 then middle_ns end) as p90_ns,
        min(case when place * 100 >= requests_of_all * 95 then middle_ns end) as p95_ns,
        min(case when place * 100 >= requests_of_all * 99 then middle_ns end) as p99_ns,
        list_sort(list({'bucket': bucket, 'requests': requests})) as response_time_histogram
    from ranked
    group by event_date, hour_us
)

select
    totals.event_date,
    totals.hour_us,
    totals.requests,
    totals.visitors,
    totals.human_visitors,
    totals.sessions,
    totals.bytes_sent,
    totals.requests_1xx,
    totals.requests_2xx,
    totals.requests_3xx,
    totals.requests_4xx,
    totals.requests_5xx,
    totals.requests - totals.answered as requests_without_status,
    cast(totals.requests_4xx + totals.requests_5xx as double) / nullif(totals.answered, 0) as error_rate,
    cast(totals.requests_5xx as double) / nullif(totals.answered, 0) as server_error_rate,
    cast(totals.requests_2xx + totals.requests_3xx as double) / nullif(totals.answered, 0) as success_rate,
    totals.timed_requests,
    totals.response_us,
    cast(totals.response_us as double) / nullif(totals.timed_requests, 0) / 1000 as avg_response_time_ms,
    cast(quantiles.p50_ns as double) / 1000000 as p50_response_time_ms,
    cast(quantiles.p90_ns as double) / 1000000 as p90_response_time_ms,
    cast(quantiles.p95_ns as double) / 1000000 as p95_response_time_ms,
    cast(quantiles.p99_ns as double) / 1000000 as p99_response_time_ms,
    totals.human_requests,
    totals.bot_requests,
    totals.quarantined_lines,
    quantiles.response_time_histogram
from totals
left join quantiles
    on totals.event_date = quantiles.event_date and totals.hour_us is not distinct from quantiles.hour_us
where totals.requests > 0 or totals.quarantined_lines > 0
