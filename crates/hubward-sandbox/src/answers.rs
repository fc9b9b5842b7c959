//! Owns the shape of answers: replies, the error envelope (api.md 2.3) and the texts of refusals that several places share.

use serde::Serialize;

/// What a handler answers when it did its work.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) location: Option<String>,
    pub(crate) content_type: &'static str,
}

/// The content type of all answers but pages.
pub(crate) const JSON: &str = "application/json;charset=utf-8";

impl Reply {
    pub(crate) fn json(status: u16, body: Vec<u8>) -> Reply {
        Reply { status, body, location: None, content_type: JSON }
    }

    /// A page for a browser.
    pub(crate) fn html(status: u16, page: String) -> Reply {
        Reply { content_type: "text/html;charset=utf-8", ..Reply::json(status, page.into_bytes()) }
    }

    pub(crate) fn of(status: u16, value: &impl Serialize) -> Reply {
        Reply::json(status, serde_json::to_vec(value).expect("answers hold only strings, numbers and lists"))
    }

    pub(crate) fn empty(status: u16) -> Reply {
        Reply::json(status, Vec::new())
    }

    pub(crate) fn at(mut self, location: String) -> Reply {
        self.location = Some(location);
        self
    }
}

type Context = Vec<(&'static str, Vec<String>)>;

/// One refusal in HubSpot's envelope; also one entry of `errors` in a 207 body, which has no correlation id `[SPEC]`.
#[derive(Debug)]
pub(crate) struct Refusal(Box<Body>);

#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) category: Option<&'static str>,
    pub(crate) sub_category: Option<&'static str>,
    pub(crate) context: Context,
    pub(crate) errors: Vec<Detail>,
    pub(crate) scopes_link: bool,
    pub(crate) policy: Option<&'static str>,
    pub(crate) retry_after_s: Option<u64>,
}

#[derive(Debug)]
pub(crate) struct Detail {
    pub(crate) message: String,
    pub(crate) code: Option<&'static str>,
    pub(crate) context: Context,
}

/// One property value that HubSpot does not take (api.md 3.7).
#[derive(Debug, Clone)]
pub(crate) struct Invalid {
    pub(crate) name: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, category: &'static str, message: impl Into<String>) -> Refusal {
        let mut refusal = Refusal::bare(status, message);
        refusal.0.category = Some(category);
        refusal
    }

    /// A refusal without a category, as HubSpot sends for bad JSON and unknown types `[LIVE-AMP]`.
    pub(crate) fn bare(status: u16, message: impl Into<String>) -> Refusal {
        Refusal(Box::new(Body {
            status,
            message: message.into(),
            category: None,
            sub_category: None,
            context: Vec::new(),
            errors: Vec::new(),
            scopes_link: false,
            policy: None,
            retry_after_s: None,
        }))
    }

    pub(crate) fn validation(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "VALIDATION_ERROR", message)
    }

    pub(crate) fn not_found() -> Refusal {
        Refusal::bare(404, "resource not found")
    }

    pub(crate) fn sub_category(mut self, sub_category: &'static str) -> Refusal {
        self.0.sub_category = Some(sub_category);
        self
    }

    pub(crate) fn context(mut self, key: &'static str, values: Vec<String>) -> Refusal {
        self.0.context.push((key, values));
        self
    }

    pub(crate) fn error(mut self, detail: Detail) -> Refusal {
        self.0.errors.push(detail);
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Body)) -> Refusal {
        change(&mut self.0);
        self
    }

    pub(crate) fn body(&self) -> &Body {
        &self.0
    }

    /// All invalid values of all records in the embedded array, a shorter `errors`: HubSpot names each distinct complaint once there.
    pub(crate) fn invalid_values(portal_id: u64, invalid: &[Invalid]) -> Refusal {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Item<'a> {
            is_valid: bool,
            message: &'a str,
            error: &'a str,
            name: &'a str,
            localized_error_message: &'a str,
            portal_id: u64,
        }
        let mut items = Vec::with_capacity(invalid.len());
        let mut refusal = Refusal::validation(String::new());
        for one in invalid {
            items.push(Item {
                is_valid: false,
                message: &one.message,
                error: one.code,
                name: &one.name,
                localized_error_message: &one.message,
                portal_id,
            });
            if !refusal.0.errors.iter().any(|detail| detail.message == one.message) {
                refusal.0.errors.push(Detail {
                    message: one.message.clone(),
                    code: Some(one.code),
                    context: vec![("propertyName", vec![one.name.clone()])],
                });
            }
        }
        let items = serde_json::to_string(&items).expect("invalid values are strings");
        refusal.0.message = format!("Property values were not valid: {items}");
        refusal
    }

    pub(crate) fn from_json(error: &serde_json::Error) -> Refusal {
        let text = error.to_string();
        let cause = text.split(" at line ").next().unwrap_or(&text);
        let cause = if error.is_data() {
            format!("Cannot deserialize value of type `java.lang.String`: {cause}")
        } else {
            cause.to_owned()
        };
        Refusal::bare(400, format!("Invalid input JSON on line {}, column {}: {cause}", error.line(), error.column()))
    }

    /// Writes the envelope; `correlation_id` is left out in entries of a 207 body.
    pub(crate) fn write(&self, out: &mut Vec<u8>, correlation_id: Option<&str>) {
        let body = &self.0;
        out.extend_from_slice(b"{\"status\":\"error\",\"message\":");
        write_str(out, &body.message);
        if let Some(id) = correlation_id {
            out.extend_from_slice(b",\"correlationId\":");
            write_str(out, id);
        }
        if !body.errors.is_empty() {
            out.extend_from_slice(b",\"errors\":[");
            for (at, detail) in body.errors.iter().enumerate() {
                comma(out, at);
                out.extend_from_slice(b"{\"message\":");
                write_str(out, &detail.message);
                if let Some(code) = detail.code {
                    out.extend_from_slice(b",\"code\":");
                    write_str(out, code);
                }
                write_context(out, &detail.context);
                out.push(b'}');
            }
            out.push(b']');
        }
        if let Some(category) = body.category {
            out.extend_from_slice(b",\"category\":");
            write_str(out, category);
        }
        if let Some(sub_category) = body.sub_category {
            out.extend_from_slice(b",\"subCategory\":");
            write_str(out, sub_category);
        }
        if let Some(policy) = body.policy {
            out.extend_from_slice(b",\"errorType\":\"RATE_LIMIT\",\"policyName\":");
            write_str(out, policy);
            out.extend_from_slice(b",\"requestId\":");
            write_str(out, correlation_id.unwrap_or_default());
        }
        write_context(out, &body.context);
        if body.scopes_link {
            out.extend_from_slice(b",\"links\":{\"scopes\":\"https://developers.hubspot.com/scopes\"}");
        }
        out.push(b'}');
    }
}

fn write_context(out: &mut Vec<u8>, context: &Context) {
    if context.is_empty() {
        return;
    }
    out.extend_from_slice(b",\"context\":{");
    for (at, (key, values)) in context.iter().enumerate() {
        comma(out, at);
        write_str(out, key);
        out.push(b':');
        serde_json::to_writer(&mut *out, values).expect("a list of strings is JSON");
    }
    out.push(b'}');
}

/// Writes `text` as a JSON string.
pub(crate) fn write_str(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string is JSON");
}

pub(crate) fn comma(out: &mut Vec<u8>, at: usize) {
    if at > 0 {
        out.push(b',');
    }
}
