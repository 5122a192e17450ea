-- grain: day x referring host x campaign
-- keys: date, referrer_host, utm_source, utm_medium, utm_campaign
-- depends: changed_days, events, held_referrer_metrics, referrer_visitors, target_days
-- totals: requests, bytes_sent
-- description: Requests and visitors that each referring host and campaign brought on each day.
-- columns:
--   date: day (UTC)
--   referrer_host: host that linked here, '(none)' when unknown
--   utm_source: campaign's source, '(none)' when unknown
--   utm_medium: campaign's medium, '(none)' when unknown
--   utm_campaign: campaign's name, '(none)' when unknown
--   requests: number of requests
--   human_requests: requests that are not a bot's; one whose agent is unknown is neither here nor in bot_requests
--   visitors: distinct visitors, bots among them
--   errors: requests with status 400 or above
--   requests_without_status: requests whose status is unknown, as of clients that left; the rate leaves them out
--   error_rate: errors / requests with a status, 0 to 1; null without any
--   bytes_sent: sum of bytes of the answers
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
with requests as (
    -- Names are filled in after the large grouping: the engine groups the dictionaries as they are stored.
    select
        event_date,
        referrer_host,
        utm_source,
        utm_medium,
        utm_campaign,
        count(*) as requests,
        count(case when not is_bot then 1 end) as human_requests,
        count(case when is_error then 1 end) as errors,
        count(case when status is null then 1 end) as requests_without_status,
        sum(bytes_sent) as bytes_sent
    from events
    where event_date in (select day from target_days)
    group by event_date, referrer_host, utm_source, utm_medium, utm_campaign
),

parts as (
    select
        event_date,
        coalesce(referrer_host, '(none)') as referrer_host,
        coalesce(utm_source, '(none)') as utm_source,
        coalesce(utm_medium, '(none)') as utm_medium,
        coalesce(utm_campaign, '(none)') as utm_campaign,
        requests,
        human_requests,
        0 as visitors,
        errors,
        requests_without_status,
        bytes_sent
    from requests
    union all
    select
        date as event_date,
        referrer_host,
        utm_source,
        utm_medium,
        utm_campaign,
        requests,
        human_requests,
        visitors,
        errors,
        requests_without_status,
        bytes_sent
    from held_referrer_metrics
    where date in (select day from changed_days)
),

referrers as (
    select
        event_date,
        referrer_host,
        utm_source,
        utm_medium,
        utm_campaign,
        concat(
            cast(length(referrer_host) as varchar), ' ', cast(length(utm_source) as varchar), ' ',
            cast(length(utm_medium) as varchar), ' ', referrer_host, utm_source, utm_medium, utm_campaign
        ) as name,
        sum(requests) as requests,
        sum(human_requests) as human_requests,
        sum(visitors) as visitors,
        sum(errors) as errors,
        sum(requests_without_status) as requests_without_status,
        sum(bytes_sent) as bytes_sent
    from parts
    group by event_date, referrer_host, utm_source, utm_medium, utm_campaign
)

select
    referrers.event_date as date,
    referrers.referrer_host,
    referrers.utm_source,
    referrers.utm_medium,
    referrers.utm_campaign,
    cast(referrers.requests as bigint) as requests,
    cast(referrers.human_requests as bigint) as human_requests,
    cast(referrers.visitors + coalesce(referrer_visitors.visitors, 0) as bigint) as visitors,
    cast(referrers.errors as bigint) as errors,
    cast(referrers.requests_without_status as bigint) as requests_without_status,
    cast(referrers.errors as double)
    / nullif(referrers.requests - referrers.requests_without_status, 0) as error_rate,
    cast(coalesce(referrers.bytes_sent, 0) as bigint) as bytes_sent,
    cast(year(referrers.event_date) as integer) as year,
    cast(month(referrers.event_date) as integer) as month,
    cast(day(referrers.event_date) as integer) as day
from referrers
left join referrer_visitors
    on referrers.event_date = referrer_visitors.event_date and referrers.name = referrer_visitors.name
