//! Serves an account without limits on a port, for `benches/upsert.sh`.

use std::io::Write;
use std::time::SystemTime;

use hubward_sandbox::{Sandbox, SandboxConfig, TOKEN, Tier};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "0".to_owned());
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let started_at = jiff::Timestamp::try_from(SystemTime::now())?;
    let sandbox = Sandbox::new(SandboxConfig { tier: Tier::Unlimited, ..SandboxConfig::new(started_at) });
    writeln!(std::io::stdout(), "{{\"url\":\"http://{}\",\"token\":\"{TOKEN}\"}}", listener.local_addr()?)?;
    sandbox.serve(listener, std::future::pending()).await?;
    Ok(())
}
