//! A STATE on its way back: as it came, unknown properties and the spelling of numbers included, with what we counted.
//!
//! Only an explicit `null` where the protocol wants an object or a text is left out, because what we write must be valid; the
//! blobs of the source (`stream_state`, `shared_state`, `data`) are never touched.

use crate::catalog::StreamName;
use crate::entries::{Entries, Rendered};
use crate::text::Text;

/// What a STATE speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One stream.
    Stream(StreamName),
    /// All of them: GLOBAL, and the old LEGACY form.
    All,
}

/// What a STATE tells of the records before it. The counts of the window are since the STATE before; the sums are of the
/// whole sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    pub(crate) accepted_sum: u64,
    pub(crate) rejected_sum: u64,
    pub(crate) bytes_sum: u64,
}

/// A STATE that waits for the records before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The `state` object as it will be written, but for what is counted and its closing brace.
    text: String,
    pub(crate) scope: Scope,
}

/// What we write ourselves; an input that has them is not believed.
const OURS: [&str; 4] = ["destinationStats", "committedRecordsCount", "committedBytesCount", "rejectedRecordsCount"];
/// What may not be null in a STATE.
const TYPED: [&str; 5] = ["type", "stream", "global", "data", "sourceStats"];

impl State {
    /// Reads the text of a `state` object.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(json: &str) -> Result<Self, String> {
        let entries = Entries::of(json).map_err(|error| format!("its state is not an object ({error})"))?;
        let type_: Option<Text<'_>> = match entries.get("type") {
            Some(text) => serde_json::from_str(text).map_err(|_| "its state's type is not a text".to_owned())?,
            None => None,
        };
        let given = |key: &str| entries.get(key).filter(|text| *text != "null");
        let type_ = match type_.as_deref() {
            Some(type_ @ ("STREAM" | "GLOBAL" | "LEGACY")) => type_,
            Some(other) => return Err(format!("its state has the unknown type {other:?}")),
            None if given("global").is_some() => "GLOBAL",
            None if given("stream").is_some() => "STREAM",
            None => "LEGACY",
        };
        let scope = match type_ {
            "STREAM" => {
                let stream = given("stream").ok_or("its state is of type STREAM and names no stream")?;
                Scope::Stream(described(stream)?)
            }
            _ => Scope::All,
        };
        let mut rendered = Rendered::new();
        for (key, value) in &entries.0 {
            if OURS.contains(&&**key) || (TYPED.contains(&&**key) && *value == "null") {
                continue;
            }
            match &**key {
                "stream" => rendered.entry(key, &stream(value)?),
                "global" => rendered.entry(key, &global(value)?),
                _ => rendered.entry(key, value),
            }
        }
        let mut text = rendered.end();
        text.pop();
        Ok(Self { text, scope })
    }

    /// The `state` object to write.
    pub(crate) fn rendered(mut self, counts: &Counts) -> String {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        // The protocol wants a decimal point: `{:.1}`.
        self.text.push_str(&format!("\"destinationStats\":{{\"recordCount\":{:.1}", counts.accepted as f64));
        if counts.rejected > 0 {
            self.text.push_str(&format!(",\"rejectedRecordCount\":{:.1}", counts.rejected as f64));
        }
        self.text.push_str(&format!(
            "}},\"committedRecordsCount\":{},\"committedBytesCount\":{},\"rejectedRecordsCount\":{}}}",
            counts.accepted_sum, counts.bytes_sum, counts.rejected_sum
        ));
        self.text
    }
}

fn object<'a>(json: &'a str, what: &str) -> Result<Entries<'a>, String> {
    Entries::of(json).map_err(|error| format!("its {what} is not an object ({error})"))
}

fn described(stream: &str) -> Result<StreamName, String> {
    let entries = object(stream, "stream")?;
    let descriptor = entries.get("stream_descriptor").ok_or("its stream has no stream_descriptor")?;
    StreamName::of_descriptor(descriptor)
}

fn stream(json: &str) -> Result<String, String> {
    let mut rendered = Rendered::new();
    for (key, value) in &object(json, "stream")?.0 {
        if &**key == "stream_descriptor" {
            rendered.entry(key, &descriptor(value)?);
        } else {
            rendered.entry(key, value);
        }
    }
    Ok(rendered.end())
}

fn descriptor(json: &str) -> Result<String, String> {
    let mut rendered = Rendered::new();
    for (key, value) in &object(json, "stream_descriptor")?.0 {
        if &**key != "namespace" || *value != "null" {
            rendered.entry(key, value);
        }
    }
    Ok(rendered.end())
}

fn global(json: &str) -> Result<String, String> {
    let mut rendered = Rendered::new();
    for (key, value) in &object(json, "global")?.0 {
        match &**key {
            // Required by the protocol; a source without streams may say null.
            "stream_states" if *value == "null" => rendered.entry(key, "[]"),
            "stream_states" => {
                let states: Vec<&serde_json::value::RawValue> = serde_json::from_str(value)
                    .map_err(|error| format!("its stream_states are not a list ({error})"))?;
                let states: Vec<String> = states.iter().map(|one| stream(one.get())).collect::<Result<_, _>>()?;
                rendered.entry(key, &format!("[{}]", states.join(",")));
            }
            "shared_state" if *value == "null" => {}
            _ => rendered.entry(key, value),
        }
    }
    Ok(rendered.end())
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
