//! The bearer token: given, or fetched and renewed with OAuth. One renewal at a time, whoever needs it.
//!
//! A renewal may bring a new refresh token and make the old one worthless. It is handed to a [`GrantKeeper`] before anything
//! else is done with it, so that it outlives the process. Of renewals that are refused the last answer is kept for a short
//! while: a hundred requests that wait for one token ask HubSpot once, and all learn that a person must act.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hubward_core::{ErrorKind, ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::attempt::Answer;
use crate::client::Client;
use crate::config::Auth;
use crate::error::ApiError;
use crate::metadata::{self, TokenInfo};
use crate::request::CallMeta;
use crate::requests::token_form;
use crate::version::{Endpoint, token_paths};

/// An access token is renewed this long before it runs out, so that no request carries one that dies under way.
const RENEW_BEFORE: Duration = Duration::from_secs(60);
/// How long an access token lives when HubSpot does not say (api.md 10.2).
const LIFE_DEFAULT: Duration = Duration::from_secs(30 * 60);

/// Longer lives are not believed; renewing once a day costs nothing.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);

/// How long a refused renewal is not tried again.
const REFUSED_FOR: Duration = Duration::from_secs(30);

/// How long a renewal that had no answer is not tried again while the old token lives.
const TROUBLED_FOR: Duration = Duration::from_secs(5);

/// Keeps refresh tokens beyond this process. Both methods may take as long as writing a small file does.
pub trait GrantKeeper: Send + Sync {
    /// The refresh token that stands for the configured one, if HubSpot gave another since.
    fn current(&self) -> Option<SecretString>;
    /// HubSpot gave a new refresh token, and the one before may be worthless. It is durable when this returns, or the keeper
    /// tells a person that it is not.
    fn rotated(&self, token: &SecretString);
}

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
    /// Which of the endpoint's paths answered.
    path: usize,
    refused: Option<(ApiError, Instant)>,
    troubled_at: Option<Instant>,
}

/// The access token of a client.
#[derive(Default)]
pub(crate) struct Tokens {
    state: Mutex<State>,
    keeper: OnceLock<Arc<dyn GrantKeeper>>,
}

struct Granted {
    access: SecretString,
    refresh: Option<SecretString>,
    life: Duration,
}

/// An app's credentials.
#[derive(Clone, Copy)]
struct App<'a> {
    id: &'a str,
    secret: &'a SecretString,
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

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

impl Client {
    /// Hands refresh tokens that HubSpot gives to `keeper`, and asks it for the one to use. Once for a client, before its
    /// first call; a second keeper is not taken.
    pub fn keep_grants(&self, keeper: Arc<dyn GrantKeeper>) {
        // The first stays: two keepers would disagree.
        let _ = self.inner.tokens.keeper.set(keeper);
    }

