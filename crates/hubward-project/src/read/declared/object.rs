//! `object:` of `schema:`: a custom object type that the project declares itself.

use hubward_core::declared::{DeclaredObject, DeclaredProperty};

use crate::grammar::DECLARED_OBJECT;
use crate::read::fields::Fields;
use crate::read::{Reader, Text};
use crate::sink::quoted;
use crate::suggest::did_you_mean;
use crate::yaml::{Key, Node};

/// Longest name of a custom object type, in characters (api.md 6.1).
const NAME_MAX: usize = 50;

/// `properties` are those declared beside it; none when they could not be read, so that nothing can be said of them.
pub(super) fn read(
    reader: &mut Reader<'_, '_>,
    key: &Key,
    node: &Node,
    properties: Option<&[DeclaredProperty]>,
) -> Option<DeclaredObject> {
    let name = key.text.as_str();
    let good = name.chars().count() <= NAME_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !good {
        reader.sink.error(
            "bad-name",
            key.span,
            format!("{} cannot be the name of a custom object type", quoted(name)),
            format!("use letters, digits and `_`, starting with a letter, at most {NAME_MAX} of them; HubSpot never changes it"),
        );
    }
    let fields = reader.table(node, &DECLARED_OBJECT)?;
    let singular = fields.get("singular").and_then(|node| reader.text(node, "singular"));
    let plural = fields.get("plural").and_then(|node| reader.text(node, "plural"));
    let primary = fields.get("primary").and_then(|node| reader.text(node, "primary"));
    let secondary = many(reader, &fields, "secondary");
    let required = many(reader, &fields, "required");
    let searchable = many(reader, &fields, "searchable");
    let associated = many(reader, &fields, "associated");
    let description = match fields.get("description") {
        Some(node) => reader.text(node, "description").map(|text| Some(text.value)),
        None => Some(None),
    };
    let (primary, secondary, required, searchable) = (primary?, secondary?, required?, searchable?);
    let mut whole = good;
    if let Some(properties) = properties {
        for text in [&primary].into_iter().chain(&secondary).chain(&required).chain(&searchable) {
            whole &= founds(reader, text, properties);
        }
    }
    whole.then_some(())?;
    let values = |texts: Vec<Text>| texts.into_iter().map(|text| text.value).collect();
    Some(DeclaredObject {
        singular: singular?.value,
        plural: plural?.value,
        description: description?,
        primary: primary.value,
        secondary: values(secondary),
        required: values(required),
        searchable: values(searchable),
        associated: associated?
            .into_iter()
            .map(|text| (text.value.trim().to_owned(), reader.sink.location(text.span)))
            .collect(),
        at: reader.sink.location(key.span),
    })
}

fn many(reader: &mut Reader<'_, '_>, fields: &Fields<'_>, name: &'static str) -> Option<Vec<Text>> {
    match fields.get(name) {
        Some(node) => reader.one_or_many(node, name),
        None => Some(Vec::new()),
    }
}

/// Whether a property can be there at the moment when HubSpot makes the type.
fn founds(reader: &mut Reader<'_, '_>, text: &Text, properties: &[DeclaredProperty]) -> bool {
    let Some(property) = properties.iter().find(|property| property.name == text.value) else {
        let known = properties.iter().map(|property| property.name.as_str());
        reader.sink.error(
            "schema-object",
            text.span,
            format!("`object` names the property {}, which `properties` does not declare", quoted(&text.written)),
            did_you_mean(&text.value, known, "properties"),
        );
        return false;
    };
    if property.group.is_some() {
        reader.sink.error(
            "schema-object",
            text.span,
            format!(
                "the property {} is made with its object type, before any group of it exists",
                quoted(&text.written)
            ),
            "leave its `group` out: it stands in the type's own group",
        );
        return false;
    }
    true
}
