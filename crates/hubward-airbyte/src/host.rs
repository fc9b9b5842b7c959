//! What the machine gives: how requests travel, what time it is, and what its environment says.

use std::sync::{Arc, Mutex};

use hubward_core::WallClock;
use hubward_hubspot::{Client, ClientConfig, Observer, Transport};
use uuid::Uuid;

use crate::config::Config;
use crate::grants::Grants;
use crate::out::Out;

/// The machine, as far as a destination needs it.
#[derive(Clone)]
pub struct Host {
    pub transport: Arc<dyn Transport>,
    /// Another host than HubSpot's own: scheme, host and port.
    pub base_url: Option<String>,
    pub clock: Arc<dyn WallClock>,
    /// Of the pauses' jitter.
    pub seed: u64,
    /// Names what this run writes.
    pub run: Uuid,
    /// `AWS_…` variables, for a bucket whose configuration is silent.
    pub aws: Vec<(String, String)>,
}

impl Host {
    /// A client of the configured account that has sent nothing yet.
    pub(crate) fn client(&self, config: &Config, observer: Option<Arc<dyn Observer>>, out: &Out) -> Client {
        let mut settings = ClientConfig::new(config.auth.clone());
        if let Some(url) = &self.base_url {
            settings.base_url.clone_from(url);
        }
        settings.version = config.version;
        settings.seed = self.seed;
        let client = Client::new(settings, Arc::clone(&self.transport), Arc::clone(&self.clock), observer);
        let grants = Grants { out: out.clone(), config: config.text.clone(), latest: Mutex::default() };
        client.keep_grants(Arc::new(grants));
        client
    }
}
