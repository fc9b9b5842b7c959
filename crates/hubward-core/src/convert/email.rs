//! A light check of the contact's e-mail address, which HubSpot checks too (`INVALID_EMAIL`, api.md 3.7).

use super::{Refusal, quoted};
use crate::Value;
use crate::row::value_text;

/// Trims the address; refuses what no mail server would take. What only HubSpot can know (undeliverable domains) is left
/// to it.
pub(crate) fn email(value: &Value) -> Result<String, Refusal> {
    let text = value_text(value);
    let address = text.trim();
    match fault(address) {
        None => Ok(address.to_owned()),
        Some(fault) => {
            Err(Refusal::new("INVALID_EMAIL", format!("{:?} is not an e-mail address: {fault}", quoted(value))))
        }
    }
}

/// The address without blanks around it.
///
/// # Errors
/// Why no mail server would take it, as a sentence: "it has no @".
pub fn email_address(text: &str) -> Result<String, &'static str> {
    let address = text.trim();
    fault(address).map_or_else(|| Ok(address.to_owned()), Err)
}

fn fault(address: &str) -> Option<&'static str> {
    if address.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("it holds a blank");
    }
    let Some((local, domain)) = address.split_once('@') else {
        return Some("it has no @");
    };
    if domain.contains('@') {
        return Some("it has more than one @; a property holds one address");
    }
    if local.is_empty() {
        return Some("nothing stands before the @");
    }
    if !domain.contains('.') || domain.split('.').any(str::is_empty) {
        return Some("the part after the @ is not a domain");
    }
    if address.contains([';', ',', '<', '>']) {
        return Some("it holds a character that separates addresses");
    }
    None
}
