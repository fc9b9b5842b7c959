//! What commands about events read: a file or standard input, no larger than it may be.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use crate::exit::Failure;

/// The largest event or mapping that is read, in bytes: far above what an SDK may send.
const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Whether a path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What to call a path in a message.
pub(crate) fn name(path: &Path) -> String {
    if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// The text of a file, or of standard input for `-`; a failure that is not the system's has the code.
pub(crate) fn read_text(path: &Path, code: &'static str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        std::io::stdin().lock().take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| Failure::io("reading", path, &error))?;
    if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
        return Err(Failure::new(code, format!("{} is larger than {DOCUMENT_BYTES_MAX} bytes", name(path))));
    }
    String::from_utf8(bytes).map_err(|_| Failure::new(code, format!("{} is not UTF-8", name(path))))
}

/// The event of a file, or of standard input for `-`.
pub(crate) fn read_event(path: &Path) -> Result<Value, Failure> {
    let text = read_text(path, "event")?;
    let wrong = |why: String| {
        Failure::new("event", format!("{} is no event: {why}", name(path)))
            .help("an event is one JSON object, such as {\"type\": \"track\", \"event\": \"Order Completed\"}")
    };
    match serde_json::from_str(&text) {
        Ok(event @ Value::Object(_)) => Ok(event),
        Ok(_) => Err(wrong("it is JSON, but no object".to_owned())),
        Err(error) => Err(wrong(error.to_string())),
    }
}