    /// The token for the next request, renewed first when it has run out.
    pub(crate) async fn bearer(&self) -> Result<Bearer, ApiError> {
        let Auth::OAuth { client_id, client_secret, refresh_token } = &self.inner.config.auth else {
            return Ok(self.given_token());
        };
        // Held while renewing: whoever else needs a token waits for this one.
        let mut state = self.inner.tokens.state.lock().await;
        let troubled = state.troubled_at.is_some_and(|at| at.elapsed() < TROUBLED_FOR);
        let margin = if troubled { Duration::ZERO } else { RENEW_BEFORE };
        let fresh = state.expires_at.is_some_and(|at| Instant::now() + margin < at);
        if let Some(token) = state.access.as_ref().filter(|_| fresh) {
            return Ok(Bearer { token: token.clone(), generation: state.generation });
        }
        if let Some((error, at)) = &state.refused
            && at.elapsed() < REFUSED_FOR
        {
            return Err(error.clone());
        }
        let app = App { id: client_id, secret: client_secret };
        match self.renew(app, refresh_token, &mut state).await {
            Ok(granted) => {
                state.refused = None;
                state.generation += 1;
                state.access = Some(granted.access.clone());
                // A life shorter than the margin would renew before every request.
                let life = granted.life.clamp(RENEW_BEFORE * 2, LIFE_MAX);
                state.expires_at = Some(Instant::now() + life);
                Ok(Bearer { token: granted.access, generation: state.generation })
            }
            Err(error) if error.kind == ErrorKind::GrantRefused => {
                state.refused = Some((error.clone(), Instant::now()));
                Err(error)
            }
            Err(error) => {
                // The old one may have a minute left, and the trouble may be over by then.
                state.troubled_at = Some(Instant::now());
                let left = state.expires_at.is_some_and(|at| Instant::now() < at);
                match state.access.as_ref().filter(|_| left) {
                    Some(token) => Ok(Bearer { token: token.clone(), generation: state.generation }),
                    None => Err(error),
                }
            }
        }
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

    /// A new access token, by the newest refresh token that is known; and once more where another process of ours has
    /// renewed meanwhile and was given another one.
    async fn renew(&self, app: App<'_>, configured: &SecretString, state: &mut State) -> Result<Granted, ApiError> {
        let keeper = self.inner.tokens.keeper.get();
        let kept = || keeper.and_then(|keeper| keeper.current());
        let mut refresh = kept().or_else(|| state.refresh.clone()).unwrap_or_else(|| configured.clone());
        let mut renewed = self.renew_with(app, &refresh, &mut state.path).await;
        if renewed.as_ref().is_err_and(|error| error.kind == ErrorKind::GrantRefused) {
            // Ours in memory, when it could not be written; and the configured one, when what was kept is of no use.
            let others = [kept(), state.refresh.clone(), Some(configured.clone())];
            let mut tried = vec![refresh.clone()];
            for other in others.into_iter().flatten() {
                if tried.iter().any(|one| same(one, &other)) {
                    continue;
                }
                let again = self.renew_with(app, &other, &mut state.path).await;
                tried.push(other.clone());
                if again.is_ok() {
                    (refresh, renewed) = (other, again);
                    break;
                }
            }
        }
        let granted = renewed?;
        if let Some(fresh) = granted.refresh.as_ref().filter(|fresh| !same(fresh, &refresh)) {
            if let Some(keeper) = keeper {
                keeper.rotated(fresh);
            }
            refresh = fresh.clone();
        }
        state.refresh = Some(refresh);
        Ok(granted)
    }

    /// One renewal, on the first path of the endpoint that is there. `path` is where it was found, and where it is looked for.
    async fn renew_with(&self, app: App<'_>, refresh: &SecretString, path: &mut usize) -> Result<Granted, ApiError> {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", app.id),
            ("client_secret", app.secret.expose_secret()),
            ("refresh_token", refresh.expose_secret()),
        ];
        let paths = token_paths(self.version(), Endpoint::Token);
        let renewed = self.token_call(&paths, path, &fields, granted).await;
        renewed.map_err(|mut error| {
            error.kind = match error.kind {
                // Whatever is wrong with the credentials, a person must act and no row is to blame.
                ErrorKind::Validation
                | ErrorKind::Malformed
                | ErrorKind::Other
                | ErrorKind::InvalidToken
                | ErrorKind::ExpiredToken
                | ErrorKind::Forbidden
                | ErrorKind::MissingPermission
                | ErrorKind::MissingScope => ErrorKind::GrantRefused,
                // The renewal is in doubt; the request that wanted the token has certainly not been sent.
                ErrorKind::Server | ErrorKind::Unknown | ErrorKind::Unreadable => ErrorKind::NotSent,
                kind => kind,
            };
            error
        })
    }

    /// What OAuth's introspection says of a token.
    pub(crate) async fn introspect(&self, fields: &[(&str, &str)]) -> Result<TokenInfo, ApiError> {
        let paths = token_paths(self.version(), Endpoint::TokenIntrospect);
        self.token_call(&paths, &mut 0, fields, metadata::token_info).await
    }

    /// Boxed: renewing is itself a call, and a call may need to renew.
    fn token_call<'a, T: Send + 'a>(
        &'a self,
        paths: &'a [String],
        from: &'a mut usize,
        fields: &'a [(&'a str, &'a str)],
        decode: fn(u16, &[u8]) -> Result<T, String>,
    ) -> BoxFuture<'a, Result<T, ApiError>> {
        Box::pin(async move {
            let mut gone = None;
            for turn in 0..paths.len() {
                let at = (*from + turn) % paths.len();
                let request = token_form(paths[at].clone(), fields);
                match self.call(&request, &CallMeta::default(), decode).await {
                    Ok(Answer { value, .. }) => {
                        *from = at;
                        return Ok(value);
                    }
                    Err(error) if is_gone(&error) => gone = gone.or(Some(error)),
                    Err(error) => return Err(error),
                }
            }
            Err(gone.unwrap_or_else(|| ApiError::new(ErrorKind::NoSuchPath, "no path of the token endpoint is known")))
        })
    }
}

/// The endpoint is not there, or there no more.
fn is_gone(error: &ApiError) -> bool {
    error.kind == ErrorKind::NoSuchPath || matches!(error.status, Some(404 | 405 | 410))
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
