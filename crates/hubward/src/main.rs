//! The `hubward` command: arguments, printing, exit codes. The only crate that reads the environment, the wall clock and
//! the files of a project; what the work is, the other crates know.

mod args;
mod args_airbyte;
mod as_destination;
mod clock;
mod commands;
mod courier;
mod declared;
mod environment;
mod event_door;
mod event_file;
mod example;
mod exit;
mod in_process;
mod jobs;
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
mod trial;
mod witness;

use std::process::ExitCode;

use args::{Cli, Global};
use clap::Parser as _;
use exit::{Exit, Failure};
use printer::Printer;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    printer::install_panic_message();
    let cli = match Cli::try_parse_from(as_destination::arguments(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return wrong_arguments(&error),
    };
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

/// What clap says of arguments that cannot be understood; `--help` and `--version` come this way too.
fn wrong_arguments(error: &clap::Error) -> ExitCode {
    let asks_for_json = std::env::args_os().skip(1).take_while(|arg| arg != "--").any(|arg| arg == "--json");
    if error.use_stderr() && asks_for_json {
        let text = error.render().to_string();
        let text = text.trim().trim_start_matches("error: ");
        let (message, help) = text.split_once("\n\n").unwrap_or((text, ""));
        let help = if help.is_empty() { "see `hubward --help`" } else { help };
        Printer::json().failure(&Failure::new("usage", message).help(help));
        return Exit::Wrong.into();
    }
    // A reader that has gone away is no error.
    let _ = error.print();
    if error.use_stderr() { Exit::Wrong.into() } else { Exit::Ok.into() }
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
