//! Splits a stream of bytes into CSV records (RFC 4180), keeping what a plain reader loses: whether a field was quoted,
//! and on which line a record began.

use std::io::{BufRead, BufReader, Read};

use crate::error::SourceError;

/// A record larger than this is taken for a quote that was never closed.
const RECORD_BYTES: usize = 64 * 1024 * 1024;
/// How much of the file is looked at, at most, to find the end of the header line.
const READ_BYTES: usize = 256 * 1024;

/// One record: its fields one after the other in one text.
#[derive(Default)]
pub(super) struct Record {
    bytes: Vec<u8>,
    /// Per field: where it ends in `bytes`, and whether it was quoted.
    ends: Vec<(usize, bool)>,
    line: u64,
}

impl Record {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A line without anything on it.
    pub(super) fn is_blank(&self) -> bool {
        self.bytes.is_empty() && matches!(self.ends.as_slice(), [(_, false)])
    }

    /// The line that the record begins on, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn is_quoted(&self, field: usize) -> bool {
        self.ends[field].1
    }

    pub(super) fn field(&self, field: usize) -> &str {
        let start = if field == 0 { 0 } else { self.ends[field - 1].0 };
        std::str::from_utf8(&self.bytes[start..self.ends[field].0])
            .expect("each field was checked when the record was read")
    }

    fn begin(&mut self, line: u64) {
        self.bytes.clear();
        self.ends.clear();
        self.line = line;
    }

    fn end_field(&mut self, quoted: bool) {
        self.ends.push((self.bytes.len(), quoted));
    }

    fn all_utf8(&self) -> bool {
        // A cut character at the end of one field may join the next field's bytes to something valid: hence the boundaries.
        std::str::from_utf8(&self.bytes).is_ok_and(|text| self.ends.iter().all(|(end, _)| text.is_char_boundary(*end)))
    }
}

/// What is wrong with a file, without its name.
#[derive(Debug)]
pub(super) struct RecordError {
    line: u64,
    what: String,
    help: Option<&'static str>,
}

