//! `replay`: the records of a dead-letter file, sent again.
//!
//! The file is turned back into the lines that a source would send, so that a replay takes the very route of a write. The
//! reasons that the file holds are left out.

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use hubward_engine::Cancel;
use serde_json::{Map, Value, json};

use crate::catalog::{Catalog, Operation, Stream, StreamName, is_airbytes};
use crate::config::Config;
use crate::dead_letter::REASONS;
use crate::failure::Failure;
use crate::host::Host;
use crate::out::Out;
use crate::write::{Written, write_streams};

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Where the records go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// As a stream of a configured catalog says; the only one where no name is given.
    Catalog { catalog: Vec<u8>, stream: Option<String> },
    /// To an object of the account, with whatever the records hold.
    Object { object: String, operation: Operation, key: Option<String> },
}

/// Sends the records of a dead-letter file again: CSV or JSON lines, compressed or not, flattened or not.
///
/// # Errors
/// The configuration, the catalog or the file cannot be used; nothing was sent. What happens later stands in the answer.
pub async fn replay(
    config: &[u8],
    aim: Aim,
    file: Box<dyn Read + Send>,
    host: &Host,
    out: &Out,
    cancel: Cancel,
) -> Result<Written, Failure> {
    let config = Config::read(config)?;
    let stream = stream(aim)?;
    let lines = Lines::open(file, &stream.name)
        .map_err(|error| Failure::config(format!("the file cannot be read: {error}")))?;
    let catalog = Catalog { streams: vec![stream], notes: Vec::new() };
    Ok(Box::pin(write_streams(&config, catalog, Box::new(lines), host, out, cancel)).await)
}

fn stream(aim: Aim) -> Result<Stream, Failure> {
    match aim {
        Aim::Object { object, operation, key } => {
            if key.is_none() && operation != Operation::Insert {
                return Err(Failure::config(format!("{} needs a matching key", operation.sync_mode())));
            }
            let name = StreamName::new(&object, None);
            Ok(Stream { name, object, operation, key, columns: None, generation_id: None, sync_id: None })
        }
        Aim::Catalog { catalog, stream } => {
            let mut streams = Catalog::read(&catalog)?.streams;
            let names: Vec<String> = streams.iter().map(|stream| stream.name.to_string()).collect();
            if let Some(wanted) = &stream {
                streams.retain(|stream| stream.name.name == *wanted || stream.name.to_string() == *wanted);
            }
            let only = streams.pop().filter(|_| streams.is_empty());
            only.ok_or_else(|| {
                let names = names.join(", ");
                Failure::config(match stream {
                    Some(wanted) => format!("the catalog has not exactly one stream {wanted}; it has {names}"),
                    None => format!("the catalog has several streams; name the one of this file: {names}"),
                })
            })
        }
    }
}

enum Form {
    JsonLines(Box<dyn BufRead + Send>),
    Csv(Box<csv::Reader<Box<dyn BufRead + Send>>>, csv::StringRecord),
    Done,
}

/// A file as the lines of a source.
struct Lines {
    form: Form,
    stream: StreamName,
    /// What is made and not read yet.
    ready: Vec<u8>,
    at: usize,
    number: u64,
    /// Why the rest of the file cannot be read; told after what came before it.
    broken: Option<io::Error>,
}

