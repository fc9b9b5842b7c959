//! Owns the shapes of request bodies. They borrow from the body, so that a good batch is read without copying its values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::answers::Refusal;

/// A string, number or boolean, as its text: HubSpot keeps every value as a string `[LIVE-AMP]`.
#[derive(Debug, Clone)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a number or a boolean")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_owned())))
            }
            fn visit_string<E>(self, v: String) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v)))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_string())))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_string())))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_string())))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(if v { "true" } else { "false" })))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// `properties` of a write, in the order sent. `null` is no documented way to clear: such an entry changes nothing.
#[derive(Debug, Default)]
pub(crate) struct Properties<'a>(pub(crate) Vec<(Text<'a>, Option<Text<'a>>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Properties<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PropertiesVisitor;
        impl<'de> Visitor<'de> for PropertiesVisitor {
            type Value = Properties<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of property values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::with_capacity(8);
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Properties(entries))
            }
        }
        deserializer.deserialize_map(PropertiesVisitor)
    }
}

#[derive(Debug, serde::Deserialize)]
pub(crate) struct AssociationTarget<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssociationKind<'a> {
    #[serde(borrow)]
    pub(crate) association_category: Text<'a>,
    pub(crate) association_type_id: u32,
}

#[derive(Debug, serde::Deserialize)]
pub(crate) struct AssociationInput<'a> {
    #[serde(borrow)]
    pub(crate) to: AssociationTarget<'a>,
    #[serde(borrow, default)]
    pub(crate) types: Vec<AssociationKind<'a>>,
}

/// One record of a create, update or upsert; which fields count is the operation's matter.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectInput<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) id_property: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) properties: Properties<'a>,
    #[serde(borrow, default)]
    pub(crate) associations: Option<Vec<AssociationInput<'a>>>,
    #[serde(borrow, default)]
    pub(crate) object_write_trace_id: Option<Text<'a>>,
}

#[derive(Debug, serde::Deserialize)]
pub(crate) struct Batch<T> {
    pub(crate) inputs: Vec<T>,
}

#[derive(Debug, serde::Deserialize)]
pub(crate) struct IdInput<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchRead<'a> {
    #[serde(borrow, default)]
    pub(crate) id_property: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) properties: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) properties_with_history: Vec<Text<'a>>,
    #[serde(borrow)]
    pub(crate) inputs: Vec<IdInput<'a>>,
}

/// Reads a body of a known shape, or refuses as HubSpot does `[LIVE-AMP]`.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::from_json(&error))
}

/// Refuses a batch of more than 100 records before anything is done with it `[DOC-CONTACTS]`.
pub(crate) fn at_most(inputs: usize, most: usize) -> Result<(), Refusal> {
    if inputs > most {
        return Err(Refusal::validation(format!(
            "The maximum number of inputs supported in a batch request is {most}, but {inputs} were sent"
        )));
    }
    Ok(())
}
