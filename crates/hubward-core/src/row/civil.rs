//! Days and seconds since 1970 to the calendar and back, over the calendar's whole range. `jiff::Timestamp` ends a day
//! before the year 9999 does, and 9999-12-31 is what many a warehouse writes for "no end".

use jiff::civil::{Date, DateTime, Time};

pub(crate) const SECONDS_PER_DAY: i64 = 86_400;

/// Days from 0000-03-01, where the four-hundred-year cycle is laid, to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;

/// The day that lies this many days after 1970-01-01; `None` outside the years -9999 to 9999.
pub(crate) fn day(days: i64) -> Option<Date> {
    // Years begin in March here, so that a leap day is a year's last.
    let shifted = days.checked_add(DAYS_TO_1970)?;
    let era = shifted.div_euclid(DAYS_PER_ERA);
    let of_era = shifted.rem_euclid(DAYS_PER_ERA);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (year, month, day) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Date::new(year, month, day).ok()
}

/// Days since 1970-01-01.
pub(crate) fn days(date: Date) -> i64 {
    let month = i64::from(date.month());
    let year = i64::from(date.year()) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted_month + 2) / 5 + i64::from(date.day()) - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * DAYS_PER_ERA + of_era - DAYS_TO_1970
}

/// The time of day that lies this many nanoseconds after midnight; `None` outside a day.
pub(crate) fn time(ns: i64) -> Option<Time> {
    let second = ns.div_euclid(1_000_000_000);
    if !(0..SECONDS_PER_DAY).contains(&second) {
        return None;
    }
    let part = |number: i64| i8::try_from(number).expect("hours, minutes and seconds of a day fit");
    let subsec = i32::try_from(ns.rem_euclid(1_000_000_000)).expect("less than a second in nanoseconds fits");
    Time::new(part(second / 3_600), part(second / 60 % 60), part(second % 60), subsec).ok()
}

/// Nanoseconds since midnight.
pub(crate) fn time_ns(time: Time) -> i64 {
    let second = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    second * 1_000_000_000 + i64::from(time.subsec_nanosecond())
}

/// The civil time in UTC of a second since 1970 and the nanoseconds (less than 10⁹) after it.
pub(crate) fn utc(second: i64, ns: i64) -> Option<DateTime> {
    let date = day(second.div_euclid(SECONDS_PER_DAY))?;
    let time = time(second.rem_euclid(SECONDS_PER_DAY) * 1_000_000_000 + ns)?;
    Some(date.to_datetime(time))
}

/// Seconds since 1970 of a civil time in UTC, and the nanoseconds after that second.
pub(crate) fn epoch(utc: DateTime) -> (i64, i64) {
    let ns = time_ns(utc.time());
    (days(utc.date()) * SECONDS_PER_DAY + ns / 1_000_000_000, ns % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::{day, days, epoch, utc};

    #[test]
    fn the_calendar_reaches_its_ends() {
        assert_eq!(day(0), Some(date(1970, 1, 1)));
        assert_eq!(day(days(Date::MAX)), Some(Date::MAX));
        assert_eq!(day(days(Date::MIN)), Some(Date::MIN));
        assert_eq!(day(days(Date::MAX) + 1), None);
        assert_eq!(day(days(Date::MIN) - 1), None);
        assert_eq!(day(i64::MAX), None);
        assert_eq!(day(i64::MIN), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn it_agrees_with_the_calendar_of_the_library(ns in -377_705_023_200_000_000_000i128..253_402_207_200_000_000_000) {
            let instant = jiff::Timestamp::from_nanosecond(ns).unwrap();
            let second = i64::try_from(ns.div_euclid(1_000_000_000)).unwrap();
            let subsec = i64::try_from(ns.rem_euclid(1_000_000_000)).unwrap();
            let civil = utc(second, subsec).unwrap();
            prop_assert_eq!(civil, TimeZone::UTC.to_datetime(instant));
            prop_assert_eq!(epoch(civil), (second, subsec));
        }
    }
}
