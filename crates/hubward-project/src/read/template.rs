//! Whether a Liquid template parses. What it does with a row is the mapping's business.

use std::fmt;

use liquid_core::parser::{
    Filter, FilterArguments, FilterReflection, ParameterReflection, ParseFilter,
};
use liquid_core::{Runtime, ValueView};

use crate::read::Reader;
use crate::sink::quoted;
use crate::suggest::nearest;
use crate::yaml::{Node, Scalar};

/// Longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 64 * 1024;
/// Deepest nesting of tags: the parser of the templates recurses.
const MAX_TAGS: usize = 200;

/// The filters that Hubward adds to Liquid's own.
const OWN_FILTERS: [&str; 5] = ["to_unix", "to_unix_s", "to_date", "parse_json", "to_json"];

/// A parser that knows every filter a template may use.
pub(super) struct Parser(Option<liquid::Parser>);

impl Parser {
    pub(super) fn new() -> Self {
        let mut builder = liquid::ParserBuilder::with_stdlib();
        for name in OWN_FILTERS {
            builder = builder.filter(Box::new(Known(name)) as Box<dyn ParseFilter>);
        }
        Self(builder.build().ok())
    }

    /// Liquid's complaint about a template, on one line.
    fn complaint(&self, template: &str) -> Option<String> {
        let error = self.0.as_ref()?.parse(template).err()?;
        Some(in_short(&error.to_string()))
    }
}

/// Liquid's report without its frame: what it asked for and did not find, else its last remark, else all of it.
fn in_short(report: &str) -> String {
    let lines: Vec<&str> = report
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let requested = lines
        .iter()
        .find_map(|line| line.strip_prefix("requested "));
    if let Some((what, name)) = requested.and_then(|asked| asked.split_once('=')) {
        let available = lines
            .iter()
            .find_map(|line| line.strip_prefix("available ")?.split_once('='));
        let known = available.map_or("", |(_, names)| names);
        let meant = nearest(name, known.split(", "))
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        return format!("there is no {what} {}{meant}", quoted(name));
    }
    match lines.iter().rev().find_map(|line| line.strip_prefix("= ")) {
        Some(remark) => remark.trim_end_matches('.').to_owned(),
        None => lines.join(" ").trim_start_matches("liquid: ").to_owned(),
    }
}

impl Reader<'_, '_> {
    /// The text of a template that parses.
    pub(super) fn template(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node, "template")?;
        if text.value.len() > MAX_TEMPLATE_BYTES || text.value.matches("{%").count() > MAX_TAGS {
            self.sink.error(
                "template",
                node.span,
                format!("the template is longer than {MAX_TEMPLATE_BYTES} bytes or has more than {MAX_TAGS} tags"),
                "compute the value in the model's SQL",
            );
            return None;
        }
        let Some(complaint) = self.templates.complaint(&text.value) else {
            return Some(text.value);
        };
        // Liquid quotes the template, and a variable's value in it must not be shown.
        let message = if node.scalar().is_some_and(Scalar::interpolated) {
            "the template is no valid Liquid once its variables are filled in".to_owned()
        } else {
            format!("the template is no valid Liquid: {complaint}")
        };
        self.sink.error(
            "template",
            node.span,
            message,
            "values stand in `{{ … }}`, tags in `{% … %}`; a column is `row.name` or `row['name']`; put the whole template in quotes",
        );
        None
    }
}

/// Stands for a filter of this name: parsing needs to know that it exists, and nothing is rendered here.
#[derive(Clone)]
struct Known(&'static str);

impl FilterReflection for Known {
    fn name(&self) -> &str {
        self.0
    }

    fn description(&self) -> &'static str {
        "a filter of Hubward's"
    }

    fn positional_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }

    fn keyword_parameters(&self) -> &'static [ParameterReflection] {
        &[]
    }
}

impl ParseFilter for Known {
    fn parse(&self, mut arguments: FilterArguments<'_>) -> liquid_core::Result<Box<dyn Filter>> {
        if arguments.positional.next().is_some() || arguments.keyword.next().is_some() {
            return Err(
                liquid_core::Error::with_msg("this filter takes no arguments")
                    .context("filter", self.0),
            );
        }
        Ok(Box::new(Unrendered(self.0)))
    }

    fn reflection(&self) -> &dyn FilterReflection {
        self
    }
}

#[derive(Debug)]
struct Unrendered(&'static str);

impl fmt::Display for Unrendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Filter for Unrendered {
    fn evaluate(
        &self,
        _: &dyn ValueView,
        _: &dyn Runtime,
    ) -> liquid_core::Result<liquid_core::Value> {
        Err(liquid_core::Error::with_msg(
            "templates are not rendered while a project is read",
        ))
    }
}
