//! The filters of an event's template: the engine's own where LiquidJS does the same, ours where it does not or where a
//! result could grow without end.

use std::fmt;

use liquid_core::parser::{FilterArguments, ParameterReflection};
use liquid_core::{Error, Expression, Filter, FilterReflection, ParseFilter, Result, Runtime, Value, ValueView};
use liquid_lib::stdlib;

use super::own_filters::{Apply, OWN};

/// Filters that are refused, as Segment refuses them.
const DISABLED: [&str; 20] = [
    "array_to_sentence_string",
    "concat",
    "find",
    "find_exp",
    "find_index",
    "find_index_exp",
    "group_by",
    "group_by_exp",
    "has",
    "has_exp",
    "map",
    "newline_to_br",
    "reject",
    "reject_exp",
    "reverse",
    "sort",
    "sort_natural",
    "uniq",
    "where_exp",
    "type",
];

/// Filters that LiquidJS has and we have not: what they give is refused, for handing the input on would be wrong silently.
const NOT_OFFERED: [&str; 22] = [
    "base64_decode",
    "base64_encode",
    "cgi_escape",
    "date_to_long_string",
    "date_to_rfc822",
    "date_to_string",
    "date_to_xmlschema",
    "hmac_sha256",
    "inspect",
    "number_of_words",
    "pop",
    "push",
    "sample",
    "sha256",
    "shift",
    "slugify",
    "sum",
    "to_integer",
    "unshift",
    "uri_escape",
    "xml_escape",
    "escape_once",
];

/// The filter of a name.
pub(super) fn filter(name: &str) -> Box<dyn ParseFilter> {
    if let Some(shared) = shared(name) {
        return shared;
    }
    let own = OWN.iter().find(|(own, _)| *own == name);
    let does = if let Some((_, apply)) = own {
        Does::Apply(*apply)
    } else if DISABLED.contains(&name) {
        Does::Refuse(disabled_message(name))
    } else if NOT_OFFERED.contains(&name) {
        Does::Refuse(format!("filter \"{name}\" is not offered here"))
    } else {
        Does::HandOn
    };
    Named { name: name.to_owned(), does }.into()
}

/// What is said of a disabled filter that is reached.
pub(super) fn disabled_message(name: &str) -> String {
    format!("filter \"{name}\" is disabled")
}

/// The engine's own filters that do what LiquidJS's do.
fn shared(name: &str) -> Option<Box<dyn ParseFilter>> {
    Some(match name {
        "append" => stdlib::Append.into(),
        "compact" => stdlib::Compact.into(),
        "downcase" => stdlib::Downcase.into(),
        "lstrip" => stdlib::Lstrip.into(),
        "prepend" => stdlib::Prepend.into(),
        "rstrip" => stdlib::Rstrip.into(),
        "slice" => stdlib::Slice.into(),
        "strip" => stdlib::Strip.into(),
        "strip_html" => stdlib::StripHtml.into(),
        "strip_newlines" => stdlib::StripNewlines.into(),
        "truncate" => stdlib::Truncate.into(),
        "upcase" => stdlib::Upcase.into(),
        "url_decode" => stdlib::UrlDecode.into(),
        "where" => stdlib::Where.into(),
        _ => return None,
    })
}

#[derive(Clone, Debug)]
enum Does {
    Apply(Apply),
    Refuse(String),
    HandOn,
}

/// A filter as the parser knows it.
#[derive(Clone, Debug)]
struct Named {
    name: String,
    does: Does,
}

impl FilterReflection for Named {
    fn name(&self) -> &str {
        &self.name
    }

    fn description(&self) -> &'static str {
        "A filter of an event's template."
    }

    fn positional_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }

    fn keyword_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }
}

impl ParseFilter for Named {
    fn parse(&self, arguments: FilterArguments<'_>) -> Result<Box<dyn Filter>> {
        // LiquidJS too puts named arguments behind the others; only `default` looks at one.
        let named = arguments.keyword.map(|(_, argument)| argument);
        let arguments = arguments.positional.chain(named).collect();
        Ok(Box::new(Parsed { named: self.clone(), arguments }))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self
    }
}

/// A filter with its arguments.
#[derive(Debug)]
struct Parsed {
    named: Named,
    arguments: Vec<Expression>,
}

impl fmt::Display for Parsed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.named.name)
    }
}

impl Filter for Parsed {
    fn evaluate(&self, input: &dyn ValueView, runtime: &dyn Runtime) -> Result<Value> {
        match &self.named.does {
            Does::HandOn => Ok(input.to_value()),
            Does::Refuse(why) => Err(Error::with_msg(why.clone())),
            Does::Apply(apply) => {
                let mut arguments = Vec::with_capacity(self.arguments.len());
                for argument in &self.arguments {
                    arguments.push(argument.evaluate(runtime)?.into_owned());
                }
                apply(input, &arguments)
            }
        }
    }
}
