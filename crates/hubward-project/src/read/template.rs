//! Whether a Liquid template parses. What it does with a row is the mapping's business.

use hubward_core::template::Template;

use crate::read::Reader;
use crate::yaml::{Node, Scalar};

/// Longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 64 * 1024;
/// Deepest nesting of tags: the parser of the templates recurses.
const MAX_TAGS: usize = 200;

/// Liquid's complaint about a template, on one line. The parser is the one that runs the template.
fn complaint(template: &str) -> Option<String> {
    Template::parse(template).err().map(|error| error.message)
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
        let Some(complaint) = complaint(&text.value) else {
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
