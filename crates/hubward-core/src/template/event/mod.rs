//! Liquid templates over an event: `{{ traits.email | downcase }}`, as LiquidJS renders them for Segment's mappings.
//!
//! The same engine as for rows, with other rules: the event's members are the variables, what is missing is nil and no
//! error, arithmetic is JavaScript's, and the tags and filters that Segment has disabled are refused in its words. An event
//! comes from anywhere, so nothing in it may make the output, a variable or a filter's result grow past
//! [`MAX_OUTPUT_BYTES`]. There are no loops.
//!
//! Left to the caller: how long a template may be.

mod conditions;
mod filters;
mod own_filters;
mod scan;
mod tree;

use std::collections::BTreeSet;

use liquid::model::{KString, KStringCow, KStringRef, ScalarCow, Value as Liquid, ValueCow, ValueView as _};
use liquid_core::parser::ParseFilter;
use liquid_core::runtime::{PartialStore, Registers, RuntimeBuilder};
use liquid_core::{Language, Renderable as _, Runtime};
use liquid_lib::stdlib;
use serde_json::Value;

use super::variables::{AssignTag, CaptureBlock};
use super::{Bounded, MAX_OUTPUT_BYTES, TemplateError, one_line, parse_error};
use conditions::ConditionBlock;
use tree::{MISSING, NIL, Tree};

/// A parsed template.
pub struct EventTemplate {
    template: liquid_core::Template,
    scanned: scan::Scanned,
    text: String,
}

impl std::fmt::Debug for EventTemplate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("EventTemplate").field(&self.text).finish()
    }
}

impl EventTemplate {
    /// # Errors
    /// What does not parse, a tag that is disabled or unknown: in LiquidJS's words with line and column where it has
    /// some.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let scanned = scan::scan(text)?;
        let language = language(&scanned);
        let elements = liquid_core::parser::parse(text, &language).map_err(|error| parse_error(&error))?;
        Ok(Self { template: liquid_core::Template::new(elements), scanned, text: text.to_owned() })
    }

    /// The output for one event; empty where the template writes nothing. An event that is no object has no variables.
    ///
    /// # Errors
    /// A disabled filter that is reached, in LiquidJS's words; a filter that refuses its input; too much output.
    pub fn render(&self, event: &Value) -> Result<String, TemplateError> {
        let tree = Tree::of(event);
        let nothing = liquid::Object::new();
        let globals = tree.as_object().unwrap_or(&nothing);
        let runtime = RuntimeBuilder::new().set_globals(globals).build();
        let mut output = Bounded::default();
        match self.template.render_to(&mut output, &Lenient(runtime)) {
            Ok(()) => {}
            Err(_) if output.full => {
                let message = format!("the output of the template is longer than {MAX_OUTPUT_BYTES} bytes");
                return Err(TemplateError { message, line: None });
            }
            Err(error) => return Err(self.failed(&one_line(&error))),
        }
        Ok(String::from_utf8(output.bytes).expect("Liquid writes text"))
    }

    /// Of a disabled filter LiquidJS tells the place of the output or tag in which it stands.
    fn failed(&self, message: &str) -> TemplateError {
        for (name, place) in &self.scanned.filters {
            let disabled = filters::disabled_message(name);
            if message.contains(&disabled) {
                return place.error(disabled);
            }
        }
        // What the filter was given is the event's and has no place in a message.
        let told: Vec<&str> = message.split("; ").take_while(|part| !part.starts_with("input=")).collect();
        TemplateError { message: format!("the template failed: {}", told.join("; ")), line: None }
    }
}

/// The tags and filters that an event's template may use; filters that nobody knows hand on what they are given.
fn language(scanned: &scan::Scanned) -> Language {
    let mut language = Language::empty();
    let blocks: [Box<dyn liquid_core::ParseBlock>; 5] = [
        stdlib::RawBlock.into(),
        ConditionBlock { negated: false }.into(),
        ConditionBlock { negated: true }.into(),
        stdlib::CommentBlock.into(),
        CaptureBlock.into(),
    ];
    for block in blocks {
        language.blocks.register(block.reflection().start_tag().to_owned(), block);
    }
    let tags: [Box<dyn liquid_core::ParseTag>; 4] =
        [AssignTag.into(), stdlib::CycleTag.into(), stdlib::IncrementTag.into(), stdlib::DecrementTag.into()];
    for tag in tags {
        language.tags.register(tag.reflection().tag().to_owned(), tag);
    }
    for (name, _) in &scanned.filters {
        let filter: Box<dyn ParseFilter> = filters::filter(name);
        language.filters.register(name.clone(), filter);
    }
    language
}

/// A runtime in which what is missing is nil.
struct Lenient<R>(R);

