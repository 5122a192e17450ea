-- grain: visit key x visitor x is_bot x hour x slot of the shorter gap's length
-- keys: visit_key, visitor_id, is_bot, hour_us, first_us
-- depends: events, settings
-- description: Requests of a visit folded into slots no longer than the gap that ends a session. No session can
--   end inside a slot, so sessions need only sort the slots, several times fewer than requests.
-- columns:
--   visit_key: 's' and the source's session, else 'v' and the visitor; requests with neither are left out
--   gap_us: silence that ends a session of this key, microseconds
--   visitor_id: visitor, null when unknown
--   is_bot: whether the agent says that it is a program
--   event_date: day (UTC)
--   hour_us: start of the hour, microseconds since 1970
--   first_us: first request, microseconds since 1970
--   last_us: last request, microseconds since 1970
--   first_page_us: first page, null when there is none
--   last_page_us: last page, null when there is none
--   requests: number of requests
--   pages: number of pages
--   errors: requests with status 400 or above
--   timed_requests: requests with a known response time
--   response_us: sum of response times, microseconds
--   max_response_time_ms: longest response time, milliseconds
with gaps as (
    select
        greatest(session_gap_seconds, 1) * 1000000 as derived_us,
        -- A day of silence always ends a session: it bounds what a recomputed day depends on.
        least(greatest(source_session_gap_seconds, 1), 86400) * 1000000 as source_us,
        least(greatest(session_gap_seconds, 1), greatest(source_session_gap_seconds, 1)) * 1000000 as slot_us
    from settings
),

slots as (
    select
        events.session_id,
        events.visitor_id,
        events.is_bot,
        events.event_date,
        events.hour_us,
        events.event_us // gaps.slot_us as slot,
        min(events.event_us) as first_us,
        max(events.event_us) as last_us,
        min(case when events.is_page then events.event_us end) as first_page_us,
        max(case when events.is_page then events.event_us end) as last_page_us,
        count(*) as requests,
        count(case when events.is_page then 1 end) as pages,
        count(case when events.is_error then 1 end) as errors,
        count(events.response_us) as timed_requests,
        sum(events.response_us) as response_us,
        max(events.response_time_ms) as max_response_time_ms
    from events
    cross join gaps
    where events.session_id is not null or events.visitor_id is not null
    group by
        events.session_id,
        events.visitor_id,
        events.is_bot,
        events.event_date,
        events.hour_us,
        events.event_us // gaps.slot_us
)

select
    case when slots.session_id is null then concat('v', slots.visitor_id) else concat('s', slots.session_id) end
        as visit_key,
    case when slots.session_id is null then gaps.derived_us else gaps.source_us end as gap_us,
    slots.visitor_id,
    slots.is_bot,
    slots.event_date,
    slots.hour_us,
    slots.first_us,
    slots.last_us,
    slots.first_page_us,
    slots.last_page_us,
    slots.requests,
    slots.pages,
    slots.errors,
    slots.timed_requests,
    slots.response_us,
    slots.max_response_time_ms
from slots
cross join gaps
