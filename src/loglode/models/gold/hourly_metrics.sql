-- grain: one row per hour (UTC) with requests or refused lines
-- keys: hour
-- depends: traffic
-- totals: requests, bytes_sent
-- description: Traffic, errors, response times and data quality of each hour. Statuses of 400 and above are errors.
-- columns:
--   date: day (UTC)
--   hour: start of the hour (UTC)
--   requests: number of requests
--   visitors: distinct visitors, bots among them; requests without a visitor are not counted here
--   human_visitors: distinct visitors with at least one request that is not a bot's
--   sessions: sessions that began in the hour
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
--   quarantined_lines: refused lines whose own time could be read and lies in the hour
--   response_time_histogram: timed requests by bucket, ordered; bucket b holds gamma^(b-1) < ms <= gamma^b
--     (gamma 1.02), bucket -1000 also 0 ms; add buckets to merge any range
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
select
    event_date as date,
    make_timestamptz(hour_us) as hour,
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
    requests_without_status,
    error_rate,
    server_error_rate,
    success_rate,
    timed_requests,
    response_us,
    avg_response_time_ms,
    p50_response_time_ms,
    p90_response_time_ms,
    p95_response_time_ms,
    p99_response_time_ms,
    human_requests,
    bot_requests,
    quarantined_lines,
    response_time_histogram,
    cast(year(event_date) as integer) as year,
    cast(month(event_date) as integer) as month,
    cast(day(event_date) as integer) as day
from traffic
where hour_us is not null
