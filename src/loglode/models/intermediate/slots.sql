-- grain: visit key x visitor x is_bot x hour x slot of the shorter gap's length
-- keys: entry_id
-- depends: events, settings, goals
-- description: Requests of a visit folded into slots no longer than the gap that ends a session. No session can
--   end inside a slot, so sessions need only sort the slots, several times fewer than requests.
-- columns:
--   visit_key: 's' and the source's session, else 'v' and the visitor; requests with neither are left out
--   visitor_id: visitor, null when unknown
--   is_bot: whether the agent says that it is a program, null when unknown
--   event_date: day (UTC)
--   hour_us: start of the hour, microseconds since 1970
--   first_us: first request, microseconds since 1970
--   last_us: last request, microseconds since 1970
--   requests: number of requests
--   pages: number of pages
--   errors: requests with status 400 or above
--   timed_requests: requests with a known response time
--   response_us: sum of response times, microseconds
--   max_response_time_ms: longest response time, milliseconds
--   entry_us: first page, else first request, microseconds since 1970
--   entry_id: event_id of the entry, the lowest where times are equal
--   entry_path: path of the entry
--   referrer_host: referring host of the entry
--   utm_source: campaign's source of the entry
--   country: country of the entry
--   device: device of the entry
--   exit_us: last page, else last request, microseconds since 1970
--   exit_id: event_id of the exit, the highest where times are equal
--   exit_path: path of the exit
--   goals: names of the goals that a request reached, null when none was
--   routes: methods and routes requested, each as the method's length, a space, the method and the route
--   referrers: referring hosts and campaigns, each as the lengths of host, source and medium, and the four names
with gaps as (
    select least(greatest(session_gap_seconds, 1), greatest(source_session_gap_seconds, 1)) * 1000000 as slot_us
    from settings
),

hits as (
    select
        events.event_id,
        list(distinct goals.goal) as goals
    from events
    inner join goals
        on
            events.path like goals.path_pattern
            and (goals.method is null or events.method = goals.method)
            and events.status between goals.min_status and goals.max_status
    where events.session_id is not null or events.visitor_id is not null
    group by events.event_id
),

slots as (
    select
        events.session_id,
        events.visitor_id,
        events.is_bot,
        events.event_date,
        events.hour_us,
        min(events.event_us) as first_us,
        max(events.event_us) as last_us,
        count(*) as requests,
        count(case when events.is_page then 1 end) as pages,
        count(case when events.is_error then 1 end) as errors,
        count(events.response_us) as timed_requests,
        sum(events.response_us) as response_us,
        max(events.response_time_ms) as max_response_time_ms,
        min_by(
            {
                'event_us': events.event_us,
                'event_id': events.event_id,
                'path': events.path,
                'referrer_host': events.referrer_host,
                'utm_source': events.utm_source,
                'country': events.country,
                'device': events.device
            },
            {'is_other': not events.is_page, 'event_us': events.event_us, 'event_id': events.event_id}
        ) as entry,
        max_by(
            {'event_us': events.event_us, 'event_id': events.event_id, 'path': events.path},
            {'is_page': events.is_page, 'event_us': events.event_us, 'event_id': events.event_id}
        ) as exit,
        case
            when count(hits.goals) > 0
                then list_sort(list_distinct(flatten(list(hits.goals) filter (where hits.goals is not null))))
        end as goals,
        list_sort(
            list(
                distinct concat(
                    cast(length(events.method_group) as varchar), ' ',
                    events.method_group, coalesce(events.route, '(none)')
                )
            )
        ) as routes,
        list_sort(
            list(
                distinct concat(
                    cast(length(coalesce(events.referrer_host, '(none)')) as varchar), ' ',
                    cast(length(coalesce(events.utm_source, '(none)')) as varchar), ' ',
                    cast(length(coalesce(events.utm_medium, '(none)')) as varchar), ' ',
                    coalesce(events.referrer_host, '(none)'), coalesce(events.utm_source, '(none)'),
                    coalesce(events.utm_medium, '(none)'), coalesce(events.utm_campaign, '(none)')
                )
            )
        ) as referrers
    from events
    cross join gaps
    left join hits on events.event_id = hits.event_id
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
    case when session_id is null then concat('v', visitor_id) else concat('s', session_id) end as visit_key,
    visitor_id,
    is_bot,
    event_date,
    hour_us,
    first_us,
    last_us,
    requests,
    pages,
    errors,
    timed_requests,
    cast(response_us as bigint) as response_us,
    max_response_time_ms,
    entry.event_us as entry_us,
    entry.event_id as entry_id,
    entry.path as entry_path,
    entry.referrer_host as referrer_host,
    entry.utm_source as utm_source,
    entry.country as country,
    entry.device as device,
    exit.event_us as exit_us,
    exit.event_id as exit_id,
    exit.path as exit_path,
    goals,
    routes,
    referrers
from slots
