//! Ctrl-C and SIGTERM: the first asks for a clean stop, the second ends the process at once.

use hubward_engine::Cancel;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Exit, Failure};
use crate::printer::Printer;

/// Both signals that ask a program to stop.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// From now on the signals do not end the process by themselves.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new("io", format!("listening for signals failed: {error}"));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    /// Returns when one of them comes.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Sets `cancel` at the first signal; at the second the process ends.
pub(crate) fn cancel_on_signal(printer: Printer) -> Result<Cancel, Failure> {
    let cancel = Cancel::new();
    let mut signals = StopSignals::listen()?;
    let asked = cancel.clone();
    tokio::spawn(async move {
        signals.next().await;
        printer.say("stopping: requests under way are awaited and recorded; once more stops at once");
        asked.set();
        signals.next().await;
        #[expect(clippy::exit, reason = "the user asked twice and does not want to wait")]
        std::process::exit(Exit::Interrupted as i32);
    });
    Ok(cancel)
}
