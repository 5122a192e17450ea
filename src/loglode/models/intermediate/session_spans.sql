-- grain: one row per session that began on a target day
-- keys: session_key
-- depends: visit_slots, target_days
-- description: Sessions. A chain of slots breaks where the silence exceeds the gap; its first two days are one
--   session of the day it began, each later day is a session of its own.
-- columns:
--   session_key: md5 of visit key and start
--   visit_key: 's' and the source's session, else 'v' and the visitor
--   session_date: day the session began (UTC)
--   start_us: first request, microseconds since 1970
--   end_us: last request, microseconds since 1970
--   entry_us: first page, else first request, microseconds since 1970
--   exit_us: last page, else last request, microseconds since 1970
--   requests: number of requests
--   pages: number of pages
--   errors: requests with status 400 or above
--   timed_requests: requests with a known response time
--   response_us: sum of response times, microseconds
--   max_response_time_ms: longest response time, milliseconds
--   is_bot: whether any request was a bot's
with silences as (
    select
        visit_key,
        gap_us,
        is_bot,
        event_date,
        first_us,
        last_us,
        first_page_us,
        last_page_us,
        requests,
        pages,
        errors,
        timed_requests,
        response_us,
        max_response_time_ms,
        -- The latest end so far, not the last row's: slots of two visitors in one source session may overlap.
        max(last_us) over (
            partition by visit_key
            order by first_us, last_us
            rows between unbounded preceding and 1 preceding
        ) as previous_us
    from visit_slots
),

chains as (
    select
        visit_key,
        is_bot,
        event_date,
        first_us,
        last_us,
        first_page_us,
        last_page_us,
        requests,
        pages,
        errors,
        timed_requests,
        response_us,
        max_response_time_ms,
        max(case when previous_us is null or first_us - previous_us > gap_us then first_us end) over (
            partition by visit_key
            order by first_us, last_us
            rows between unbounded preceding and current row
        ) as chain_us,
        max(case when previous_us is null or first_us - previous_us > gap_us then event_date end) over (
            partition by visit_key
            order by first_us, last_us
            rows between unbounded preceding and current row
        ) as chain_date
    from silences
),

segments as (
    select
        visit_key,
        case when event_date <= chain_date + 1 then chain_date else event_date end as session_date,
        min(first_us) as start_us,
        max(last_us) as end_us,
        min(first_page_us) as first_page_us,
        max(last_page_us) as last_page_us,
        sum(requests) as requests,
        sum(pages) as pages,
        sum(errors) as errors,
        sum(timed_requests) as timed_requests,
        sum(response_us) as response_us,
        max(max_response_time_ms) as max_response_time_ms,
        bool_or(is_bot) as is_bot
    from chains
    group by visit_key, chain_us, case when event_date <= chain_date + 1 then chain_date else event_date end
)

select
    md5(concat(visit_key, ':', cast(start_us as varchar))) as session_key,
    visit_key,
    session_date,
    start_us,
    end_us,
    coalesce(first_page_us, start_us) as entry_us,
    coalesce(last_page_us, end_us) as exit_us,
    requests,
    pages,
    errors,
    timed_requests,
    response_us,
    max_response_time_ms,
    is_bot
from segments
where session_date in (select day from target_days)
