-- grain: hour of the refused line's own time
-- keys: hour_us
-- depends: quarantine, target_days
-- description: Refused lines by the hour in which they happened; those whose time could not be read are left out.
-- columns:
--   event_date: day (UTC)
--   hour_us: start of the hour, microseconds since 1970 (UTC)
--   quarantined_lines: number of refused lines
with refused as (
    select epoch_us(event_ts) as event_us
    from quarantine
    where event_ts is not null
),

hours as (
    select event_us - (event_us % 3600000000 + 3600000000) % 3600000000 as hour_us
    from refused
),

days as (
    select
        hour_us,
        date '1970-01-01' + cast((hour_us - (hour_us % 86400000000 + 86400000000) % 86400000000) // 86400000000 as integer)
            as event_date
    from hours
)

select
    event_date,
    hour_us,
    count(*) as quarantined_lines
from days
where event_date in (select day from target_days)
group by event_date, hour_us
