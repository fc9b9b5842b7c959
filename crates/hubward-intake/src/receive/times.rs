//! The times of a call, as Segment's tracking API gives them: the client's clock is corrected by how far it was off when it
//! sent the call.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A time that lies further ahead than this, after the correction, is not believed.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// When a call happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// Corrected.
    pub(super) timestamp: Timestamp,
    /// What was changed about it, where that was more than the correction.
    pub(super) warning: Option<String>,
}

/// `original`: the client's time of the call; `sent_at`: the client's time of sending; `received_at`: ours.
pub(super) fn correct(original: Option<Timestamp>, sent_at: Option<Timestamp>, received_at: Timestamp) -> Times {
    let Some(original) = original else {
        return Times { timestamp: received_at, warning: None };
    };
    let corrected = match sent_at {
        Some(sent_at) => received_at.checked_sub(sent_at.duration_since(original)).unwrap_or(received_at),
        None => original,
    };
    if corrected.duration_since(received_at) > TOLERANCE {
        let warning =
            format!("the timestamp {original} lies in the future; the time of receipt, {received_at}, stands for it");
        return Times { timestamp: received_at, warning: Some(warning) };
    }
    Times { timestamp: corrected, warning: None }
}

/// A time in ISO 8601; without an offset it is UTC.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// As events carry times: UTC with milliseconds.
pub(super) fn text(timestamp: Timestamp) -> String {
    format!("{timestamp:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        parse(text).unwrap()
    }

    #[test]
    fn a_clock_that_is_wrong_is_corrected_by_when_it_sent() {
        let received = at("2026-12-01T12:00:00Z");
        // The client's clock is a day behind, the call was made five seconds before it was sent.
        let times = correct(Some(at("2026-11-30T11:59:54Z")), Some(at("2026-11-30T11:59:59Z")), received);
        assert_eq!(times, Times { timestamp: at("2026-12-01T11:59:55Z"), warning: None });
        let times = correct(Some(at("2026-11-30T11:59:54Z")), None, received);
        assert_eq!(times.timestamp, at("2026-11-30T11:59:54Z"));
        assert_eq!(correct(None, Some(at("2020-01-01")), received).timestamp, received);
    }

    #[test]
    fn a_time_in_the_future_becomes_the_time_of_receipt_and_is_told() {
        let received = at("2026-12-01T12:00:00Z");
        let a_minute = correct(Some(at("2026-12-01T12:01:00Z")), None, received);
        assert_eq!(a_minute, Times { timestamp: at("2026-12-01T12:01:00Z"), warning: None });
        let later = correct(Some(at("2027-12-01T12:00:00Z")), Some(at("2026-12-01T12:00:00Z")), received);
        assert_eq!(later.timestamp, received);
        assert!(later.warning.unwrap().contains("2027-12-01T12:00:00Z lies in the future"));
    }

    #[test]
    fn times_are_read_as_clients_write_them() {
        for (given, expected) in [
            ("2026-12-01T12:00:00.123Z", "2026-12-01T12:00:00.123Z"),
            ("2026-12-01T12:00:00.123456+00:00", "2026-12-01T12:00:00.123Z"),
            ("2026-12-01T14:00:00+02:00", "2026-12-01T12:00:00.000Z"),
            ("2026-12-01T12:00:00", "2026-12-01T12:00:00.000Z"),
            ("2026-12-01 12:00:00", "2026-12-01T12:00:00.000Z"),
            ("2026-12-01", "2026-12-01T00:00:00.000Z"),
        ] {
            assert_eq!(parse(given).map(text).as_deref(), Some(expected), "{given}");
        }
        for given in ["", "yesterday", "1764590400", "2026-13-01"] {
            assert_eq!(parse(given), None, "{given}");
        }
    }
}
