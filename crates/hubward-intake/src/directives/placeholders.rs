//! `@template`: text with paths in braces.

use std::fmt::Write as _;

use super::budget::Budget;
use super::error::ResolveError;
use super::js::Js;
use super::path::get;

/// The template with `{{{path}}}` and then `{{path}}` replaced by what stands there, by nothing where nothing stands.
/// What the first pass brought in goes through the second.
pub(super) fn render(template: &str, payload: &Js, budget: &mut Budget) -> Result<Js, ResolveError> {
    let text = pass(template, 3, payload, budget)?;
    pass(&text, 2, payload, budget).map(Js::Text)
}

fn pass(template: &str, braces: usize, payload: &Js, budget: &mut Budget) -> Result<String, ResolveError> {
    let (opening, closing) = (&"{{{"[..braces], &"}}}"[..braces]);
    let mut text = budget.text();
    let mut copied = 0;
    let mut from = 0;
    while let Some(found) = template[from..].find(opening) {
        let start = from + found;
        let inside = start + braces;
        // A path holds no closing brace, so the first one ends it or shows that this is no placeholder.
        let Some(length) = template[inside..].find('}') else { break };
        let end = inside + length;
        if length == 0 || !template[end..].starts_with(closing) {
            // No placeholder begins before that brace that would not end there too, but for further opening braces.
            from = if template[end..].starts_with(closing) { start + 1 } else { end };
            continue;
        }
        text.write_str(&template[copied..start])?;
        let found = get(payload, trim(&template[inside..end]));
        if found.value().exists() {
            found.value().write_text(&mut text)?;
        }
        copied = end + braces;
        from = copied;
    }
    text.write_str(&template[copied..])?;
    budget.finish(text)
}

/// Without the blanks that JavaScript trims.
fn trim(path: &str) -> &str {
    path.trim_matches(|own: char| own == '\u{feff}' || own.is_whitespace() && own != '\u{85}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(template: &str) -> String {
        let payload =
            Js::from_json(&json!({"a": "<b>", "n": 1.5, "l": [1, [2, null]], "o": {}, "t": "{{n}}", "z": null}));
        match render(template, &payload, &mut Budget::new()) {
            Ok(Js::Text(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_found_becomes_text_and_what_is_not_becomes_nothing() {
        assert_eq!(rendered("{{a}}|{{{ a }}}|{{n}}|{{l}}|{{o}}|{{z}}|{{x}}|"), "<b>|<b>|1.5|1,2,|[object Object]|||");
        assert_eq!(rendered("{{\u{feff} a\n}}"), "<b>");
    }

    #[test]
    fn braces_that_hold_no_path_stay() {
        assert_eq!(rendered("{{}} {{ {a} {{a}"), "{{}} {{ {a} {{a}");
        assert_eq!(rendered("{{{{a}}}}"), "}");
        assert_eq!(rendered("{{a}}}"), "<b>}");
        assert_eq!(rendered("{{x{{a}}"), "");
        assert_eq!(rendered("{{}{{a}}"), "{{}<b>");
    }

    #[test]
    fn text_that_three_braces_bring_in_is_a_template_again() {
        assert_eq!(rendered("{{{t}}} {{t}}"), "1.5 {{n}}");
    }
}
