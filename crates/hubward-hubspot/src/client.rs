//! The client of one account: what it is made of, which host it speaks to, and its jitter.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hubward_core::{ExposeSecret, WallClock};

use crate::concurrency::{self, Concurrency};
use crate::config::{Auth, ClientConfig, DEFAULT_BASE_URL};
use crate::events::EventPaths;
use crate::limiter::Limiter;
use crate::observe::Observer;
use crate::token::Tokens;
use crate::transport::Transport;
use crate::version::ApiVersion;

pub(crate) struct Inner {
    pub(crate) config: ClientConfig,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Arc<dyn WallClock>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) limiter: Limiter,
    pub(crate) concurrency: Arc<Concurrency>,
    /// Events have limits of their own, and keep many more requests in flight.
    pub(crate) event_concurrency: Arc<Concurrency>,
    pub(crate) event_paths: EventPaths,
    pub(crate) tokens: Tokens,
    host: RwLock<Arc<str>>,
    draws: AtomicU64,
    /// Some answer has come back, of whatever status.
    pub(crate) reached: AtomicBool,
}

/// Speaks to one HubSpot account. Cloning shares limits, tokens and connections: make one per account and process.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

impl Client {
    /// A client that has sent nothing yet.
    #[must_use]
    pub fn new(
        config: ClientConfig,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn WallClock>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        let host = Arc::from(config.base_url.trim_end_matches('/'));
        let limiter = Limiter::new(config.limits);
        Self {
            inner: Arc::new(Inner {
                config,
                transport,
                clock,
                observer,
                limiter,
                concurrency: Arc::new(Concurrency::new(concurrency::RECORDS)),
                event_concurrency: Arc::new(Concurrency::new(concurrency::EVENTS)),
                event_paths: EventPaths::default(),
                tokens: Tokens::default(),
                host: RwLock::new(host),
                draws: AtomicU64::new(0),
                reached: AtomicBool::new(false),
            }),
        }
    }

    /// The account's limits as they stand.
    #[must_use]
    pub fn limiter(&self) -> &Limiter {
        &self.inner.limiter
    }

    /// The version of the API that requests are made for.
    #[must_use]
    pub fn version(&self) -> ApiVersion {
        self.inner.config.version
    }

    /// The host that requests go to now: `base_url`, or the host of the account's region once that was found.
    #[must_use]
    pub fn host(&self) -> Arc<str> {
        let host = self.inner.host.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&host)
    }

    /// After a 401 from `tried`: whether another host is worth a try, which then stays. Only for HubSpot's default host and
    /// a token that names another region (api.md 10.4).
    pub(crate) fn try_region(&self, tried: &str) -> bool {
        if self.inner.config.base_url.trim_end_matches('/') != DEFAULT_BASE_URL {
            return false;
        }
        let Auth::Token(token) = &self.inner.config.auth else {
            return false;
        };
        let Some(regional) = regional_host(token.expose_secret()) else {
            return false;
        };
        if tried == regional {
            return false;
        }
        let mut host = self.inner.host.write().unwrap_or_else(PoisonError::into_inner);
        *host = Arc::from(regional);
        true
    }

    /// The next number of the seeded sequence, 0 to 1 (SplitMix64).
    pub(crate) fn jitter(&self) -> f64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let draw = self.inner.draws.fetch_add(1, Ordering::Relaxed) + 1;
        let mut bits = self.inner.config.seed.wrapping_add(draw.wrapping_mul(STEP));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// `pat-eu1-…` → the EU host; none for tokens of the default region or without one.
fn regional_host(token: &str) -> Option<String> {
    let (hublet, _) = token.strip_prefix("pat-")?.split_once('-')?;
    let plain = (2..=8).contains(&hublet.len())
        && hublet.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (plain && hublet != "na1").then(|| format!("https://api-{hublet}.hubapi.com"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_region() {
        assert_eq!(regional_host("pat-eu1-0000-1111").as_deref(), Some("https://api-eu1.hubapi.com"));
        assert_eq!(regional_host("pat-na1-0000"), None);
        assert_eq!(regional_host("pat-evil.example/-0000"), None);
        assert_eq!(regional_host("CJ-oauth-access-token"), None);
    }
}
