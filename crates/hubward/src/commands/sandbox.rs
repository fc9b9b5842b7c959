//! `hubward sandbox`: a HubSpot account on this machine.

use std::net::Ipv4Addr;
use std::time::Duration;

use hubward_core::WallClock as _;
use hubward_sandbox::{Sandbox, SandboxConfig, TOKEN};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::args::SandboxArgs;
use crate::clock::SystemClock;
use crate::exit::{Exit, Failure};
use crate::printer::Printer;
use crate::signals::StopSignals;

pub(crate) async fn carry_out(args: &SandboxArgs, printer: Printer) -> Result<Exit, Failure> {
    let config = SandboxConfig {
        tier: args.tier,
        latency: Duration::from_millis(args.latency),
        seed: args.seed,
        ..SandboxConfig::new(SystemClock.now())
    };
    let portal_id = config.portal_id;
    let sandbox = Sandbox::new(config);
    if let Some(path) = &args.load {
        let text = std::fs::read(path).map_err(|error| Failure::io("reading", path, &error))?;
        let document: Value = serde_json::from_slice(&text)
            .map_err(|error| Failure::new("bad-load", format!("{} is not JSON: {error}", path.display())))?;
        sandbox
            .load(&document)
            .map_err(|error| Failure::new("bad-load", format!("{} cannot be loaded: {error}", path.display())))?;
    }
    let mut signals = StopSignals::listen()?;
    let failed = |error: std::io::Error| {
        Failure::new("port", format!("listening on port {} failed: {error}", args.port))
            .help("choose another with --port, or --port 0 for a free one")
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await.map_err(failed)?;
    let url = format!("http://{}", listener.local_addr().map_err(failed)?);
    // One line, whatever stdout is: scripts read it to learn the port.
    printer.data(&json!({ "url": url, "token": TOKEN, "portal_id": portal_id }).to_string());
    printer.say(&format!("a {} account; stop it with Ctrl-C", args.tier));
    sandbox
        .serve(listener, signals.next())
        .await
        .map_err(|error| Failure::new("io", format!("serving {url} failed: {error}")))?;
    Ok(Exit::Ok)
}