impl Lines {
    fn open(file: Box<dyn Read + Send>, stream: &StreamName) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(128 * 1024, file);
        let compressed = file.fill_buf()?.starts_with(&GZIP);
        let mut text: Box<dyn BufRead + Send> = if compressed {
            Box::new(BufReader::with_capacity(128 * 1024, MultiGzDecoder::new(file)))
        } else {
            Box::new(file)
        };
        let first = text.fill_buf()?.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        let form = match first {
            None => Form::Done,
            Some(b'{') => Form::JsonLines(text),
            Some(_) => {
                let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text);
                let header = reader.headers()?.clone();
                Form::Csv(Box::new(reader), header)
            }
        };
        let mut lines = Self { form, stream: stream.clone(), ready: Vec::new(), at: 0, number: 0, broken: None };
        if matches!(lines.form, Form::Done) {
            lines.end();
        }
        Ok(lines)
    }

    /// Makes the next line; none at the end of the file.
    fn next(&mut self) -> io::Result<()> {
        self.number += 1;
        let wrong = |number: u64, why: String| io::Error::other(format!("record {number} of the file: {why}"));
        let row: Map<String, Value> = match &mut self.form {
            Form::Done => return Ok(()),
            Form::JsonLines(text) => {
                let mut line = String::new();
                loop {
                    line.clear();
                    if text.read_line(&mut line)? == 0 {
                        self.end();
                        return Ok(());
                    }
                    if !line.trim().is_empty() {
                        break;
                    }
                }
                // Kept as text, so that numbers stay as they are spelled.
                return self.push_json(&line).map_err(|why| wrong(self.number, why));
            }
            Form::Csv(reader, header) => {
                let mut cells = csv::StringRecord::new();
                if !reader.read_record(&mut cells)? {
                    self.end();
                    return Ok(());
                }
                header
                    .iter()
                    .zip(cells.iter())
                    // An empty cell is null or the empty text; null is what does no harm.
                    .filter(|(_, cell)| !cell.is_empty())
                    .map(|(name, cell)| (name.to_owned(), Value::String(cell.to_owned())))
                    .collect()
            }
        };
        let whole = row.get("_airbyte_data").and_then(Value::as_str).map(str::to_owned);
        match whole {
            Some(data) => self.push(&data).map_err(|why| wrong(self.number, why)),
            None => {
                let data: Map<String, Value> = row
                    .into_iter()
                    .filter(|(name, _)| !is_airbytes(name))
                    // Texts that are JSON lists or objects were such.
                    .map(|(name, cell)| {
                        let contained = cell.as_str().filter(|text| text.starts_with(['[', '{']));
                        let value = contained.and_then(|text| serde_json::from_str(text).ok());
                        (name, value.unwrap_or(cell))
                    })
                    .collect();
                self.push(&Value::Object(data).to_string()).map_err(|why| wrong(self.number, why))
            }
        }
    }

    fn push_json(&mut self, line: &str) -> Result<(), String> {
        let entries =
            crate::entries::Entries::of(line).map_err(|error| format!("it is not a JSON object ({error})"))?;
        match entries.get("_airbyte_data") {
            Some(data) => self.push(data),
            None => self.push(line),
        }
    }

    /// `data` is the text of an object, with the reasons of its rejection still in it.
    fn push(&mut self, data: &str) -> Result<(), String> {
        let entries =
            crate::entries::Entries::of(data).map_err(|error| format!("its data is not an object ({error})"))?;
        let mut kept = crate::entries::Rendered::new();
        for (name, value) in &entries.0 {
            if !is_airbytes(name) && !REASONS.contains(&&**name) {
                kept.entry(name, value);
            }
        }
        let mut record = crate::entries::Rendered::new();
        record.entry("stream", &json!(self.stream.name).to_string());
        if let Some(namespace) = &self.stream.namespace {
            record.entry("namespace", &json!(namespace).to_string());
        }
        record.entry("data", &kept.end());
        self.ready.extend(format!("{{\"type\":\"RECORD\",\"record\":{}}}\n", record.end()).into_bytes());
        Ok(())
    }

    fn end(&mut self) {
        self.form = Form::Done;
        let complete = json!({ "type": "TRACE", "trace": { "type": "STREAM_STATUS", "stream_status": {
            "stream_descriptor": self.stream.descriptor(), "status": "COMPLETE" } } });
        self.ready.extend(format!("{complete}\n").into_bytes());
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ready.len() {
            self.ready.clear();
            self.at = 0;
            while self.ready.len() < buffer.len() && self.broken.is_none() && !matches!(self.form, Form::Done) {
                self.broken = self.next().err();
            }
            if self.ready.is_empty()
                && let Some(error) = self.broken.take()
            {
                self.form = Form::Done;
                return Err(error);
            }
        }
        let read = buffer.len().min(self.ready.len() - self.at);
        buffer[..read].copy_from_slice(&self.ready[self.at..self.at + read]);
        self.at += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn data_of(file: &[u8]) -> Vec<String> {
        let name = StreamName::new("people", Some("mart"));
        let mut text = String::new();
        Lines::open(Box::new(io::Cursor::new(file.to_vec())), &name)
            .expect("opened")
            .read_to_string(&mut text)
            .expect("read");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert!(lines.pop().expect("a last line").contains("COMPLETE"));
        let begin = r#"{"type":"RECORD","record":{"stream":"people","namespace":"mart","data":"#;
        lines
            .iter()
            .map(|line| line.strip_prefix(begin).expect("a record")[..].strip_suffix("}}").expect("ends").to_owned())
            .collect()
    }

    #[test]
    fn every_form_of_a_file_gives_its_records_back() {
        let lines = concat!(
            r#"{"_airbyte_raw_id":"a","_airbyte_data":{"email":"x@","n":1.50,"rejected_message":"no"}}"#,
            "\n\n",
            r#"{"_airbyte_raw_id":"b","email":"y@","rejected_category":"NO"}"#,
            "\n"
        );
        let expected = [r#"{"email":"x@","n":1.50}"#, r#"{"email":"y@"}"#];
        assert_eq!(data_of(lines.as_bytes()), expected);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(lines.as_bytes()).expect("written");
        assert_eq!(data_of(&gzip.finish().expect("compressed")), expected);
        let whole = "_airbyte_raw_id,_airbyte_data\na,\"{\"\"email\"\":\"\"x@\"\",\"\"n\"\":1.50,\"\"rejected_status\"\":\"\"rejected\"\"}\"\n";
        assert_eq!(data_of(whole.as_bytes()), expected[..1]);
        let flat = "_airbyte_raw_id,email,tags,city,rejected_message\na,x@,\"[\"\"a\"\"]\",,no\n";
        assert_eq!(data_of(flat.as_bytes()), [r#"{"email":"x@","tags":["a"]}"#]);
        assert!(data_of(b"").is_empty());
    }

    #[test]
    fn a_file_that_is_damaged_is_told_with_its_record() {
        let name = StreamName::new("people", None);
        let mut text = String::new();
        let mut lines = Lines::open(Box::new(io::Cursor::new(b"{\"a\":1}\n{oops\n".to_vec())), &name).expect("opened");
        let error = lines.read_to_string(&mut text).expect_err("damaged");
        assert!(error.to_string().contains("record 2"), "{error}");
        assert!(text.contains(r#""data":{"a":1}"#), "what came before it is sent: {text}");
    }

    #[test]
    fn the_stream_of_a_catalog_is_the_only_one_or_the_named_one() {
        let catalog = |names: &[&str]| {
            let streams: Vec<Value> = names
                .iter()
                .map(|name| json!({"stream": {"name": name, "namespace": "m", "json_schema": {}}, "destination_sync_mode": "append"}))
                .collect();
            json!({ "streams": streams }).to_string().into_bytes()
        };
        let of = |names: &[&str], stream: Option<&str>| {
            stream_name(Aim::Catalog { catalog: catalog(names), stream: stream.map(str::to_owned) })
        };
        fn stream_name(aim: Aim) -> Option<String> {
            stream(aim).ok().map(|stream| stream.name.name)
        }
        assert_eq!(of(&["a"], None).as_deref(), Some("a"));
        assert_eq!(of(&["a", "b"], Some("b")).as_deref(), Some("b"));
        assert_eq!(of(&["a", "b"], Some("m.a")).as_deref(), Some("a"));
        assert_eq!(of(&["a", "b"], None), None);
        assert_eq!(of(&["a", "b"], Some("c")), None);
    }
}
