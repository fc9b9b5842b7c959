//! One line of stdin. Explicit nulls and unknown fields may stand anywhere; what is not ours to read is passed over.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::catalog::StreamName;
use crate::state::State;
use crate::text::Text;

/// A RECORD, borrowed from its line.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    pub(crate) stream: Text<'a>,
    pub(crate) namespace: Option<Text<'a>>,
    /// The text of the `data` object.
    pub(crate) data: &'a str,
    pub(crate) emitted_at: Option<&'a str>,
    /// The text of `meta.changes`.
    pub(crate) changes: Option<&'a str>,
}

/// What a line says, as far as a destination listens.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    Record(Record<'a>),
    State(State),
    /// The source has sent all of this stream.
    Complete(StreamName),
    /// The source broke off in this stream.
    Incomplete(StreamName),
    /// Logs, other traces, control messages and whatever else.
    Other,
}

#[derive(Deserialize)]
struct LineIn<'a> {
    #[serde(rename = "type", borrow, default)]
    type_: Option<Text<'a>>,
    #[serde(borrow, default)]
    record: Option<&'a RawValue>,
    #[serde(borrow, default)]
    state: Option<&'a RawValue>,
    #[serde(borrow, default)]
    trace: Option<&'a RawValue>,
}

/// A RECORD's line, read in one go; nearly every line is one.
#[derive(Deserialize)]
struct RecordLineIn<'a> {
    #[serde(rename = "type", borrow)]
    type_: Text<'a>,
    #[serde(borrow)]
    record: RecordIn<'a>,
}

#[derive(Deserialize)]
struct RecordIn<'a> {
    #[serde(borrow)]
    stream: Text<'a>,
    #[serde(borrow, default)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(borrow, default)]
    emitted_at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    meta: Option<MetaIn<'a>>,
    #[serde(borrow, default)]
    file_reference: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MetaIn<'a> {
    #[serde(borrow, default)]
    changes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct TraceIn<'a> {
    #[serde(rename = "type", borrow, default)]
    type_: Option<Text<'a>>,
    #[serde(borrow, default)]
    stream_status: Option<StatusIn<'a>>,
}

#[derive(Deserialize)]
struct StatusIn<'a> {
    #[serde(borrow, default)]
    stream_descriptor: Option<DescriptorIn<'a>>,
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct DescriptorIn<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
    #[serde(borrow, default)]
    namespace: Option<Text<'a>>,
}

/// Reads one line.
///
/// # Errors
/// What is wrong with it; nothing of its content is quoted.
pub(crate) fn read(line: &str) -> Result<Line<'_>, String> {
    // A list could be read as the fields of a struct.
    if !line.starts_with('{') {
        return Err("it is not a JSON object".to_owned());
    }
    if let Ok(read) = serde_json::from_str::<RecordLineIn<'_>>(line)
        && &*read.type_ == "RECORD"
    {
        return record(read.record).map(Line::Record);
    }
    let read: LineIn<'_> = serde_json::from_str(line).map_err(|error| said(&error))?;
    match read.type_.as_deref() {
        Some("RECORD") => {
            let text = read.record.ok_or("it is a RECORD without a record")?;
            let read = serde_json::from_str(text.get()).map_err(|error| said(&error))?;
            record(read).map(Line::Record)
        }
        Some("STATE") => {
            let text = read.state.ok_or("it is a STATE without a state")?;
            State::read(text.get()).map(Line::State)
        }
        Some("TRACE") => trace(read.trace.ok_or("it is a TRACE without a trace")?),
        Some(_) => Ok(Line::Other),
        None => Err("it has no type".to_owned()),
    }
}

fn record(read: RecordIn<'_>) -> Result<Record<'_>, String> {
    if !read.data.get().starts_with('{') {
        return Err("its data is not an object".to_owned());
    }
    if read.file_reference.is_some() {
        return Err("it carries a file, and HubSpot's objects take records only".to_owned());
    }
    let given = |text: &&str| *text != "null";
    Ok(Record {
        stream: read.stream,
        namespace: read.namespace.filter(|text| !text.is_empty()),
        data: read.data.get(),
        emitted_at: read.emitted_at.map(RawValue::get).filter(given),
        changes: read.meta.and_then(|meta| meta.changes).map(RawValue::get).filter(given),
    })
}

fn trace(text: &RawValue) -> Result<Line<'_>, String> {
    let read: TraceIn<'_> = serde_json::from_str(text.get()).map_err(|error| said(&error))?;
    // A trace without a type is a status.
    if read.type_.as_deref().is_some_and(|type_| type_ != "STREAM_STATUS") {
        return Ok(Line::Other);
    }
    let Some(status) = read.stream_status else { return Ok(Line::Other) };
    let name = || {
        let descriptor = status.stream_descriptor.as_ref();
        let name = descriptor.and_then(|descriptor| descriptor.name.as_deref()).ok_or("its status names no stream")?;
        Ok::<_, String>(StreamName::new(name, descriptor.and_then(|descriptor| descriptor.namespace.as_deref())))
    };
    match status.status.as_deref() {
        Some("COMPLETE") => name().map(Line::Complete),
        Some("INCOMPLETE") => name().map(Line::Incomplete),
        _ => Ok(Line::Other),
    }
}

