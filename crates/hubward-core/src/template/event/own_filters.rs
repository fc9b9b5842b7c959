//! What our own filters of an event's template make of their input.

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;
use liquid::model::State;
use liquid_core::{Error, Result, Value, ValueView};

use super::super::MAX_OUTPUT_BYTES;
use super::super::values::from_liquid;
use crate::convert::to_utc;
use crate::row::value_json;

/// What a filter makes of its input and its arguments.
pub(super) type Apply = fn(&dyn ValueView, &[Value]) -> Result<Value>;

/// By name.
pub(super) const OWN: [(&str, Apply); 33] = [
    ("abs", |input, _| Ok(number(to_number(input).abs()))),
    ("at_least", |input, arguments| Ok(number(to_number(input).max(operand(arguments))))),
    ("at_most", |input, arguments| Ok(number(to_number(input).min(operand(arguments))))),
    ("ceil", |input, _| Ok(number(to_number(input).ceil()))),
    ("floor", |input, _| Ok(number(to_number(input).floor()))),
    ("plus", |input, arguments| Ok(number(to_number(input) + operand(arguments)))),
    ("minus", |input, arguments| Ok(number(to_number(input) - operand(arguments)))),
    ("times", |input, arguments| Ok(number(to_number(input) * operand(arguments)))),
    ("divided_by", divided_by),
    ("modulo", |input, arguments| {
        let by = operand(arguments);
        Ok(number((to_number(input) % by + by) % by))
    }),
    ("round", round),
    ("capitalize", capitalize),
    ("escape", escape),
    ("replace", |input, arguments| replace(input, arguments, Which::All)),
    ("replace_first", |input, arguments| replace(input, arguments, Which::First)),
    ("replace_last", |input, arguments| replace(input, arguments, Which::Last)),
    ("remove", |input, arguments| replace(input, &arguments[..arguments.len().min(1)], Which::All)),
    ("remove_first", |input, arguments| replace(input, &arguments[..arguments.len().min(1)], Which::First)),
    ("remove_last", |input, arguments| replace(input, &arguments[..arguments.len().min(1)], Which::Last)),
    ("join", join),
    ("date", date),
    ("json", json),
    ("jsonify", json),
    ("default", default),
    ("first", |input, _| Ok(item(input, true))),
    ("last", |input, _| Ok(item(input, false))),
    ("size", size),
    ("split", split),
    ("truncatewords", truncate_words),
    ("url_encode", url_encode),
    ("squish", |input, _| Ok(Value::scalar(words(&text(input)).join(" ")))),
    ("normalize_whitespace", normalize_whitespace),
    ("raw", |input, _| Ok(input.to_value())),
];

/// The number that a text is; Rust would also read "inf" and "nan".
pub(super) fn plain_number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if plain { text.parse().ok() } else { None }
}

/// A number as JavaScript reads one; 0 where there is none.
fn to_number(value: &dyn ValueView) -> f64 {
    match value.type_name() {
        "whole number" | "fractional number" => value.as_scalar().and_then(|scalar| scalar.to_float()).unwrap_or(0.0),
        "boolean" => f64::from(u8::from(value.as_scalar().and_then(|scalar| scalar.to_bool()).unwrap_or(false))),
        "string" => {
            let text = value.to_kstr();
            plain_number(text.as_str().trim()).unwrap_or(0.0)
        }
        _ => 0.0,
    }
}

fn operand(arguments: &[Value]) -> f64 {
    arguments.first().map_or(f64::NAN, |argument| to_number(argument))
}

