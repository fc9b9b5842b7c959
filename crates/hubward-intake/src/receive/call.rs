//! A call of Segment's tracking API, and the event that it becomes.

use bytes::Bytes;
use hubward_store::NewEvent;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::times::{self, Times};
use super::{BATCH_MAX_BYTES, CALL_MAX_BYTES, Refusal};

/// Bytes that a batch may come to once what stands beside its calls is part of each of them: a small body must not fill the
/// memory.
const UNFOLDED_MAX_BYTES: usize = 16 * BATCH_MAX_BYTES;

/// What a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallType {
    Track,
    Identify,
    Group,
    Page,
    Screen,
    Alias,
}

impl CallType {
    pub(super) const ALL: [Self; 6] = [Self::Track, Self::Identify, Self::Group, Self::Page, Self::Screen, Self::Alias];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Identify => "identify",
            Self::Group => "group",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Alias => "alias",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// A call that was read but not looked at.
#[derive(Clone, Debug)]
pub struct Call {
    call_type: CallType,
    fields: Map<String, Value>,
    /// The batch's time of sending, where the call has none of its own.
    sent_at: Option<Value>,
}

/// The calls of a batch in their order; those that cannot be read stand as what is wrong with them.
#[derive(Debug)]
pub struct Batch {
    pub calls: Vec<Result<Call, Refusal>>,
    /// The write key in the body.
    pub write_key: Option<String>,
}

/// An event, and what was changed about the call beyond what every call goes through.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) event: NewEvent,
    pub(super) warning: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchBody<'a> {
    #[serde(borrow)]
    batch: Vec<&'a RawValue>,
    #[serde(default)]
    write_key: Option<Value>,
    #[serde(default)]
    sent_at: Option<Value>,
    #[serde(default)]
    context: Option<Value>,
    #[serde(default)]
    integrations: Option<Value>,
}

impl Call {
    /// Reads the body of a call; `call_type` is what its path says. The second value is the write key in the body.
    pub(super) fn read(call_type: CallType, body: &[u8]) -> Result<(Self, Option<String>), Refusal> {
        let mut fields: Map<String, Value> = match parse(body)? {
            Value::Object(fields) => fields,
            _ => return Err(Refusal::invalid("a call must be a JSON object").of(None, &shown(body))),
        };
        let write_key = text(fields.shift_remove("writeKey"));
        Ok((Self { call_type, fields, sent_at: None }, write_key))
    }

