//! What a run tells while it works: a bar where stderr is a terminal, now and then a line elsewhere.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hubward_engine::{Phase, Progress};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::printer::Printer;

/// Lines of one phase come no closer than this.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// The bar is drawn anew at least this often, so that it is seen to live.
const TICK_EVERY: Duration = Duration::from_millis(200);

/// The progress of a run for people.
pub(crate) struct Terminal {
    printer: Printer,
    state: Mutex<State>,
}

struct State {
    bar: Option<ProgressBar>,
    sync: String,
    phase: Phase,
    rows: Option<u64>,
    done: u64,
    told_at: Instant,
}

impl Terminal {
    pub(crate) fn new(printer: Printer) -> Self {
        let state = State {
            bar: None,
            sync: String::new(),
            phase: Phase::Reading,
            rows: None,
            done: 0,
            told_at: Instant::now(),
        };
        Self { printer, state: Mutex::new(state) }
    }

    /// Takes the bar away, so that what follows begins on a line of its own.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.hold().bar.take() {
            bar.finish_and_clear();
        }
    }

    fn hold(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn verb(phase: Phase) -> &'static str {
    match phase {
        Phase::Reading => "reading",
        Phase::Checking => "checking",
        Phase::Sending => "sending",
        Phase::Removing => "removing",
    }
}

/// Whole rows a second: fractions of a row say nothing.
fn rate(state: &ProgressState, out: &mut dyn Write) {
    let _ = write!(out, "{:.0} rows/s", state.per_sec());
}

fn new_bar(rows: Option<u64>) -> ProgressBar {
    let bar = match rows {
        Some(rows) => ProgressBar::new(rows).with_style(
            ProgressStyle::with_template("{msg} [{wide_bar}] {human_pos}/{human_len} rows, {rate}, {eta} left")
                .expect("the template is constant and right")
                .with_key("rate", rate),
        ),
        None => ProgressBar::no_length().with_style(
            ProgressStyle::with_template("{spinner} {msg} {human_pos} rows, {rate}")
                .expect("the template is constant and right")
                .with_key("rate", rate),
        ),
    };
    bar.enable_steady_tick(TICK_EVERY);
    bar
}

impl Progress for Terminal {
    fn phase(&self, sync: &str, phase: Phase, rows: Option<u64>) {
        let mut state = self.hold();
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        // A phase without rows has nothing to show.
        if rows == Some(0) {
            return;
        }
        state.sync = sync.to_owned();
        state.phase = phase;
        state.rows = rows;
        state.done = 0;
        state.told_at = Instant::now();
        let text = format!("{sync}: {}", verb(phase));
        if self.printer.draws() {
            let bar = new_bar(rows);
            bar.set_message(text);
            state.bar = Some(bar);
        } else {
            match rows {
                Some(rows) => self.printer.say(&format!("{text} {rows} rows")),
                None => self.printer.say(&text),
            }
        }
    }

    fn advance(&self, rows: u64) {
        let mut state = self.hold();
        state.done += rows;
        if let Some(bar) = &state.bar {
            bar.inc(rows);
        } else if state.told_at.elapsed() >= LINE_EVERY {
            state.told_at = Instant::now();
            let of = state.rows.map(|rows| format!(" of {rows}")).unwrap_or_default();
            let line = format!("{}: {}, {}{of} rows", state.sync, verb(state.phase), state.done);
            self.printer.say(&line);
        }
    }

    fn note(&self, text: &str) {
        let state = self.hold();
        match &state.bar {
            Some(bar) => bar.println(text),
            None => self.printer.say(text),
        }
    }
}
