//! `schedule:`: `every` with a unit, or the five fields of `cron`.

use std::time::Duration;

use crate::grammar::SCHEDULE;
use crate::project::Schedule;
use crate::read::Reader;
use crate::sink::quoted;
use crate::yaml::Node;

/// Longest pause between two runs.
const MAX_EVERY_S: u64 = 366 * 86_400;

pub(super) fn schedule(reader: &mut Reader<'_, '_>, node: &Node) -> Option<Schedule> {
    let fields = reader.table(node, &SCHEDULE)?;
    if let Some(node) = fields.get("every") {
        let text = reader.text(node, "every")?;
        let every = every(&text.value);
        if every.is_none() {
            reader.sink.error(
                "schedule",
                text.span,
                format!("{} is no pause between runs", quoted(&text.written)),
                "write a whole number and a unit: `30s`, `15m`, `1h` or `1d`, at most 366 days",
            );
        }
        return every.map(Schedule::Every);
    }
    let text = reader.text(fields.get("cron")?, "cron")?;
    match cron(&text.value) {
        Ok(()) => {
            let fields: Vec<&str> = text.value.split_whitespace().collect();
            Some(Schedule::Cron(fields.join(" ")))
        }
        Err(why) => {
            reader.sink.error(
                "schedule",
                text.span,
                format!("{} is no cron schedule: {}", quoted(&text.written), why.text(text.written == text.value)),
                "write five fields, minute hour day month weekday: `0 * * * *` is every hour, `30 6 * * 1-5` is 6:30 from Monday to Friday",
            );
            None
        }
    }
}

/// A whole number and one of the units s, m, h, d.
fn every(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit_s = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = digits.parse::<u64>().ok()?.checked_mul(unit_s)?;
    (1..=MAX_EVERY_S).contains(&seconds).then(|| Duration::from_secs(seconds))
}

/// Why a text is no cron schedule: the field, where one is guilty, and what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
struct Why {
    reason: &'static str,
    field: Option<(&'static str, String)>,
}

impl Why {
    /// The field's text is shown only when it stands in the file.
    fn text(&self, show: bool) -> String {
        match &self.field {
            Some((field, text)) if show => format!("the {field} {}: {}", quoted(text), self.reason),
            Some((field, _)) => format!("the {field}: {}", self.reason),
            None => self.reason.to_owned(),
        }
    }
}

struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Names of the values from `least` on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[] },
    Field { name: "hour", least: 0, most: 23, names: &[] },
    Field { name: "day of the month", least: 1, most: 31, names: &[] },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    // 0 and 7 are both Sunday.
    Field { name: "day of the week", least: 0, most: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

fn cron(text: &str) -> Result<(), Why> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(Why { reason: "it must have five fields", field: None });
    }
    for (written, field) in fields.iter().zip(&FIELDS) {
        for part in written.split(',') {
            self::part(part, field)
                .map_err(|reason| Why { reason, field: Some((field.name, (*written).to_owned())) })?;
        }
    }
    Ok(())
}

/// One part of a list: `*`, `n`, `n-m`, each with an optional `/step`.
fn part(text: &str, field: &Field) -> Result<(), &'static str> {
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (text, None),
    };
    if let Some(step) = step {
        let step = number(step).ok_or("the step after `/` must be a whole number")?;
        if step == 0 || step > field.most {
            return Err("the step after `/` is out of range");
        }
        if range != "*" && !range.contains('-') {
            return Err("a step needs `*` or a range before the `/`");
        }
    }
    if range == "*" {
        return Ok(());
    }
    let (first, last) = match range.split_once('-') {
        Some((first, last)) => (value(first, field)?, value(last, field)?),
        None => {
            let only = value(range, field)?;
            (only, only)
        }
    };
    if first > last {
        return Err("a range must go upwards");
    }
    Ok(())
}

fn value(text: &str, field: &Field) -> Result<u32, &'static str> {
    let named = field.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let value = match named {
        Some(position) => field.least + u32::try_from(position).expect("a field has few names"),
        None => number(text).ok_or("it must be `*`, a number, a range `a-b` or a list `a,b`")?,
    };
    if value < field.least || value > field.most {
        return Err("the number is out of range");
    }
    Ok(value)
}

fn number(text: &str) -> Option<u32> {
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{cron, every};

    #[test]
    fn a_pause_needs_a_number_and_a_unit() {
        for (text, seconds) in [("30s", 30), ("15m", 900), ("1h", 3_600), ("1d", 86_400), ("366d", 31_622_400)] {
            assert_eq!(every(text).map(|pause| pause.as_secs()), Some(seconds), "{text}");
        }
        for text in ["", "m", "15", "0m", "1.5h", "-1h", "+1h", "1 h", "1w", "367d", "99999999999999999999d", "1ü"] {
            assert_eq!(every(text), None, "{text}");
        }
    }

    #[test]
    fn cron_takes_what_cron_takes() {
        for text in ["* * * * *", "*/15 0-6,20-23/2 1,15 jan-MAR mon-fri", "0 0 31 12 7", " 5  4 * * sun "] {
            assert_eq!(cron(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "@hourly",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "5-1 * * * *",
            "*/0 * * * *",
            "5/2 * * * *",
            "a * * * *",
            "1, * * * *",
            "-1 * * * *",
            "*/99999 * * * *",
        ] {
            assert!(cron(text).is_err(), "{text}");
        }
    }
}
