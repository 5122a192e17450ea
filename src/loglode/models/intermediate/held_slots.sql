-- grain: one row per slot
-- keys: entry_id
-- depends: held_visit_slots, slots
-- description: Slots that the lake holds of the visits and visitors in `slots`. None when whole days are computed.
-- columns:
--   visit_key: see slots
--   visitor_id: see slots
--   is_bot: see slots
--   event_date: see slots
--   hour_us: see slots
--   first_us: see slots
--   last_us: see slots
--   requests: see slots
--   pages: see slots
--   errors: see slots
--   timed_requests: see slots
--   response_us: see slots
--   max_response_time_ms: see slots
--   entry_us: see slots
--   entry_id: see slots
--   entry_path: see slots
--   referrer_host: see slots
--   utm_source: see slots
--   country: see slots
--   device: see slots
--   exit_us: see slots
--   exit_id: see slots
--   exit_path: see slots
--   goals: see slots
--   routes: see slots
--   referrers: see slots
select
    visit_key,
    visitor_id,
    is_bot,
    date as event_date,
    hour_us,
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
    routes,
    referrers
from held_visit_slots
where visit_key in (select visit_key from slots) or visitor_id in (select visitor_id from slots where visitor_id is not null)