impl<R: Runtime> Runtime for Lenient<R> {
    fn partials(&self) -> &dyn PartialStore {
        self.0.partials()
    }

    fn name(&self) -> Option<KStringRef<'_>> {
        self.0.name()
    }

    fn roots(&self) -> BTreeSet<KStringCow<'_>> {
        self.0.roots()
    }

    fn try_get(&self, path: &[ScalarCow<'_>]) -> Option<ValueCow<'_>> {
        // The engine counts a text's bytes, and numbers have a size too.
        if let Some((last, parents)) = path.split_last()
            && last.to_kstr() == "size"
            && let Some(parent) = self.0.try_get(parents).filter(|parent| parent.is_scalar())
        {
            let text = (parent.type_name() == "string").then(|| parent.to_kstr().encode_utf16().count());
            return text.map(|count| ValueCow::Owned(Liquid::scalar(i64::try_from(count).unwrap_or(i64::MAX))));
        }
        self.0.try_get(path)
    }

    fn get(&self, path: &[ScalarCow<'_>]) -> liquid_core::Result<ValueCow<'_>> {
        Ok(match self.try_get(path) {
            Some(value) if !value.is_nil() => value,
            Some(_) => ValueCow::Borrowed(&NIL),
            None => ValueCow::Borrowed(&MISSING),
        })
    }

    fn set_global(&self, name: KString, value: Liquid) -> Option<Liquid> {
        self.0.set_global(name, value)
    }

    fn set_index(&self, name: KString, value: Liquid) -> Option<Liquid> {
        self.0.set_index(name, value)
    }

    fn get_index<'a>(&'a self, name: &str) -> Option<ValueCow<'a>> {
        self.0.get_index(name)
    }

    fn registers(&self) -> &Registers {
        self.0.registers()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(text: &str) -> Result<String, String> {
        let event = json!({
            "type": "track",
            "traits": {"email": "A@x.com", "n": 0, "price": 2.5, "arr": [{"id": 1}, {"id": 2}], "o": {"a": {"b": 1}}, "nul": null},
        });
        EventTemplate::parse(text).and_then(|template| template.render(&event)).map_err(|error| error.message)
    }

    fn output(text: &str) -> String {
        rendered(text).expect(text)
    }

    fn fault(text: &str) -> String {
        rendered(text).expect_err(text)
    }

    #[test]
    fn what_is_missing_is_nothing_wherever_it_is_asked_for() {
        assert_eq!(output("[{{ zz }}{{ traits.zz.y }}{{ traits.nul.x }}{{ traits.arr[9].id }}]"), "[]");
        assert_eq!(output("{% assign o = traits.o %}[{{ o.a.b }}{{ o.a.z.y }}]"), "[1]");
        assert_eq!(output("{{ traits.zz | default: 'd' | upcase }}"), "D");
        assert_eq!(output("{% if traits.zz == nil %}no{% endif %}{% if traits.zz > 3 %}yes{% endif %}"), "no");
        assert_eq!(output("{{ traits.email | append: traits.zz }}"), "A@x.com");
    }

    #[test]
    fn objects_and_lists_print_as_in_javascript_and_nil_contains_nothing() {
        assert_eq!(output("{{ traits.o }} {{ traits.arr }}"), "[object Object] [object Object][object Object]");
        assert_eq!(output("{% if traits.zz contains 'x' or traits.nul contains 'x' %}y{% else %}n{% endif %}"), "n");
        assert_eq!(
            output("{{ 'añ😀' | size }} {{ traits.email.size }} {{ traits.arr.size }} [{{ traits.n.size }}]"),
            "4 7 2 []"
        );
        assert_eq!(output("{{ traits.nul | json }}|{{ traits.zz | json }}"), "null|");
    }

    #[test]
    fn what_an_event_holds_is_not_told_in_a_message() {
        let told = fault("{{ traits.email | date: '%Y' | truncate: 'x' }}");
        assert!(!told.contains("A@x.com"), "{told}");
        let told = fault("{{ traits.email | sha256 }}");
        assert!(told.contains("sha256") && !told.contains("A@x.com"), "{told}");
    }

    #[test]
    fn conditions_are_liquidjss() {
        let holds = |condition: &str| output(&format!("{{% if {condition} %}}y{{% else %}}n{{% endif %}}")) == "y";
        for yes in [
            "'12' > 3",
            "3 < '12'",
            "'b' > 'a'",
            "'10' < '9'",
            "traits.nul < 1",
            "traits.n == 0.0",
            "not traits.zz",
            "traits.email contains '@'",
            "true or false and false",
            "traits.zz == nil",
            "'' == blank",
            "not 1 > 2",
            "traits.zz == empty or traits.arr",
        ] {
            assert!(holds(yes), "{yes}");
        }
        for no in [
            "'12' == 12",
            "1 == true",
            "'x' == true",
            "traits.zz < 1",
            "traits.zz > 1",
            "'x' > 1",
            "traits.o > 1",
            "false and true or true",
            "traits.n contains '0'",
            "traits.email contains traits.zz",
            "false == nil",
            "traits.nul == traits.zz",
        ] {
            assert!(!holds(no), "{no}");
        }
        assert_eq!(
            output("{% unless traits.zz %}u{% endunless %}{% unless 1 %}a{% elsif 2 %}b{% else %}c{% endunless %}"),
            "ub"
        );
        assert_eq!(output("{% if false %}a{% elsif traits.zz %}b{% elsif true %}c{% else %}d{% endif %}"), "c");
    }

    #[test]
    fn arithmetic_is_javascripts() {
        assert_eq!(
            output("{{ 1 | divided_by: 2 }} {{ traits.price | times: 2 }} {{ traits.zz | plus: 1 }}"),
            "0.5 5 1"
        );
        assert_eq!(
            output("{{ '3.5' | floor }} {{ -7 | modulo: 3 }} {{ 1.005 | round: 1 }} {{ 'x' | minus: 1 }}"),
            "3 2 1 -1"
        );
        assert_eq!(output("{{ 1 | divided_by: 0 }}"), "Infinity");
    }

    #[test]
    fn dates_are_told_in_utc_and_what_is_no_date_stays() {
        assert_eq!(output("{{ 0 | date: '%Y-%m-%d %H:%M' }}"), "1970-01-01 00:00");
        assert_eq!(
            output("{{ '86400' | date: '%d' }} {{ '2026-01-02T03:04:05+02:00' | date: '%d.%m. %H' }}"),
            "02 02.01. 01"
        );
        assert_eq!(output("{{ 'soon' | date: '%Y' }}{{ traits.zz | date: '%Y' }}"), "soon");
        assert!(fault("{{ 'now' | date: '%Y' }}").contains("no clock"));
    }

    #[test]
    fn disabled_tags_and_filters_are_refused_in_the_originals_words() {
        assert_eq!(fault("{% for a in b %}{% endfor %}"), "tag \"for\" is disabled, line:1, col:1");
        assert_eq!(fault("x\n {{ traits.arr | map: 'id' | join }}"), "filter \"map\" is disabled, line:2, col:2");
        assert_eq!(fault("{% assign a = traits.arr | sort %}"), "filter \"sort\" is disabled, line:1, col:1");
        assert_eq!(output("{% if traits.zz %}{{ traits.arr | map: 'id' }}{% endif %}x"), "x", "it is not reached");
    }

    #[test]
    fn what_is_not_closed_or_not_known_is_told_with_its_place() {
        assert_eq!(fault("{{ traits.email | "), "output \"{{ traits.email | \" not closed, line:1, col:1");
        assert_eq!(fault("a{{ '}}"), "output \"{{ '}}\" not closed, line:1, col:2");
        assert_eq!(fault("\n{% if a "), "tag \"{% if a \" not closed, line:2, col:1");
        assert_eq!(fault("{% if a %}x"), "tag {% if a %} not closed, line:1, col:1");
        assert_eq!(fault("{% nope %}"), "tag \"nope\" not found, line:1, col:1");
        assert_eq!(fault("{% endif %}"), "tag \"endif\" not found, line:1, col:1");
        assert!(fault("{{ 'x' | sha256 }}").contains("not offered"));
    }

    #[test]
    fn a_filter_that_nobody_knows_hands_on_what_it_is_given() {
        assert_eq!(output("{{ traits.email | shout: 1, 'x' | downcase }}"), "a@x.com");
    }

    #[test]
    fn raw_text_and_comments_are_not_looked_at() {
        assert_eq!(
            output("{% raw %}{{ x | map }}{% nope %}{% endraw %}{% comment %}{% nope %}{{ a | map }}{% endcomment %}"),
            "{{ x | map }}{% nope %}"
        );
    }

    #[test]
    fn nothing_in_an_event_makes_a_result_grow_without_end() {
        let event = json!({ "t": "x".repeat(4_000) });
        for text in [
            "{{ t | replace: 'x', t }}",
            "{{ t | split: '' | join: t }}",
            "{% assign a = t %}{% assign a = a | append: a | append: a | append: a | append: a | append: a | append: a | append: a | append: a | append: a | append: a %}{% assign a = a | append: a | append: a | append: a | append: a | append: a | append: a | append: a | append: a %}{% assign a = a | append: a | append: a | append: a | append: a | append: a %}{{ a }}",
        ] {
            let error = EventTemplate::parse(text).expect("it parses").render(&event).expect_err("it is too long");
            assert!(error.message.contains("longer than 1048576 bytes"), "{}", error.message);
        }
    }
}
