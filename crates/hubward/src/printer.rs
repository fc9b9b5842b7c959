//! The only place that writes to a terminal: data to stdout, words for people to stderr.
//!
//! Commands hand over what they have and never decide whether it is shown. A reader that goes away (`| head`) is no error:
//! what it did not want is dropped.

use std::io::{BufWriter, IsTerminal as _, StdoutLock, Write};

use hubward_project::{Severity, render};
use serde_json::{Value, json};

use crate::args::Global;
use crate::environment;
use crate::exit::Failure;

/// How much goes to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Volume {
    Quiet,
    Normal,
    Verbose,
}

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    json: bool,
    volume: Volume,
    colour: bool,
}

/// Width of tables on a terminal that does not tell its own, in characters.
const WIDTH_DEFAULT: usize = 120;

impl Printer {
    pub(crate) fn new(global: &Global) -> Self {
        let volume = if global.quiet {
            Volume::Quiet
        } else if global.verbose > 0 {
            Volume::Verbose
        } else {
            Volume::Normal
        };
        let colour = !environment::no_color() && std::io::stderr().is_terminal();
        Self { json: global.json, volume, colour }
    }

    /// For a command whose arguments could not be read, but for `--json`.
    pub(crate) fn json() -> Self {
        Self { json: true, volume: Volume::Quiet, colour: false }
    }

    /// Whether stdout carries one JSON document instead of text.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.volume == Volume::Quiet
    }

    /// Whether stderr is a terminal that may be drawn on.
    pub(crate) fn draws(&self) -> bool {
        !self.is_quiet() && std::io::stderr().is_terminal()
    }

    /// Width that tables are cut to; none where stdout is no terminal, for then nothing is cut.
    pub(crate) fn width(&self) -> Option<usize> {
        std::io::stdout().is_terminal().then(|| environment::columns().unwrap_or(WIDTH_DEFAULT))
    }

    /// Text of the command's result, on stdout.
    pub(crate) fn data(&self, text: &str) {
        let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end_matches('\n'));
    }

    /// The one document of a command, on stdout.
    pub(crate) fn document(&self, document: &Value) {
        let text = if std::io::stdout().is_terminal() { format!("{document:#}") } else { document.to_string() };
        self.data(&text);
    }

    /// A document `{"results":[…]}` that is too large to be held.
    pub(crate) fn results<E>(&self, each: impl FnOnce(&mut Results<'_>) -> Result<(), E>) -> Result<(), E> {
        self.two_lists(each, None::<(&str, fn(&mut Results<'_>) -> Result<(), E>)>)
    }

    /// As [`Printer::results`], with a second list of another name behind it.
    pub(crate) fn two_lists<E>(
        &self,
        each: impl FnOnce(&mut Results<'_>) -> Result<(), E>,
        second: Option<(&str, impl FnOnce(&mut Results<'_>) -> Result<(), E>)>,
    ) -> Result<(), E> {
        let mut results = Results { out: BufWriter::new(std::io::stdout().lock()), first: true };
        let _ = results.out.write_all(b"{\"results\":[");
        let mut outcome = each(&mut results);
        if let Some((name, each)) = second {
            let _ = write!(results.out, "],\"{name}\":[");
            results.first = true;
            outcome = outcome.and_then(|()| each(&mut results));
        }
        let _ = results.out.write_all(b"]}\n");
        let _ = results.out.flush();
        outcome
    }

    /// Lines that are too many to be held, on stdout.
    pub(crate) fn lines<E>(&self, each: impl FnOnce(&mut Lines<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut lines = Lines { out: BufWriter::new(std::io::stdout().lock()) };
        let outcome = each(&mut lines);
        let _ = lines.out.flush();
        outcome
    }

    /// A word for people, on stderr; `--quiet` drops it.
    pub(crate) fn say(&self, text: &str) {
        if self.volume >= Volume::Normal {
            self.stderr(text);
        }
    }

    fn stderr(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end_matches('\n'));
    }

    /// Why the command failed: for people on stderr, and under `--json` as a document on stdout.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            self.document(&json!({ "error": failure.to_json() }));
        } else {
            self.failure_for_people(failure);
        }
    }

    /// Why the command failed, on stderr.
    pub(crate) fn failure_for_people(&self, failure: &Failure) {
        if !failure.problems.is_empty() {
            // What each of them says is shown with its lines; what is left is how many there are.
            self.stderr(&render(&failure.problems, &failure.files, self.colour));
            let count = failure.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
            let errors = if count == 1 { "one error".to_owned() } else { format!("{count} errors") };
            self.stderr(&format!("error: {errors} in the project's files; nothing was sent"));
            return;
        }
        self.stderr(&format!("error: {}", failure.message));
        if let Some(at) = failure.at.as_ref().filter(|at| !at.file.is_empty()) {
            self.stderr(&format!("  at: {}:{}:{}", at.file, at.line, at.column));
        }
        if let Some(id) = &failure.correlation_id {
            self.stderr(&format!("  HubSpot's correlation id: {id}"));
        }
        if let Some(help) = &failure.help {
            self.stderr(&format!("  help: {help}"));
        }
    }

    /// Diagnostics with their source lines. Warnings are dropped by `--quiet`; errors are the caller's to raise.
    pub(crate) fn diagnostics(&self, found: &[hubward_project::Diagnostic], files: &[hubward_project::SourceFile]) {
        if !found.is_empty() {
            self.say(&render(found, files, self.colour));
        }
    }

    /// Whether text on stdout may be coloured.
    pub(crate) fn colour_data(&self) -> bool {
        !environment::no_color() && std::io::stdout().is_terminal()
    }
}

/// Writes entries of a list into a document.
pub(crate) struct Results<'a> {
    out: BufWriter<StdoutLock<'a>>,
    first: bool,
}

impl Results<'_> {
    pub(crate) fn add(&mut self, entry: &Value) {
        let comma = if self.first { "" } else { "," };
        self.first = false;
        let _ = write!(self.out, "{comma}{entry}");
    }
}

/// Writes lines.
pub(crate) struct Lines<'a> {
    out: BufWriter<StdoutLock<'a>>,
}

impl Lines<'_> {
    pub(crate) fn add(&mut self, line: &str) {
        let _ = writeln!(self.out, "{line}");
    }
}

/// Says, when the program itself is at fault, what to do about it.
pub(crate) fn install_panic_message() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        let _ = writeln!(
            std::io::stderr().lock(),
            "\nhubward {} has a fault: this is not your mistake. What HubSpot confirmed is recorded.\n\
             Please report the lines above with the command that you ran; they hold no row and no token.",
            env!("CARGO_PKG_VERSION")
        );
    }));
}
