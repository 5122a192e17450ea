-- grain: day x referring host x campaign
-- keys: date, referrer_host, utm_source, utm_medium, utm_campaign
-- depends: events, target_days
-- totals: requests, bytes_sent
-- description: Requests and visitors that each referring host and campaign brought on each day.
-- columns:
--   date: day (UTC)
--   referrer_host: host that linked here, '(none)' when unknown
--   utm_source: campaign's source, '(none)' when unknown
--   utm_medium: campaign's medium, '(none)' when unknown
--   utm_campaign: campaign's name, '(none)' when unknown
--   requests: number of requests
--   human_requests: requests that are not a bot's
--   visitors: distinct visitors, bots among them
--   errors: requests with status 400 or above
--   error_rate: errors / requests, 0 to 1
--   bytes_sent: sum of bytes of the answers
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
with visitors as (
    -- Names are filled in after the large grouping: the engine groups the dictionaries as they are stored.
    select
        event_date,
        referrer_host,
        utm_source,
        utm_medium,
        utm_campaign,
        visitor_id,
        count(*) as requests,
        count(case when not is_bot then 1 end) as human_requests,
        count(case when is_error then 1 end) as errors,
        sum(bytes_sent) as bytes_sent
    from events
    where event_date in (select day from target_days)
    group by event_date, referrer_host, utm_source, utm_medium, utm_campaign, visitor_id
),

referrers as (
    select
        event_date,
        coalesce(referrer_host, '(none)') as referrer_host,
        coalesce(utm_source, '(none)') as utm_source,
        coalesce(utm_medium, '(none)') as utm_medium,
        coalesce(utm_campaign, '(none)') as utm_campaign,
        sum(requests) as requests,
        sum(human_requests) as human_requests,
        count(distinct visitor_id) as visitors,
        sum(errors) as errors,
        sum(bytes_sent) as bytes_sent
    from visitors
    group by
        event_date,
        coalesce(referrer_host, '(none)'),
        coalesce(utm_source, '(none)'),
        coalesce(utm_medium, '(none)'),
        coalesce(utm_campaign, '(none)')
)

select
    event_date as date,
    referrer_host,
    utm_source,
    utm_medium,
    utm_campaign,
    cast(requests as bigint) as requests,
    cast(human_requests as bigint) as human_requests,
    visitors,
    cast(errors as bigint) as errors,
    cast(errors as double) / requests as error_rate,
    cast(coalesce(bytes_sent, 0) as bigint) as bytes_sent,
    cast(year(event_date) as integer) as year,
    cast(month(event_date) as integer) as month,
    cast(day(event_date) as integer) as day
from referrers
