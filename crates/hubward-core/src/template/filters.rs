//! The filters that Liquid's standard library lacks or that must not read a clock.

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::Offset;
use liquid_core::{
    Display_filter, Error, Expression, Filter, FilterParameters, FilterReflection, FromFilterParameters, ParseFilter,
    Result, Runtime, Value, ValueView,
};

use super::values::{from_liquid, json_to_liquid};
use crate::convert::{to_civil_date, to_utc};
use crate::row::{civil, value_json};

fn refused(filter: &str, input: &dyn ValueView) -> Error {
    if input.is_nil() {
        return Error::with_msg(format!(
            "{filter} was given NULL; guard it: {{% if row.column %}}{{{{ row.column | {filter} }}}}{{% endif %}}"
        ));
    }
    Error::with_msg(format!(
        "{filter} cannot read {:?} as a date: ISO 8601 and milliseconds since 1970 are understood",
        input.to_kstr().as_str()
    ))
}

fn instant(filter: &str, input: &dyn ValueView) -> Result<DateTime> {
    to_utc(&from_liquid(input)).ok_or_else(|| refused(filter, input))
}

#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(name = "to_unix", description = "Milliseconds since 1970.", parsed(ToUnixFilter))]
pub(super) struct ToUnix;

#[derive(Debug, Default, Display_filter)]
#[name = "to_unix"]
struct ToUnixFilter;

impl Filter for ToUnixFilter {
    fn evaluate(&self, input: &dyn ValueView, _runtime: &dyn Runtime) -> Result<Value> {
        let (second, ns) = civil::epoch(instant("to_unix", input)?);
        Ok(Value::scalar(second * 1_000 + ns / 1_000_000))
    }
}

#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(name = "to_unix_s", description = "Seconds since 1970.", parsed(ToUnixSFilter))]
pub(super) struct ToUnixS;

#[derive(Debug, Default, Display_filter)]
#[name = "to_unix_s"]
struct ToUnixSFilter;

impl Filter for ToUnixSFilter {
    fn evaluate(&self, input: &dyn ValueView, _runtime: &dyn Runtime) -> Result<Value> {
        Ok(Value::scalar(civil::epoch(instant("to_unix_s", input)?).0))
    }
}

#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(name = "to_date", description = "The day in UTC as YYYY-MM-DD.", parsed(ToDateFilter))]
pub(super) struct ToDate;

#[derive(Debug, Default, Display_filter)]
#[name = "to_date"]
struct ToDateFilter;

impl Filter for ToDateFilter {
    fn evaluate(&self, input: &dyn ValueView, _runtime: &dyn Runtime) -> Result<Value> {
        let date = to_civil_date(&from_liquid(input)).ok_or_else(|| refused("to_date", input))?;
        Ok(Value::scalar(date.to_string()))
    }
}

#[derive(Debug, FilterParameters)]
struct DateArgs {
    #[parameter(description = "A strftime format.", arg_type = "str")]
    format: Expression,
}

/// In place of the standard library's: that one reads the clock for `now` and `today`, and hands back unread what it does
/// not understand.
#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(name = "date", description = "A date in another format, in UTC.", parameters(DateArgs), parsed(DateFilter))]
pub(super) struct Date;

#[derive(Debug, FromFilterParameters, Display_filter)]
#[name = "date"]
struct DateFilter {
    #[parameters]
    args: DateArgs,
}

impl Filter for DateFilter {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        let args = self.args.evaluate(runtime)?;
        if input.is_nil() {
            // As in Liquid: the date of nothing is nothing.
            return Ok(Value::Nil);
        }
        let mut time = BrokenDownTime::from(instant("date", input)?);
        time.set_offset(Some(Offset::UTC));
        let text = time
            .to_string(args.format.as_bytes())
            .map_err(|error| Error::with_msg(format!("the date format {:?} is wrong: {error}", args.format)))?;
        Ok(Value::scalar(text))
    }
}

#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(name = "parse_json", description = "JSON text as lists, objects and values.", parsed(ParseJsonFilter))]
pub(super) struct ParseJson;

#[derive(Debug, Default, Display_filter)]
#[name = "parse_json"]
struct ParseJsonFilter;

impl Filter for ParseJsonFilter {
    fn evaluate(&self, input: &dyn ValueView, _runtime: &dyn Runtime) -> Result<Value> {
        // What a source delivers parsed needs no second parsing.
        if input.is_nil() || input.is_array() || input.is_object() {
            return Ok(input.to_value());
        }
        let text = input.to_kstr();
        match serde_json::from_str(text.as_str()) {
            Ok(json) => Ok(json_to_liquid(&json)),
            Err(error) => Err(Error::with_msg(format!("parse_json was given text that is not JSON: {error}"))),
        }
    }
}

#[derive(Clone, ParseFilter, FilterReflection)]
#[filter(name = "to_json", description = "The value as JSON text.", parsed(ToJsonFilter))]
pub(super) struct ToJson;

#[derive(Debug, Default, Display_filter)]
#[name = "to_json"]
struct ToJsonFilter;

impl Filter for ToJsonFilter {
    fn evaluate(&self, input: &dyn ValueView, _runtime: &dyn Runtime) -> Result<Value> {
        Ok(Value::scalar(value_json(&from_liquid(input)).to_string()))
    }
}
