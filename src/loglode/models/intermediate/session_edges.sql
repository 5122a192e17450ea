-- grain: one row per session that began on a target day
-- keys: session_key
-- depends: events, session_spans
-- description: First and last event of each session, with what they say. event_id decides between equal times.
-- columns:
--   session_key: identity of the session
--   entry: struct of the entry event: visitor_id, path, referrer_host, utm_source, country, device
--   exit: struct of the exit event: path
with edges as (
    select session_key, visit_key, pages, entry_us as edge_us, true as is_entry from session_spans
    union all
    select session_key, visit_key, pages, exit_us as edge_us, false as is_entry from session_spans
),

candidates as (
    select
        event_id,
        event_us,
        case when session_id is null then concat('v', visitor_id) else concat('s', session_id) end as visit_key,
        visitor_id,
        path,
        referrer_host,
        utm_source,
        country,
        device,
        is_page
    from events
    where session_id is not null or visitor_id is not null
)

select
    edges.session_key,
    min_by(
        {
            'visitor_id': candidates.visitor_id,
            'path': candidates.path,
            'referrer_host': candidates.referrer_host,
            'utm_source': candidates.utm_source,
            'country': candidates.country,
            'device': candidates.device
        },
        case when edges.is_entry then candidates.event_id end
    ) as entry,
    max_by({'path': candidates.path}, case when not edges.is_entry then candidates.event_id end) as exit
from edges
inner join candidates
    on
        edges.edge_us = candidates.event_us
        and edges.visit_key = candidates.visit_key
        and (edges.pages = 0 or candidates.is_page)
group by edges.session_key
