//! The time of day, whatever the machine's clock says: one that stands before 1970 or after 9999, as with an empty
//! battery, gives the nearest moment that dates and ids can tell.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use uuid::Uuid;
use uuid::timestamp::context::ContextV7;

/// A day within all that has a date, in every time zone.
const LAST_SECOND: i64 = 253_402_128_000;

/// Now.
pub fn now() -> Timestamp {
    moment(SystemTime::now())
}

/// A file's or machine's time as a moment from 1970 to 9999.
pub fn moment(time: SystemTime) -> Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or(Duration::ZERO);
    let last = Duration::from_secs(LAST_SECOND as u64);
    Timestamp::UNIX_EPOCH + since.min(last)
}

/// A new UUID of version 7, later than every one that this process made before.
pub fn new_id() -> Uuid {
    id_at(now())
}

fn id_at(moment: Timestamp) -> Uuid {
    static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());
    let context = CONTEXT.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = moment.as_second().max(0) as u64;
    let nanoseconds = moment.subsec_nanosecond().unsigned_abs();
    Uuid::new_v7(uuid::Timestamp::from_unix(&*context, seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::tz::TimeZone;

    use super::*;
    use crate::gallery::PictureId;

    #[test]
    fn every_clock_gives_a_moment_that_has_a_date_and_an_id() {
        let day = Duration::from_hours(24);
        let epoch = SystemTime::UNIX_EPOCH;
        let times = [
            epoch - day * 36_500,
            epoch - Duration::from_nanos(1),
            epoch,
            epoch + day * 365 * 280,
            epoch + day * 365 * 8_100,
            epoch + day * 365 * 20_000,
        ];
        for time in times {
            let moment = moment(time);
            let id = PictureId::made_at(moment);
            assert_eq!(id.created().as_second(), moment.as_second());
            for zone in [-12, 0, 14] {
                let zone = TimeZone::fixed(jiff::tz::offset(zone));
                let date = moment
                    .to_zoned_datetime(zone)
                    .strftime("%Y-%m-%d")
                    .to_string();
                assert_eq!(date.len(), 10, "{date}");
            }
        }
        assert_eq!(moment(times[0]), Timestamp::UNIX_EPOCH);
    }
}
