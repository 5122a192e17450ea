-- grain: session x goal reached
-- keys: session_key, goal
-- depends: events, goals, session_spans
-- description: The goals that each session reached: at least one of its requests fits the goal.
-- columns:
--   session_key: identity of the session
--   goal: name of the goal
with hits as (
    select
        goals.goal,
        events.event_us,
        case
            when events.session_id is null then concat('v', events.visitor_id)
            else concat('s', events.session_id)
        end as visit_key
    from events
    inner join goals
        on
            events.path like goals.path_pattern
            and (goals.method is null or events.method = goals.method)
            and events.status between goals.min_status and goals.max_status
    where events.session_id is not null or events.visitor_id is not null
)

select
    session_spans.session_key,
    hits.goal
from hits
inner join session_spans
    on
        hits.visit_key = session_spans.visit_key
        and hits.event_us between session_spans.start_us and session_spans.end_us
group by session_spans.session_key, hits.goal
