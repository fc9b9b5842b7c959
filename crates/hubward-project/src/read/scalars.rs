//! Single values: text, secrets, flags, numbers, words, shares. What is filled in from a variable is read by the same
//! rules as what stands in the file, only never as YAML: it cannot turn into NULL, a list or a map.

use hubward_core::SecretString;

use crate::read::Reader;
use crate::sink::{Span, quoted};
use crate::suggest::did_you_mean;
use crate::yaml::{Kind, Node, Scalar};

/// A text value, with the form of it that a message may show.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) written: String,
    pub(crate) span: Span,
}

impl Reader<'_, '_> {
    /// The scalar of a node that must be one. A missing variable has been reported already and is passed over.
    fn scalar<'n>(&mut self, node: &'n Node, label: &str, wanted: &str) -> Option<&'n Scalar> {
        match node.scalar() {
            Some(scalar) if scalar.is_missing() => None,
            Some(scalar) if !node.is_null() => Some(scalar),
            _ => {
                let (code, state) = if node.is_null() {
                    ("empty-value", "not empty".to_owned())
                } else {
                    ("wrong-type", format!("not {}", node.kind_name()))
                };
                self.sink.error(
                    code,
                    node.span,
                    format!("`{label}` must be {wanted}, {state}"),
                    format!("write `{label}: …` with {wanted}"),
                );
                None
            }
        }
    }

    /// Text that is not empty.
    pub(crate) fn text(&mut self, node: &Node, label: &str) -> Option<Text> {
        let scalar = self.scalar(node, label, "a text")?;
        if scalar.text.trim().is_empty() {
            self.sink.error(
                "empty-value",
                node.span,
                format!("`{label}` must not be empty"),
                if scalar.interpolated() {
                    "the variable is set to nothing: give it a value"
                } else {
                    "give it a value"
                },
            );
            return None;
        }
        Some(Text { value: scalar.text.clone(), written: scalar.written().to_owned(), span: node.span })
    }

    /// A secret; one that is written into the file brings a warning when `warn` says so.
    pub(crate) fn secret(&mut self, node: &Node, label: &str, warn: bool) -> Option<SecretString> {
        let text = self.text(node, label)?;
        if warn && !node.scalar().is_some_and(Scalar::interpolated) {
            self.sink.warning(
                "secret-in-file",
                node.span,
                format!("`{label}` is written into the file, where version control will keep it"),
                format!("put it into a variable and write `{label}: ${{NAME}}`; then replace the secret, for it may be known"),
            );
        }
        Some(SecretString::from(text.value))
    }

    pub(crate) fn flag(&mut self, node: &Node, label: &str) -> Option<bool> {
        let scalar = self.scalar(node, label, "true or false")?;
        let quoted_text = !scalar.is_plain() && !scalar.interpolated();
        match scalar.text.as_str() {
            "true" | "True" | "TRUE" if !quoted_text => Some(true),
            "false" | "False" | "FALSE" if !quoted_text => Some(false),
            _ => {
                let written = quoted(scalar.written());
                self.sink.error(
                    "wrong-type",
                    node.span,
                    format!("`{label}` must be true or false, not {written}"),
                    "write `true` or `false`, without quotes; `yes`, `no`, `on` and `off` are texts in YAML 1.2",
                );
                None
            }
        }
    }

    /// A whole number above zero.
    pub(crate) fn whole(&mut self, node: &Node, label: &str) -> Option<u64> {
        let scalar = self.scalar(node, label, "a whole number")?;
        let digits: String = scalar.text.trim().chars().filter(|c| *c != '_').collect();
        let number = digits.parse::<u64>().ok().filter(|number| *number > 0);
        if number.is_none() || digits.starts_with('+') {
            let written = quoted(scalar.written());
            self.sink.error(
                "bad-value",
                node.span,
                format!("`{label}` must be a whole number above zero, not {written}"),
                "write digits only",
            );
            return None;
        }
        number
    }

    /// A share as a percentage or a fraction; answers the fraction.
    pub(crate) fn share(&mut self, node: &Node, label: &str) -> Option<f64> {
        let scalar = self.scalar(node, label, "a share such as 80%")?;
        let text = scalar.text.trim();
        let (digits, divisor) = match text.strip_suffix('%') {
            Some(percent) => (percent.trim_end(), 100.0),
            None => (text, 1.0),
        };
        let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
        let share = digits
            .parse::<f64>()
            .ok()
            .map(|number| number / divisor)
            .filter(|share| plain && *share > 0.0 && *share <= 1.0);
        if share.is_none() {
            let written = quoted(scalar.written());
            self.sink.error(
                "bad-value",
                node.span,
                format!("`{label}` must be above 0 % and at most 100 %, not {written}"),
                "write a percentage such as `80%` or a fraction such as `0.8`",
            );
        }
        share
    }

    /// One of some words; answers its position.
    pub(crate) fn word(&mut self, node: &Node, label: &str, words: &'static [&'static str]) -> Option<usize> {
        let scalar = self.scalar(node, label, "a word")?;
        let found = words.iter().position(|word| *word == scalar.text);
        if found.is_none() {
            let written = scalar.written().to_owned();
            let all: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            let help = did_you_mean(&written, words.iter().copied(), "words");
            self.sink.error(
                "unknown-value",
                node.span,
                format!("`{label}` must be {}, not {}", all.join(" or "), quoted(&written)),
                help,
            );
        }
        found
    }

    /// One text or a list of texts without repetitions.
    pub(crate) fn one_or_many(&mut self, node: &Node, label: &str) -> Option<Vec<Text>> {
        let Kind::List(items) = &node.kind else {
            return self.text(node, label).map(|text| vec![text]);
        };
        let mut whole = true;
        let mut texts: Vec<Text> = Vec::with_capacity(items.len());
        for item in items {
            let Some(text) = self.text(item, label) else {
                whole = false;
                continue;
            };
            if let Some(first) = texts.iter().find(|known| known.value == text.value) {
                self.sink.error_beside(
                    "bad-value",
                    text.span,
                    (first.span, "first given here"),
                    format!("`{label}` names {} twice", quoted(&text.written)),
                    "keep one of the two",
                );
                whole = false;
                continue;
            }
            texts.push(text);
        }
        whole.then_some(texts)
    }
}
