//! The bearer token: given, or fetched and renewed with OAuth. One renewal at a time, whoever needs it.

use std::time::Duration;

use futures_util::future::BoxFuture;
use hubward_core::{ErrorKind, ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::client::Client;
use crate::config::Auth;
use crate::error::ApiError;
use crate::request::CallMeta;
use crate::requests::token_form;
use crate::version::Endpoint;

/// An access token is renewed this long before it runs out, so that no request carries one that dies under way.
const RENEW_BEFORE: Duration = Duration::from_secs(60);
/// How long an access token lives when HubSpot does not say (api.md 10.2).
const LIFE_DEFAULT: Duration = Duration::from_secs(30 * 60);

/// Longer lives are not believed; renewing once a day costs nothing.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);

/// A token to send, and which one it is.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    pub(crate) token: SecretString,
    /// Grows with each renewal; 0 for a token that cannot be renewed.
    pub(crate) generation: u64,
}

#[derive(Default)]
struct State {
    access: Option<SecretString>,
    /// HubSpot may hand out a new refresh token; it replaces the configured one.
    refresh: Option<SecretString>,
    expires_at: Option<Instant>,
    generation: u64,
}

/// The access token of a client.
#[derive(Default)]
pub(crate) struct Tokens {
    state: Mutex<State>,
}

struct Granted {
    access: SecretString,
    refresh: Option<SecretString>,
    life: Duration,
}

/// The parser's own words could quote the token, so its error is not passed on.
fn granted(_status: u16, body: &[u8]) -> Result<Granted, String> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "it is not JSON".to_owned())?;
    let text = |name: &str| value[name].as_str().filter(|text| !text.is_empty());
    let access = text("access_token").ok_or("it holds no access_token")?;
    Ok(Granted {
        access: SecretString::from(access.to_owned()),
        refresh: text("refresh_token").map(|token| SecretString::from(token.to_owned())),
        life: value["expires_in"].as_u64().map_or(LIFE_DEFAULT, Duration::from_secs),
    })
}

impl Client {
    /// The token for the next request, renewed first when it has run out.
    pub(crate) async fn bearer(&self) -> Result<Bearer, ApiError> {
        let Auth::OAuth { client_id, client_secret, refresh_token } = &self.inner.config.auth else {
            return Ok(self.given_token());
        };
        // Held while renewing: whoever else needs a token waits for this one.
        let mut state = self.inner.tokens.state.lock().await;
        let fresh = state.expires_at.is_some_and(|at| Instant::now() + RENEW_BEFORE < at);
        if let Some(token) = state.access.as_ref().filter(|_| fresh) {
            return Ok(Bearer { token: token.clone(), generation: state.generation });
        }
        let refresh = state.refresh.as_ref().unwrap_or(refresh_token).clone();
        let granted = self.renew(client_id, client_secret, &refresh).await?;
        state.generation += 1;
        state.access = Some(granted.access.clone());
        if granted.refresh.is_some() {
            state.refresh = granted.refresh;
        }
        // A life shorter than the margin would renew before every request.
        let life = granted.life.clamp(RENEW_BEFORE * 2, LIFE_MAX);
        state.expires_at = Some(Instant::now() + life);
        Ok(Bearer { token: granted.access, generation: state.generation })
    }

    fn given_token(&self) -> Bearer {
        let token = match &self.inner.config.auth {
            Auth::Token(token) => token.clone(),
            Auth::OAuth { .. } => SecretString::default(),
        };
        Bearer { token, generation: 0 }
    }

    /// HubSpot refused this token: the next request renews it, unless that has happened already.
    pub(crate) async fn forget_token(&self, generation: u64) {
        let mut state = self.inner.tokens.state.lock().await;
        if state.generation == generation {
            state.access = None;
        }
    }

    /// Boxed: renewing is itself a call, and a call may need to renew.
    fn renew<'a>(
        &'a self,
        client_id: &'a str,
        client_secret: &'a SecretString,
        refresh: &'a SecretString,
    ) -> BoxFuture<'a, Result<Granted, ApiError>> {
        Box::pin(async move {
            let fields = [
                ("grant_type", "refresh_token"),
                ("client_id", client_id),
                ("client_secret", client_secret.expose_secret()),
                ("refresh_token", refresh.expose_secret()),
            ];
            let path = Endpoint::Token.path(self.inner.config.version, &[]);
            let request = token_form(path, &fields);
            let renewed = self.call(&request, &CallMeta::default(), granted).await;
            renewed.map(|answer| answer.value).map_err(|mut error| {
                // Whatever is wrong with the credentials, a person must act and no row is to blame.
                if matches!(error.kind, ErrorKind::Validation | ErrorKind::Malformed | ErrorKind::Other) {
                    error.kind = ErrorKind::InvalidToken;
                }
                error
            })
        })
    }
}
