//! Numbers as text, the way JavaScript writes and reads them: events come from there, and Segment's parser runs there.

use super::ast::Comparison;

/// Whether the comparison holds between two numbers.
pub(super) fn compare(left: f64, comparison: Comparison, right: f64) -> bool {
    match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Less => left < right,
        Comparison::LessOrEqual => left <= right,
        Comparison::Greater => left > right,
        Comparison::GreaterOrEqual => left >= right,
    }
}

/// The shortest text that gives the same number, as JavaScript's `String(n)`.
pub(super) fn text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() };
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    // Between these bounds JavaScript writes no exponent, and Rust never does.
    if (1e-6..1e21).contains(&number.abs()) {
        return number.to_string();
    }
    let scientific = format!("{number:e}");
    match scientific.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => scientific,
    }
}

/// What JavaScript's `Number(text)` gives; NaN where the text is no number.
pub(super) fn of_text(text: &str) -> f64 {
    let text = text.trim_matches(|c: char| c.is_whitespace() && c != '\u{85}' || c == '\u{feff}');
    if text.is_empty() {
        return 0.0;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some((head, digits)) = text.split_at_checked(2)
            && head.eq_ignore_ascii_case(prefix)
        {
            return in_radix(digits, radix);
        }
    }
    match text {
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

fn in_radix(digits: &str, radix: u32) -> f64 {
    if digits.is_empty() {
        return f64::NAN;
    }
    let mut number = 0.0;
    for c in digits.chars() {
        let Some(digit) = c.to_digit(radix) else { return f64::NAN };
        number = number * f64::from(radix) + f64::from(digit);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::{of_text, text};

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (number, expected) in [
            (12.0, "12"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (1e-6, "0.000001"),
            (1.25e-7, "1.25e-7"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(text(number), expected);
        }
    }

    #[test]
    fn text_is_read_as_javascript_reads_it() {
        for (written, expected) in [
            ("", 0.0),
            (" 12 ", 12.0),
            ("1e3", 1_000.0),
            ("5.", 5.0),
            (".5", 0.5),
            ("0x1F", 31.0),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(of_text(written), expected, "{written}");
        }
        for written in ["inf", "nan", "1_000", "0x", "-0x1", "1 2", "+", "e5", "infinity"] {
            assert!(of_text(written).is_nan(), "{written}");
        }
    }
}
