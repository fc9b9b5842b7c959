//! The client from outside: against a HubSpot with a rolling window on the paused clock, and over real connections.

mod events;
mod network;
mod throughput;

use hubward_core::{SecretString, WallClock};
use hubward_hubspot::{Auth, ClientConfig};
use jiff::Timestamp;

struct Noon;

impl WallClock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

fn config(base_url: &str) -> ClientConfig {
    let mut config = ClientConfig::new(Auth::Token(SecretString::from("pat-na1-test")));
    config.base_url = base_url.to_owned();
    config
}