/// A result of arithmetic; what is no number is its name, as in JavaScript.
fn number(result: f64) -> Value {
    if result.is_nan() {
        return Value::scalar("NaN");
    }
    if result.is_infinite() {
        return Value::scalar(if result > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if result.fract() == 0.0 && result.abs() < 9e15 {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number that a float holds exactly")]
        return Value::scalar(result as i64);
    }
    Value::scalar(result)
}

fn divided_by(input: &dyn ValueView, arguments: &[Value]) -> Result<Value> {
    let quotient = to_number(input) / operand(arguments);
    Ok(number(if is_true(arguments.get(1)) { quotient.floor() } else { quotient }))
}

fn round(input: &dyn ValueView, arguments: &[Value]) -> Result<Value> {
    let input = to_number(input);
    let digits = arguments.first().map_or(0.0, |argument| to_number(argument)).clamp(-20.0, 20.0);
    // By way of the digits, so that 1.005 is what it says it is.
    let shift = |number: f64, by: f64| format!("{number}e{by}").parse::<f64>().unwrap_or(number);
    let rounded = shift((shift(input.abs(), digits) + 0.5).floor(), -digits);
    Ok(number(if input < 0.0 { -rounded } else { rounded }))
}

fn text(input: &dyn ValueView) -> String {
    if input.is_nil() { String::new() } else { input.to_kstr().as_str().to_owned() }
}

fn argument(arguments: &[Value], position: usize) -> String {
    arguments.get(position).map(|argument| text(argument)).unwrap_or_default()
}

fn is_true(argument: Option<&Value>) -> bool {
    argument.is_some_and(|flag| flag.as_scalar().and_then(|flag| flag.to_bool()) == Some(true))
}

/// The second argument is `allow_false`.
fn default(input: &dyn ValueView, arguments: &[Value]) -> Result<Value> {
    let is_false = input.type_name() == "boolean" && !input.query_state(State::Truthy);
    let is_empty = input.is_nil()
        || input.type_name() == "string" && input.to_kstr().is_empty()
        || input.as_array().is_some_and(|items| items.size() == 0);
    let stays = if is_false { is_true(arguments.get(1)) } else { !is_empty };
    Ok(if stays { input.to_value() } else { arguments.first().cloned().unwrap_or_default() })
}

fn item(input: &dyn ValueView, first: bool) -> Value {
    if input.type_name() == "string" {
        let text = input.to_kstr();
        let mut characters = text.chars();
        let found = if first { characters.next() } else { characters.next_back() };
        return found.map_or(Value::Nil, |found| Value::scalar(found.to_string()));
    }
    let found = input.as_array().and_then(|items| if first { items.first() } else { items.last() });
    found.map_or(Value::Nil, ValueView::to_value)
}

fn size(input: &dyn ValueView, _: &[Value]) -> Result<Value> {
    let items = input.as_array().map(|items| items.size());
    let units = || if input.type_name() == "string" { input.to_kstr().encode_utf16().count() } else { 0 };
    Ok(Value::scalar(items.unwrap_or_else(|| i64::try_from(units()).unwrap_or(i64::MAX))))
}

/// Empty texts at the end are dropped.
fn split(input: &dyn ValueView, arguments: &[Value]) -> Result<Value> {
    let (own, separator) = (text(input), argument(arguments, 0));
    let mut parts: Vec<String> = if separator.is_empty() {
        own.chars().map(String::from).collect()
    } else {
        own.split(&separator).map(str::to_owned).collect()
    };
    while parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    Ok(Value::Array(parts.into_iter().map(Value::scalar).collect()))
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn truncate_words(input: &dyn ValueView, arguments: &[Value]) -> Result<Value> {
    let own = text(input);
    let mut parts = words(&own);
    if own.ends_with(char::is_whitespace) || parts.is_empty() {
        parts.push("");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and the words there are")]
    let kept = arguments.first().map_or(15.0, |count| to_number(count)).max(1.0) as usize;
    let end = if arguments.len() > 1 { argument(arguments, 1) } else { "...".to_owned() };
    let end = if parts.len() >= kept { end } else { String::new() };
    Ok(Value::scalar(parts[..kept.min(parts.len())].join(" ") + &end))
}

/// As `encodeURIComponent`, with `+` for a blank.
fn url_encode(input: &dyn ValueView, _: &[Value]) -> Result<Value> {
    let mut encoded = String::new();
    for byte in text(input).bytes() {
        match byte {
            b' ' => encoded.push('+'),
            b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => encoded.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(Value::scalar(encoded))
}

fn normalize_whitespace(input: &dyn ValueView, _: &[Value]) -> Result<Value> {
    let own = text(input);
    let mut normal = words(&own).join(" ");
    if own.starts_with(char::is_whitespace) {
        normal.insert(0, ' ');
    }
    if own.ends_with(char::is_whitespace) && normal != " " {
        normal.push(' ');
    }
    Ok(Value::scalar(normal))
}

fn capitalize(input: &dyn ValueView, _: &[Value]) -> Result<Value> {
    let own = text(input);
    let mut rest = own.chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    Ok(Value::scalar(first + &rest.as_str().to_lowercase()))
}

fn escape(input: &dyn ValueView, _: &[Value]) -> Result<Value> {
    let mut escaped = String::new();
    for own in text(input).chars() {
        match own {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    Ok(Value::scalar(escaped))
}

fn too_long() -> Error {
    Error::with_msg(format!("a filter's result is longer than {MAX_OUTPUT_BYTES} bytes"))
}

#[derive(Clone, Copy, PartialEq)]
enum Which {
    All,
    First,
    Last,
}

fn replace(input: &dyn ValueView, arguments: &[Value], which: Which) -> Result<Value> {
    let (own, pattern, replacement) = (text(input), argument(arguments, 0), argument(arguments, 1));
    let count = if which == Which::All { own.matches(pattern.as_str()).count() } else { 1 };
    if own.len().saturating_add(count.saturating_mul(replacement.len())) > MAX_OUTPUT_BYTES {
        return Err(too_long());
    }
    Ok(Value::scalar(match which {
        Which::All => own.replace(&pattern, &replacement),
        Which::First => own.replacen(&pattern, &replacement, 1),
        Which::Last => match own.rfind(&pattern) {
            Some(at) => format!("{}{replacement}{}", &own[..at], &own[at + pattern.len()..]),
            None => own,
        },
    }))
}

fn join(input: &dyn ValueView, arguments: &[Value]) -> Result<Value> {
    let separator = if arguments.is_empty() { " ".to_owned() } else { argument(arguments, 0) };
    let Some(items) = input.as_array() else { return Ok(Value::scalar(text(input))) };
    let mut joined = String::new();
    for (position, item) in items.values().enumerate() {
        if position > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&text(item));
        if joined.len() > MAX_OUTPUT_BYTES {
            return Err(too_long());
        }
    }
    Ok(Value::scalar(joined))
}

/// Seconds since 1970 and ISO 8601 are dates, told in UTC; anything else stays what it is.
fn date(input: &dyn ValueView, arguments: &[Value]) -> Result<Value> {
    let own = text(input);
    if own == "now" || own == "today" {
        return Err(Error::with_msg(
            "a mapping reads no clock: take a time of the event, as {{ timestamp | date: … }}",
        ));
    }
    let is_number = matches!(input.type_name(), "whole number" | "fractional number");
    let seconds = is_number || !own.is_empty() && own.bytes().all(|byte| byte.is_ascii_digit());
    let instant = if seconds {
        let milliseconds = to_number(input) * 1_000.0;
        #[expect(clippy::cast_possible_truncation, reason = "what is beyond all dates is no date")]
        to_utc(&crate::Value::Int(milliseconds as i64))
    } else if input.type_name() == "string" {
        to_utc(&crate::Value::Text(own))
    } else {
        None
    };
    let Some(instant) = instant else { return Ok(input.to_value()) };
    let format = arguments.first().filter(|format| !format.is_nil());
    let format = format.map_or_else(|| "%A, %B %-e, %Y at %-l:%M %P %z".to_owned(), |format| text(format));
    // Milliseconds, which LiquidJS calls so; a percent sign of its own keeps its meaning.
    let format = format.replace("%%", "\0").replace("%L", "%3f").replace('\0', "%%");
    let mut time = BrokenDownTime::from(instant);
    time.set_offset(Some(Offset::UTC));
    match time.to_string(&format) {
        Ok(text) if text.len() <= MAX_OUTPUT_BYTES => Ok(Value::scalar(text)),
        Ok(_) => Err(too_long()),
        Err(error) => Err(Error::with_msg(format!("the date format {format:?} is wrong: {error}"))),
    }
}

fn json(input: &dyn ValueView, _: &[Value]) -> Result<Value> {
    if input.type_name() == "undefined" {
        return Ok(Value::Nil);
    }
    Ok(Value::scalar(value_json(&from_liquid(input)).to_string()))
}
