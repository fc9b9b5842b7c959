//! Properties that a record cannot be without: when it is made, and afterwards (api.md 3.4, 6.1).
//!
//! Rules that an admin made are not among them: HubSpot does not show those, only refuses by them (api.md 3.8), with the
//! code that is used here too.

use crate::Reason;

/// The code of a row that would make a record without a property that HubSpot requires; HubSpot's own for the same.
pub const MISSING_REQUIRED_PROPERTY: &str = "MISSING_REQUIRED_PROPERTY";
/// The code of a row that would empty a property that HubSpot requires.
pub const REQUIRED_PROPERTY_CLEARED: &str = "REQUIRED_PROPERTY_CLEARED";

/// What an object type requires.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Required {
    /// Each of these.
    pub all_of: Vec<String>,
    /// One of these at the least, when a record is made.
    pub one_of: Vec<String>,
}

impl Required {
    /// What HubSpot itself requires of a standard type, by its type id (api.md 3.4). Where HubSpot's own pages disagree
    /// (contacts), nothing is taken as required: HubSpot then decides.
    #[must_use]
    pub fn standard(type_id: &str) -> Self {
        let all_of: &[&str] = match type_id {
            "0-3" => &["dealname", "dealstage"],
            "0-5" => &["subject", "hs_pipeline_stage"],
            "0-27" | "0-46" | "0-47" | "0-48" => &["hs_timestamp"],
            "0-116" => &["hs_timestamp"],
            "0-49" => &["hs_timestamp", "hs_email_direction"],
            "0-14" => &["hs_title", "hs_expiration_date"],
            _ => &[],
        };
        let one_of: &[&str] = if type_id == "0-2" { &["name", "domain"] } else { &[] };
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self { all_of: owned(all_of), one_of: owned(one_of) }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all_of.is_empty() && self.one_of.is_empty()
    }

    /// Why a record with these values cannot be made, if it cannot. `sent` gives the value that is sent for a property.
    #[must_use]
    pub fn missing<'a>(&self, sent: impl Fn(&str) -> Option<&'a str>) -> Option<Reason> {
        let has = |name: &String| sent(name).is_some_and(|value| !value.is_empty());
        if let Some(name) = self.all_of.iter().find(|name| !has(name)) {
            let text = format!("no record can be made without {name}, and the row has no value for it");
            return Some(Reason::new(MISSING_REQUIRED_PROPERTY, text).on(name, None));
        }
        if !self.one_of.is_empty() && !self.one_of.iter().any(has) {
            let text = format!("no record can be made without one of {}, and the row has none", self.one_of.join(", "));
            return Some(Reason::new(MISSING_REQUIRED_PROPERTY, text).on(&self.one_of[0], None));
        }
        None
    }

    /// Why these values cannot be written to a record that exists, if they cannot: one of them empties what HubSpot does not
    /// let be emptied.
    #[must_use]
    pub fn emptied<'a>(&self, sent: impl Fn(&str) -> Option<&'a str>) -> Option<Reason> {
        let name = self.all_of.iter().find(|name| sent(name) == Some(""))?;
        let text = format!(
            "the row would empty {name}, which HubSpot requires: give a value, leave the row out, or set `nulls: keep`"
        );
        Some(Reason::new(REQUIRED_PROPERTY_CLEARED, text).on(name, Some(String::new())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent<'a>(values: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<&'a str> {
        |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    #[test]
    fn a_record_needs_all_of_what_is_required_and_one_of_the_alternatives() {
        let deal = Required::standard("0-3");
        let reason = deal.missing(sent(&[("dealname", "x"), ("dealstage", "")])).expect("the stage is missing");
        assert_eq!(reason.property.as_deref(), Some("dealstage"));
        assert_eq!(deal.missing(sent(&[("dealname", "x"), ("dealstage", "open")])), None);
        let company = Required::standard("0-2");
        assert!(company.missing(sent(&[("city", "Bern")])).expect("neither").text.contains("name, domain"));
        assert_eq!(company.missing(sent(&[("domain", "example.com")])), None);
        assert_eq!(Required::standard("0-1").missing(sent(&[])), None);
    }

    #[test]
    fn only_an_empty_text_empties_and_what_is_not_sent_stays() {
        let deal = Required::standard("0-3");
        let reason = deal.emptied(sent(&[("dealname", ""), ("dealstage", "open")])).expect("emptied");
        assert_eq!(reason.category.as_deref(), Some(REQUIRED_PROPERTY_CLEARED));
        assert_eq!(deal.emptied(sent(&[("dealstage", "open")])), None);
        assert_eq!(Required::standard("0-2").emptied(sent(&[("name", "")])), None);
    }
}
