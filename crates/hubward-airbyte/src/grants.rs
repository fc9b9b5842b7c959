//! A refresh token that HubSpot replaces goes back to the platform, which keeps the configuration: a CONTROL message with all
//! of it. It is the one place where a secret leaves this program, and only for whoever gave it.

use std::sync::Mutex;

use hubward_core::{ExposeSecret as _, SecretString};
use hubward_hubspot::GrantKeeper;
use serde_json::Value;

use crate::out::Out;

/// Hands replaced refresh tokens over.
pub(crate) struct Grants {
    pub(crate) out: Out,
    /// The text of the configuration.
    pub(crate) config: SecretString,
    pub(crate) latest: Mutex<Option<SecretString>>,
}

impl GrantKeeper for Grants {
    fn current(&self) -> Option<SecretString> {
        self.latest.lock().ok()?.clone()
    }

    fn rotated(&self, token: &SecretString) {
        if let Ok(mut latest) = self.latest.lock() {
            *latest = Some(token.clone());
        }
        let Ok(mut config) = serde_json::from_str::<Value>(self.config.expose_secret()) else { return };
        config["credentials"]["refresh_token"] = Value::String(token.expose_secret().to_owned());
        self.out.config(&config);
    }
}
