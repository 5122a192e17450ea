-- grain: one row per day
-- keys: day
-- depends: events, quarantined_hours, session_changes, target_days
-- description: Target days that a request, a refused line or a session belongs to: rows of other days stay.
-- columns:
--   day: day (UTC)
select event_date as day from events where event_date in (select day from target_days)
union
select event_date as day from quarantined_hours
union
select session_date as day from session_changes