impl RecordError {
    pub(super) fn in_file(self, shown: &str) -> SourceError {
        let error = SourceError::read(format!("{shown}, line {}: {}", self.line, self.what));
        match self.help {
            Some(help) => error.help(help),
            None => error,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    /// A carriage return in or before a plain field: the end of the line if a newline follows.
    PlainReturn,
    Quoted,
    /// A quote within a quoted field: its end, or the first of two.
    QuoteInQuoted,
    QuotedReturn,
}

pub(super) struct RecordReader<R> {
    input: BufReader<R>,
    separator: u8,
    line: u64,
}

impl<R: Read> RecordReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(READ_BYTES, input), separator: b',', line: 1 }
    }

    pub(super) fn skip_byte_order_mark(&mut self) -> Result<(), RecordError> {
        let line = self.line;
        let start = self.input.fill_buf().map_err(|e| unreadable(line, &e))?;
        if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
            return Err(not_utf8(line, "the file is UTF-16"));
        }
        if start.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.input.consume(3);
        }
        Ok(())
    }

    /// Looks at the header line: a comma wins, else a semicolon, else a tab.
    pub(super) fn choose_separator(&mut self) -> Result<(), RecordError> {
        let line = self.line;
        let start = self.input.fill_buf().map_err(|e| unreadable(line, &e))?;
        let mut quoted = false;
        let mut found = [false; 3];
        for &byte in start {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted => break,
                b',' if !quoted => found[0] = true,
                b';' if !quoted => found[1] = true,
                b'\t' if !quoted => found[2] = true,
                _ => {}
            }
        }
        self.separator = match found {
            [false, true, _] => b';',
            [false, false, true] => b'\t',
            _ => b',',
        };
        Ok(())
    }

    /// Reads the next record; false at the end of the file.
    pub(super) fn next(&mut self, record: &mut Record) -> Result<bool, RecordError> {
        record.begin(self.line);
        let mut state = State::FieldStart;
        let mut any = false;
        loop {
            let line = self.line;
            let chunk = self.input.fill_buf().map_err(|e| unreadable(line, &e))?;
            if chunk.is_empty() {
                return self.end_of_file(record, state, any);
            }
            any = true;
            let mut used = 0;
            let mut ended = false;
            while used < chunk.len() && !ended {
                let rest = &chunk[used..];
                // Runs of ordinary bytes are copied at once.
                let run = match state {
                    State::Plain | State::FieldStart => run_of_plain(rest, self.separator, state),
                    State::Quoted => rest.iter().position(|b| matches!(b, b'"' | b'\n')),
                    _ => Some(0),
                }
                .unwrap_or(rest.len());
                if run > 0 {
                    record.bytes.extend_from_slice(&rest[..run]);
                    if state == State::FieldStart {
                        state = State::Plain;
                    }
                    used += run;
                    continue;
                }
                let byte = rest[0];
                used += 1;
                if byte == b'\n' {
                    self.line += 1;
                }
                state = match (state, byte) {
                    (State::FieldStart, b'"') => State::Quoted,
                    (State::FieldStart | State::Plain, b'\r') => State::PlainReturn,
                    (State::FieldStart | State::Plain | State::PlainReturn, b'\n') => {
                        record.end_field(false);
                        ended = true;
                        State::FieldStart
                    }
                    (State::FieldStart | State::Plain, byte) if byte == self.separator => {
                        record.end_field(false);
                        State::FieldStart
                    }
                    (State::PlainReturn, _) => {
                        // A lone carriage return belongs to the field; the byte after it is looked at again.
                        record.bytes.push(b'\r');
                        used -= 1;
                        State::Plain
                    }
                    (State::Quoted, b'"') => State::QuoteInQuoted,
                    (State::QuoteInQuoted, b'"') => {
                        record.bytes.push(b'"');
                        State::Quoted
                    }
                    (State::QuoteInQuoted | State::QuotedReturn, b'\n') => {
                        record.end_field(true);
                        ended = true;
                        State::FieldStart
                    }
                    (State::QuoteInQuoted, b'\r') => State::QuotedReturn,
                    (State::QuoteInQuoted, byte) if byte == self.separator => {
                        record.end_field(true);
                        State::FieldStart
                    }
                    (State::QuoteInQuoted | State::QuotedReturn, _) => {
                        return Err(RecordError {
                            line: self.line,
                            what: "text after the closing quote of a field".to_owned(),
                            help: Some("a quote inside a quoted field is written twice: \"\""),
                        });
                    }
                    (State::Plain | State::Quoted, byte) => {
                        record.bytes.push(byte);
                        state
                    }
                    (State::FieldStart, byte) => {
                        record.bytes.push(byte);
                        State::Plain
                    }
                };
            }
            self.input.consume(used);
            if ended {
                return self.finished(record);
            }
            if record.bytes.len() > RECORD_BYTES {
                return Err(RecordError {
                    line: record.line,
                    what: format!("a record of more than {RECORD_BYTES} bytes"),
                    help: Some("a quote that is opened there may never be closed"),
                });
            }
        }
    }

    fn end_of_file(&self, record: &mut Record, state: State, any: bool) -> Result<bool, RecordError> {
        match state {
            _ if !any => return Ok(false),
            State::Quoted => {
                return Err(RecordError {
                    line: record.line,
                    what: "a quoted field that is never closed".to_owned(),
                    help: Some("a quote inside a quoted field is written twice: \"\""),
                });
            }
            State::QuoteInQuoted | State::QuotedReturn => record.end_field(true),
            State::PlainReturn | State::FieldStart | State::Plain => record.end_field(false),
        }
        self.finished(record)
    }

    fn finished(&self, record: &Record) -> Result<bool, RecordError> {
        if record.all_utf8() { Ok(true) } else { Err(not_utf8(record.line, "the record is not UTF-8")) }
    }
}

/// How many bytes of `rest` are ordinary; `None`: all. At the start of a field a quote is not.
fn run_of_plain(rest: &[u8], separator: u8, state: State) -> Option<usize> {
    if state == State::FieldStart && rest[0] == b'"' {
        return Some(0);
    }
    rest.iter().position(|&byte| byte == separator || byte == b'\n' || byte == b'\r')
}

fn unreadable(line: u64, error: &std::io::Error) -> RecordError {
    RecordError { line, what: format!("the file cannot be read: {error}"), help: None }
}

fn not_utf8(line: u64, what: &str) -> RecordError {
    RecordError {
        line,
        what: what.to_owned(),
        help: Some("save the file as UTF-8, or convert it with `iconv -t utf-8`"),
    }
}
