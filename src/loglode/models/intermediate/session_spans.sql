-- grain: one row per session that began on a target day
-- keys: session_key
-- depends: held_slots, settings, slots, target_days
-- description: Sessions of the visits in `slots`. A chain of slots breaks where the silence exceeds the gap; its
--   first two days are one session of the day it began, each later day is a session of its own.
-- columns:
--   session_key: md5 of visit key and start
--   visit_key: 's' and the source's session, else 'v' and the visitor
--   session_date: day the session began (UTC)
--   start_us: first request, microseconds since 1970
--   end_us: last request, microseconds since 1970
--   requests: number of requests
--   pages: number of pages
--   errors: requests with status 400 or above
--   timed_requests: requests with a known response time
--   response_us: sum of response times, microseconds
--   max_response_time_ms: longest response time, milliseconds
--   is_bot: whether any request was a bot's; null when none is known to be and of some it is unknown
--   entry: struct of the first page, else of the first request: path, visitor_id, referrer_host, utm_source,
--     country, device. event_id decides between equal times
--   exit: struct of the last page, else of the last request: path
--   goals: names of the goals that a request reached, null when none was
with gaps as (
    select
        greatest(session_gap_seconds, 1) * 1000000 as derived_us,
        -- A day of silence always ends a session: it bounds what a recomputed day depends on.
        least(greatest(source_session_gap_seconds, 1), 86400) * 1000000 as source_us
    from settings
),

pieces as (
    select
        visit_key, visitor_id, is_bot, event_date, first_us, last_us, requests, pages, errors, timed_requests,
        response_us, max_response_time_ms, entry_us, entry_id, entry_path, referrer_host, utm_source, country, device,
        exit_us, exit_id, exit_path, goals
    from slots
    union all
    select
        visit_key, visitor_id, is_bot, event_date, first_us, last_us, requests, pages, errors, timed_requests,
        response_us, max_response_time_ms, entry_us, entry_id, entry_path, referrer_host, utm_source, country, device,
        exit_us, exit_id, exit_path, goals
    from held_slots
    where visit_key in (select visit_key from slots)
),

silences as (
    select
        pieces.visit_key,
        case when pieces.visit_key like 'v%' then gaps.derived_us else gaps.source_us end as gap_us,
        pieces.visitor_id,
        pieces.is_bot,
        pieces.event_date,
        pieces.first_us,
        pieces.last_us,
        pieces.requests,
        pieces.pages,
        pieces.errors,
        pieces.timed_requests,
        pieces.response_us,
        pieces.max_response_time_ms,
        pieces.entry_us,
        pieces.entry_id,
        pieces.entry_path,
        pieces.referrer_host,
        pieces.utm_source,
        pieces.country,
        pieces.device,
        pieces.exit_us,
        pieces.exit_id,
        pieces.exit_path,
        pieces.goals,
        -- The latest end so far, not the last row's: slots of two visitors in one source session may overlap.
        max(pieces.last_us) over (
            partition by pieces.visit_key
            order by pieces.first_us, pieces.last_us, pieces.entry_id
            rows between unbounded preceding and 1 preceding
        ) as previous_us
    from pieces
    cross join gaps
),

chains as (
    select
        visit_key,
        visitor_id,
        is_bot,
        event_date,
        first_us,
        last_us,
        requests,
        pages,
        errors,
        timed_requests,
        response_us,
        max_response_time_ms,
        entry_us,
        entry_id,
        entry_path,
        referrer_host,
        utm_source,
        country,
        device,
        exit_us,
        exit_id,
        exit_path,
        goals,
        max(case when previous_us is null or first_us - previous_us > gap_us then first_us end) over (
            partition by visit_key
            order by first_us, last_us, entry_id
            rows between unbounded preceding and current row
        ) as chain_us,
        max(case when previous_us is null or first_us - previous_us > gap_us then event_date end) over (
            partition by visit_key
            order by first_us, last_us, entry_id
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
        sum(requests) as requests,
        sum(pages) as pages,
        sum(errors) as errors,
        sum(timed_requests) as timed_requests,
        sum(response_us) as response_us,
        max(max_response_time_ms) as max_response_time_ms,
        coalesce(bool_or(is_bot), false) as is_known_bot,
        count(case when is_bot is null then 1 end) as unknown_slots,
        min_by(
            {
                'path': entry_path,
                'visitor_id': visitor_id,
                'referrer_host': referrer_host,
                'utm_source': utm_source,
                'country': country,
                'device': device
            },
            {'is_other': pages = 0, 'event_us': entry_us, 'event_id': entry_id}
        ) as entry,
        max_by({'path': exit_path}, {'is_page': pages > 0, 'event_us': exit_us, 'event_id': exit_id}) as exit,
        case
            when count(goals) > 0 then list_sort(list_distinct(flatten(list(goals) filter (where goals is not null))))
        end as goals
    from chains
    group by visit_key, chain_us, case when event_date <= chain_date + 1 then chain_date else event_date end
)

select
    md5(concat(visit_key, ':', cast(start_us as varchar))) as session_key,
    visit_key,
    session_date,
    start_us,
    end_us,
    requests,
    pages,
    errors,
    timed_requests,
    response_us,
    max_response_time_ms,
    case when is_known_bot then true when unknown_slots = 0 then false end as is_bot,
    entry,
    exit,
    goals
from segments
where session_date in (select day from target_days)
