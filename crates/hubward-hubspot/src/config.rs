//! What a client needs to know: where, as whom, how much, how patiently.

use std::time::Duration;

use hubward_core::SecretString;

use crate::version::ApiVersion;

/// HubSpot's public host; accounts of other regions may live on another (api.md 10.4).
pub const DEFAULT_BASE_URL: &str = "https://api.hubapi.com";

/// Who we are to HubSpot.
#[derive(Clone, Debug)]
pub enum Auth {
    /// A private-app token, a service key, or an access token from elsewhere.
    Token(SecretString),
    /// An app's credentials and a refresh token; access tokens are fetched and renewed (api.md 10.2).
    OAuth { client_id: String, client_secret: SecretString, refresh_token: SecretString },
}

/// What we may use of the account's limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitShare {
    /// 0 to 1, of every limit. The rest is left to the customer's other tools.
    pub share: f64,
    /// Calls a day at most, our own; see [`crate::Limiter::set_daily_used`].
    pub daily: Option<u64>,
}

impl Default for LimitShare {
    fn default() -> Self {
        Self { share: 1.0, daily: None }
    }
}

/// How patiently a request is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryConfig {
    /// Sendings of one request at most, those answered by 429 not counted.
    pub max_attempts: u32,
    /// The first pause; it doubles each time.
    pub base: Duration,
    /// The longest pause, unless HubSpot asks for more.
    pub max_pause: Duration,
    /// No repetition begins later than this after the first sending.
    pub max_elapsed: Duration,
    /// The same for requests answered by 429, which have written nothing.
    pub max_throttled: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            max_attempts: 8,
            base: Duration::from_millis(500),
            max_pause: Duration::from_secs(30),
            max_elapsed: Duration::from_secs(5 * 60),
            max_throttled: Duration::from_secs(10 * 60),
        }
    }
}

/// Everything a [`crate::Client`] is made from, but for its transport, clock and observer.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Scheme, host and port, without a path.
    pub base_url: String,
    pub version: ApiVersion,
    pub auth: Auth,
    /// For one whole exchange. HubSpot itself gives up after 100 s (524, api.md 2.4), so ours comes after.
    pub timeout: Duration,
    pub limits: LimitShare,
    pub retry: RetryConfig,
    /// Seed of the pauses' jitter.
    pub seed: u64,
}

impl ClientConfig {
    /// HubSpot's host, the current version, no restraint beyond HubSpot's own.
    #[must_use]
    pub fn new(auth: Auth) -> Self {
        Self {
            base_url: DEFAULT_BASE_URL.to_owned(),
            version: ApiVersion::default(),
            auth,
            timeout: Duration::from_secs(110),
            limits: LimitShare::default(),
            retry: RetryConfig::default(),
            seed: 0,
        }
    }
}