    /// `beside` is the size of what stands beside the calls and is added to each.
    fn read_in_batch(raw: &RawValue, batch: &BatchBody<'_>, beside: usize) -> Result<Self, Refusal> {
        let text = raw.get();
        let refuse = |refusal: Refusal, fields: Option<&Map<String, Value>>| {
            let id = fields.and_then(|fields| fields.get("messageId")).and_then(Value::as_str).map(str::to_owned);
            Err(refusal.of(id, text))
        };
        let mut fields: Map<String, Value> = match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return refuse(Refusal::invalid("a call must be a JSON object"), None),
            Err(error) => return refuse(Refusal::invalid_json(format!("the call cannot be read: {error}")), None),
        };
        if text.len() + beside > CALL_MAX_BYTES {
            return refuse(Refusal::call_too_large(text.len() + beside), Some(&fields));
        }
        let Some(call_type) = fields.get("type").and_then(Value::as_str).and_then(CallType::named) else {
            let names: Vec<&str> = CallType::ALL.into_iter().map(CallType::name).collect();
            let found =
                fields.get("type").map_or_else(|| "it has none".to_owned(), |found| format!("not {}", short(found)));
            let message = format!("`type` must be one of {}: {found}", names.join(", "));
            return refuse(Refusal::invalid(message), Some(&fields));
        };
        fields.shift_remove("writeKey");
        // What stands beside the batch holds for each call that does not say otherwise.
        for (name, value) in [("context", &batch.context), ("integrations", &batch.integrations)] {
            let Some(Value::Object(shared)) = value else { continue };
            let own = fields.entry(name).or_insert_with(|| json!({}));
            if let Value::Object(own) = own {
                for (key, value) in shared {
                    own.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        Ok(Self { call_type, fields, sent_at: batch.sent_at.clone() })
    }

    /// Makes the event of it: what Segment's tracking API adds is added, what it needs is demanded.
    pub(super) fn into_event(
        self,
        source: &str,
        received_at: Timestamp,
        new_id: &(dyn Fn() -> String + Send + Sync),
    ) -> Result<Event, Refusal> {
        let Self { call_type, mut fields, sent_at } = self;
        let message_id = match fields.get("messageId") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) if id.is_empty() => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            Some(_) => return Err(refusal("`messageId` must be a text", None, &fields)),
        };
        let known = message_id.clone();
        let wrong = |message: String| refusal(message, known.clone(), &fields);

        let user_id = identity(&fields, "userId").map_err(wrong)?;
        let anonymous_id = identity(&fields, "anonymousId").map_err(wrong)?;
        let Some(order_key) = user_id.clone().or_else(|| anonymous_id.clone()) else {
            return Err(wrong("the call needs a `userId` or an `anonymousId`".to_owned()));
        };
        let needed = match call_type {
            CallType::Track => Some("event"),
            CallType::Group => Some("groupId"),
            CallType::Alias => Some("previousId"),
            CallType::Identify | CallType::Page | CallType::Screen => None,
        };
        if let Some(name) = needed
            && identity(&fields, name).map_err(wrong)?.is_none()
            && !(call_type == CallType::Group
                && fields.get("context").is_some_and(|context| context["groupId"].is_string()))
        {
            return Err(wrong(format!("a call of type {} needs `{name}`", call_type.name())));
        }
        let time = |name: &str, value: Option<&Value>| match value {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => {
                times::parse(text).map(Some).ok_or_else(|| wrong(format!("`{name}` is no time in ISO 8601: {text:?}")))
            }
            Some(other) => Err(wrong(format!("`{name}` must be a time in ISO 8601, as a text, not {}", short(other)))),
        };
        // Segment's own clients send the client's time as `timestamp`; who sends on what the API has handled already has it
        // as `originalTimestamp`.
        let original_value = [fields.get("originalTimestamp"), fields.get("timestamp")]
            .into_iter()
            .flatten()
            .find(|value| !value.is_null())
            .cloned();
        let original = time("timestamp", original_value.as_ref())?;
        let own_sent_at = fields.get("sentAt").filter(|value| !value.is_null()).or(sent_at.as_ref());
        let sent = time("sentAt", own_sent_at)?;
        let Times { timestamp, warning } = times::correct(original, sent, received_at);
        let sent_value = own_sent_at.cloned();

        let message_id = message_id.unwrap_or_else(new_id);
        for (name, id) in [("userId", user_id), ("anonymousId", anonymous_id)] {
            // Numbers became texts.
            if let Some(id) = id {
                fields.insert(name.to_owned(), Value::String(id));
            }
        }
        let received = Value::String(times::text(received_at));
        fields.insert("type".to_owned(), Value::String(call_type.name().to_owned()));
        fields.insert("messageId".to_owned(), Value::String(message_id.clone()));
        fields.insert("originalTimestamp".to_owned(), original_value.unwrap_or_else(|| received.clone()));
        fields.insert("timestamp".to_owned(), Value::String(times::text(timestamp)));
        if let Some(sent) = sent_value {
            fields.insert("sentAt".to_owned(), sent);
        }
        fields.insert("receivedAt".to_owned(), received);
        let payload = Bytes::from(serde_json::to_vec(&fields).unwrap_or_default());
        let received_at_ms = received_at.as_millisecond();
        let source = source.to_owned();
        Ok(Event { event: NewEvent { message_id, source, order_key, received_at_ms, payload }, warning })
    }
}

impl Batch {
    /// Reads the body of a batch.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(body).map_err(|_| Refusal::invalid_json("the body is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let parsed: BatchBody<'_> = serde_json::from_str(text).map_err(|error| {
            let message = format!("the body is no batch: {error}");
            if error.is_data() { Refusal::invalid(message) } else { Refusal::invalid_json(message) }
        })?;
        let objects = [&parsed.context, &parsed.integrations].into_iter().flatten().filter(|value| value.is_object());
        let beside: usize = objects.map(|value| value.to_string().len()).sum();
        if parsed.batch.len().saturating_mul(beside) > UNFOLDED_MAX_BYTES {
            let message = format!(
                "what stands beside the batch has {beside} bytes and is part of each of its {} calls; that is more than the \
                 {UNFOLDED_MAX_BYTES} bytes that are accepted: send smaller batches",
                parsed.batch.len()
            );
            return Err(Refusal::too_large(message));
        }
        let calls = parsed.batch.iter().map(|raw| Call::read_in_batch(raw, &parsed, beside)).collect();
        Ok(Self { calls, write_key: self::text(parsed.write_key) })
    }
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| Refusal::invalid_json(format!("the body is no JSON: {error}")))
}

/// A text that is not empty; a number counts as its text.
fn identity(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.trim().is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(format!("`{name}` must be a text, not {}", short(other))),
    }
}

fn refusal(message: impl Into<String>, id: Option<String>, fields: &Map<String, Value>) -> Refusal {
    let call = serde_json::to_string(fields).unwrap_or_default();
    Refusal::invalid(message).of(id, &call)
}

fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}

/// A value as a message may show it.
fn short(value: &Value) -> String {
    let text = value.to_string();
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