/// The parser's words without what it quotes.
fn said(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => "a part of it is not of the kind that the protocol has there".to_owned(),
        _ => format!("it is not JSON (column {})", error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pyairbyte_sends_is_read() {
        let line = r#"{"type":"RECORD","log":null,"spec":null,"connectionStatus":null,"catalog":null,"record":{"namespace":null,"stream":"people","data":{"email":"a@b.c","n":1.0},"emitted_at":1760000000,"meta":null,"file_reference":null},"state":null,"trace":null,"control":null,"destination_catalog":null}"#;
        let Ok(Line::Record(record)) = read(line) else { panic!("a record") };
        assert_eq!((&*record.stream, record.namespace.is_none()), ("people", true));
        assert_eq!((record.data, record.emitted_at), (r#"{"email":"a@b.c","n":1.0}"#, Some("1760000000")));
        let line = r#"{"type":"TRACE","record":null,"trace":{"type":"STREAM_STATUS","emitted_at":1.5,"error":null,"estimate":null,"stream_status":{"stream_descriptor":{"name":"people","namespace":null},"status":"COMPLETE","reasons":null},"analytics":null}}"#;
        assert!(matches!(read(line), Ok(Line::Complete(name)) if name == StreamName::new("people", None)));
        let line = r#"{"type":"STATE","record":null,"state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"people","namespace":null},"stream_state":{}},"global":null,"data":null,"sourceStats":null,"destinationStats":null}}"#;
        assert!(matches!(read(line), Ok(Line::State(_))));
    }

    #[test]
    fn changes_of_a_record_are_kept_and_an_escaped_name_is_understood() {
        let line = r#"{"record":{"meta":{"changes":[{"field":"f"}],"x":1},"data":{},"stream":"a\"b","namespace":""},"type":"RECORD"}"#;
        let Ok(Line::Record(record)) = read(line) else { panic!("a record") };
        assert_eq!((&*record.stream, record.namespace.is_none()), ("a\"b", true));
        assert_eq!(record.changes, Some(r#"[{"field":"f"}]"#));
    }

    #[test]
    fn other_messages_are_passed_over() {
        for line in [
            r#"{"type":"LOG","log":{"level":"INFO","message":"x"}}"#,
            r#"{"type":"CONTROL"}"#,
            r#"{"type":"FUTURE","record":{"stream":1}}"#,
            r#"{"type":"TRACE","trace":{"type":"ESTIMATE","estimate":{}}}"#,
            r#"{"type":"TRACE","trace":{"type":"STREAM_STATUS","stream_status":{"stream_descriptor":{"name":"a"},"status":"RUNNING"}}}"#,
            r#"{"type":"TRACE","trace":{"type":"STREAM_STATUS","stream_status":null}}"#,
        ] {
            assert!(matches!(read(line), Ok(Line::Other)), "{line}");
        }
        let line =
            r#"{"type":"TRACE","trace":{"stream_status":{"stream_descriptor":{"name":"a"},"status":"INCOMPLETE"}}}"#;
        assert!(matches!(read(line), Ok(Line::Incomplete(_))), "a trace without a type is a status");
    }

    #[test]
    fn what_is_no_message_is_told_without_its_content() {
        for line in [
            "hush",
            r#"{"type":"RECORD"}"#,
            r#"{"type":"RECORD","record":{"stream":"a","data":"hush"}}"#,
            r#"{"type":"RECORD","record":{"stream":7,"data":{}}}"#,
            r#"{"type":"RECORD","record":{"stream":"a","data":{},"file_reference":{}}}"#,
            r#"{"type":"STATE","state":null}"#,
            r#"{"log":{}}"#,
            r#"["hush"]"#,
        ] {
            let error = read(line).expect_err("no message");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
