//! What a stretch of work cost this process: time, processor time, peak memory by kind.
//!
//! Linux only: all of it is read from `/proc/self`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often memory is looked at; a peak shorter than this may be missed.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Ticks of the processor times in `/proc/self/stat`, the same on every Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// Resident memory in mebibytes. Anonymous memory is the process's own; file-backed pages can be dropped by the kernel at any
/// moment, and are as many as it has room for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) anonymous_mib: f64,
    pub(crate) files_mib: f64,
}

/// What was measured between [`Meter::start`] and [`Meter::stop`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    /// The highest of each kind, not necessarily at one moment.
    pub(crate) peak: Memory,
}

impl Cost {
    pub(crate) fn shown(&self) -> String {
        let Memory { anonymous_mib, files_mib } = self.peak;
        format!("{}, peak {anonymous_mib:.0} MiB anonymous, {files_mib:.0} MiB mapped files", self.times())
    }

    /// Without memory, where the process still holds what came before.
    pub(crate) fn times(&self) -> String {
        format!("{:.2} s, {:.2} CPU-s", self.seconds, self.cpu_seconds)
    }
}

/// Measures until it is stopped.
pub(crate) struct Meter {
    started: Instant,
    cpu_seconds: f64,
    stop: Arc<AtomicBool>,
    looking: JoinHandle<Memory>,
}

impl Meter {
    pub(crate) fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let looking = {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let mut peak = memory();
                while !stop.load(Ordering::Relaxed) {
                    std::thread::sleep(LOOK_EVERY);
                    let now = memory();
                    peak.anonymous_mib = peak.anonymous_mib.max(now.anonymous_mib);
                    peak.files_mib = peak.files_mib.max(now.files_mib);
                }
                peak
            })
        };
        Self { started: Instant::now(), cpu_seconds: cpu_seconds(), stop, looking }
    }

    pub(crate) fn stop(self) -> Cost {
        let seconds = self.started.elapsed().as_secs_f64();
        let cpu_seconds = cpu_seconds() - self.cpu_seconds;
        self.stop.store(true, Ordering::Relaxed);
        let peak = self.looking.join().expect("looking does not panic");
        Cost { seconds, cpu_seconds, peak }
    }
}

/// Resident memory now.
fn memory() -> Memory {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mebibytes = |name: &str| -> f64 {
        let line = status.lines().find(|line| line.starts_with(name));
        let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        kibibytes.expect("Linux tells a process its memory") / 1024.0
    };
    Memory { anonymous_mib: mebibytes("RssAnon:"), files_mib: mebibytes("RssFile:") }
}

/// User and system time of all threads of this process, ended ones included.
fn cpu_seconds() -> f64 {
    cpu_seconds_of("self")
}

/// The same of a process by its number.
pub(crate) fn cpu_seconds_of(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field is the program's name in parentheses and may hold blanks; user and system time are 14th and 15th.
    let (_, rest) = stat.rsplit_once(") ").expect("Linux tells a process its times");
    let ticks: f64 = rest.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("a number")).sum();
    ticks / TICKS_A_SECOND
}
