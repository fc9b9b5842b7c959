//! The `hubward` command: arguments, printing, exit codes. The only crate that reads the environment, the wall clock and
//! the files of a project; what the work is, the other crates know.

mod args;
mod clock;
mod commands;
mod environment;
mod example;
mod exit;
mod in_process;
mod plan_file;
mod printer;
mod progress;
mod project_files;
mod report;
mod runner;
mod session;
mod signals;
mod summary;
mod table;

use std::process::ExitCode;

use args::{Cli, Global};
use clap::Parser as _;
use exit::{Exit, Failure};
use printer::Printer;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    printer::install_panic_message();
    let cli = Cli::parse();
    start_log(&cli.global);
    let printer = Printer::new(&cli.global);
    // Two at least: one may be busy with answers while the other hands out the next requests.
    let threads = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    let exit = match tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(Box::pin(commands::carry_out(cli.command, &cli.global, printer)));
            // A source's thread that is still reading would otherwise hold the process.
            runtime.shutdown_background();
            exit
        }
        Err(error) => Err(Failure::new("io", format!("the runtime cannot be started: {error}"))),
    };
    match exit {
        Ok(exit) => exit.into(),
        Err(failure) => {
            printer.failure(&failure);
            Exit::Wrong.into()
        }
    }
}

/// Warnings to stderr; more with `-v`; whatever `HUBWARD_LOG` says.
fn start_log(global: &Global) {
    let default = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "warn,hubward=info",
        _ => "info,hubward=debug",
    };
    let filter = environment::log_filter()
        .and_then(|filter| EnvFilter::try_new(filter).ok())
        .unwrap_or_else(|| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .init();
}
