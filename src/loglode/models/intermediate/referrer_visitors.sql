-- grain: day x referrer
-- keys: event_date, name
-- depends: held_slots, slots, target_days
-- description: Visitors of `slots` by day and referrer that the lake does not hold there yet.
-- columns:
--   event_date: day (UTC)
--   name: see referrers in slots
--   visitors: distinct visitors
with seen as (
    select event_date, visitor_id, unnest(referrers) as name, false as is_held from slots
    union all
    select event_date, visitor_id, unnest(referrers) as name, true as is_held from held_slots
),

pairs as (
    select
        event_date,
        name,
        visitor_id,
        bool_or(is_held) as was_seen
    from seen
    where visitor_id is not null and event_date in (select day from target_days)
    group by event_date, name, visitor_id
)

select
    event_date,
    name,
    count(case when not was_seen then visitor_id end) as visitors
from pairs
group by event_date, name
