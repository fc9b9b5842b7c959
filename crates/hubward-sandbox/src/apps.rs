//! Owns the OAuth apps: what an app is, where it is installed, and the codes and refresh tokens that come of it (api.md 10.1, 10.2).
//!
//! One app may be installed several times, by different users; each installation has a refresh token of its own.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::auth::{Auth, Grant, TokenKind};

/// How long an access token lives (api.md 10.2).
pub(crate) const LIFETIME_MS: i64 = 30 * 60 * 1000;
/// How long a code may wait to be exchanged. HubSpot documents no time; this one is ours.
const CODE_LIFETIME_MS: i64 = 10 * 60 * 1000;

/// An app as its developer registered it.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) app_id: u64,
    /// Where a browser may be sent back to; empty: anywhere.
    pub(crate) redirect_uris: Vec<String>,
    /// What the app may ask for; `None`: anything.
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) user_level: bool,
    pub(crate) denied_permissions: Vec<String>,
}

/// An app in the account, by the consent of one user.
#[derive(Debug, Clone)]
pub(crate) struct Install {
    pub(crate) id: u64,
    pub(crate) client_id: String,
    pub(crate) refresh_token: String,
    /// What was granted; `None`: every scope.
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) revoked: bool,
}

/// What a code was asked with and must be exchanged with (RFC 7636).
#[derive(Debug, Clone)]
pub(crate) enum Challenge {
    Plain(String),
    Sha256(String),
}

impl Challenge {
    fn met_by(&self, verifier: &str) -> bool {
        match self {
            Challenge::Plain(challenge) => challenge == verifier,
            Challenge::Sha256(challenge) => *challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)),
        }
    }
}

/// An authorization code that nobody has exchanged.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    code: String,
    client_id: String,
    /// `None`: any; for codes that `load` gave.
    redirect_uri: Option<String>,
    challenge: Option<Challenge>,
    expires_ms: Option<i64>,
    /// The installation that it belongs to, or what is to be granted to a new one.
    install: Result<u64, Vec<String>>,
}

/// Why a code is not exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadCode {
    Unknown,
    RedirectUri,
    Verifier,
}

/// One entry of `load.apps`, and the body of `POST /_sandbox/apps`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppInput {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// With one, the app is installed.
    #[serde(default)]
    pub(crate) refresh_token: Option<String>,
    /// One that can be exchanged for the refresh token above, without a page.
    #[serde(default)]
    pub(crate) code: Option<String>,
    #[serde(default)]
    pub(crate) app_id: Option<u64>,
    #[serde(default)]
    pub(crate) redirect_uris: Vec<String>,
    #[serde(default)]
    pub(crate) scopes: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) user_level: bool,
    #[serde(default)]
    pub(crate) denied_permissions: Vec<String>,
    #[serde(default)]
    pub(crate) revoked: bool,
}

/// Apps, installations and codes of an account.
#[derive(Debug, Default)]
pub(crate) struct Apps {
    apps: Vec<App>,
    installs: Vec<Install>,
    codes: Vec<Code>,
    issued: u64,
    /// A refresh gives a new refresh token, and the one that was used is refused from then on.
    pub(crate) rotates: bool,
}

impl Apps {
    fn next(&mut self) -> u64 {
        self.issued += 1;
        self.issued
    }

    pub(crate) fn app(&self, client_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id == client_id)
    }

    pub(crate) fn install(&self, id: u64) -> Option<&Install> {
        self.installs.iter().find(|install| install.id == id)
    }

    pub(crate) fn by_refresh_token(&self, token: &str) -> Option<&Install> {
        self.installs.iter().find(|install| install.refresh_token == token)
    }

    /// Registers an app, and installs it where a refresh token is given; what has the same names is replaced.
    pub(crate) fn put(&mut self, input: AppInput) {
        let app_id = input.app_id.unwrap_or_else(|| self.app(&input.client_id).map_or(0, |app| app.app_id));
        let app_id = if app_id == 0 { 1_000 + self.next() } else { app_id };
        self.apps.retain(|app| app.client_id != input.client_id);
        self.apps.push(App {
            client_id: input.client_id.clone(),
            client_secret: input.client_secret,
            app_id,
            redirect_uris: input.redirect_uris,
            scopes: input.scopes.clone(),
            user_level: input.user_level,
            denied_permissions: input.denied_permissions,
        });
        let Some(refresh_token) = input.refresh_token else { return };
        self.installs.retain(|one| (&one.client_id, &one.refresh_token) != (&input.client_id, &refresh_token));
        let id = self.next();
        let (scopes, revoked) = (input.scopes, input.revoked);
        self.installs.push(Install { id, client_id: input.client_id.clone(), refresh_token, scopes, revoked });
        if let Some(code) = input.code {
            self.codes.retain(|one| one.code != code);
            let client_id = input.client_id;
            self.codes.push(Code {
                code,
                client_id,
                redirect_uri: None,
                challenge: None,
                expires_ms: None,
                install: Ok(id),
            });
        }
    }

    /// A code for an app that a user has just consented to.
    pub(crate) fn consent(
        &mut self,
        client_id: &str,
        redirect_uri: &str,
        scopes: Vec<String>,
        challenge: Option<Challenge>,
        now_ms: i64,
    ) -> String {
        let code = format!("sandbox-code-{}", self.next());
        self.codes.retain(|one| one.expires_ms.is_none_or(|at| at > now_ms));
        self.codes.push(Code {
            code: code.clone(),
            client_id: client_id.to_owned(),
            redirect_uri: Some(redirect_uri.to_owned()),
            challenge,
            expires_ms: Some(now_ms + CODE_LIFETIME_MS),
            install: Err(scopes),
        });
        code
    }

    /// Takes a code; it works once. A wrong redirect address or verifier uses it up too, as RFC 6749 advises.
    pub(crate) fn exchange(
        &mut self,
        client_id: &str,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        now_ms: i64,
    ) -> Result<u64, BadCode> {
        let at = self.codes.iter().position(|one| one.code == code && one.client_id == client_id);
        let code = self.codes.swap_remove(at.ok_or(BadCode::Unknown)?);
        if code.expires_ms.is_some_and(|at| at <= now_ms) {
            return Err(BadCode::Unknown);
        }
        if code.redirect_uri.is_some_and(|wanted| wanted != redirect_uri) {
            return Err(BadCode::RedirectUri);
        }
        if code.challenge.is_some_and(|challenge| !challenge.met_by(verifier)) {
            return Err(BadCode::Verifier);
        }
        match code.install {
            Ok(id) => {
                self.install(id).filter(|install| !install.revoked).map(|install| install.id).ok_or(BadCode::Unknown)
            }
            Err(scopes) => {
                let id = self.next();
                let refresh_token = format!("sandbox-refresh-{}", self.next());
                let client_id = client_id.to_owned();
                self.installs.push(Install { id, client_id, refresh_token, scopes: Some(scopes), revoked: false });
                Ok(id)
            }
        }
    }

    /// The installation that a refresh token renews, the token replaced where tokens rotate.
    pub(crate) fn renew(&mut self, client_id: &str, refresh_token: &str) -> Option<u64> {
        let fresh = self.rotates.then(|| format!("sandbox-refresh-{}", self.next()));
        let install = self
            .installs
            .iter_mut()
            .find(|one| one.client_id == client_id && one.refresh_token == refresh_token && !one.revoked)?;
        if let Some(fresh) = fresh {
            install.refresh_token = fresh;
        }
        Some(install.id)
    }

    /// What `GET /_sandbox/apps` tells.
    pub(crate) fn shown(&self) -> Value {
        let apps = self.apps.iter().map(|app| {
            let installs = self.installs.iter().filter(|one| one.client_id == app.client_id).map(|one| {
                json!({ "scopes": one.scopes, "refresh_token": one.refresh_token, "revoked": one.revoked })
            });
            json!({
                "client_id": app.client_id, "app_id": app.app_id, "scopes": app.scopes, "redirect_uris": app.redirect_uris,
                "installs": installs.collect::<Vec<Value>>(),
            })
        });
        json!({ "results": apps.collect::<Vec<Value>>() })
    }
}

impl Auth {
    /// A new access token of an installation, and how to call with it.
    pub(crate) fn issue(&mut self, install: u64, now_ms: i64) -> Option<(String, Arc<Grant>, String)> {
        let serial = self.apps.next();
        let install = self.apps.install(install)?;
        let app = self.apps.app(&install.client_id)?;
        let grant = Arc::new(Grant {
            kind: if app.user_level { TokenKind::UserOauth } else { TokenKind::Oauth },
            scopes: install.scopes.as_ref().map(|scopes| scopes.iter().cloned().collect::<HashSet<String>>()),
            denied: app.denied_permissions.iter().cloned().collect(),
            app: app.client_id.clone(),
            expires_ms: Some(now_ms + LIFETIME_MS),
            install: Some(install.id),
        });
        let access = format!("sandbox-access-{}-{serial}", app.client_id);
        let refresh = install.refresh_token.clone();
        // nobody asks about a token that ran out a day ago, and a long run has many
        self.grants.retain(|_, grant| grant.expires_ms.is_none_or(|at| at + 24 * 3_600_000 > now_ms));
        self.grants.insert(access.clone(), Arc::clone(&grant));
        Some((access, grant, refresh))
    }

    /// The refresh token works no more. Access tokens made with it live on until they run out, as HubSpot says of it.
    pub(crate) fn revoke(&mut self, refresh_token: &str) {
        for install in &mut self.apps.installs {
            install.revoked |= install.refresh_token == refresh_token;
        }
    }

    /// Takes an app out of the account: its refresh tokens and its access tokens end at once.
    pub(crate) fn uninstall(&mut self, client_id: &str) {
        for install in self.apps.installs.iter_mut().filter(|one| one.client_id == client_id) {
            install.revoked = true;
        }
        self.apps.codes.retain(|code| code.client_id != client_id);
        let installs = &self.apps.installs;
        let of_app = |id: u64| installs.iter().any(|one| one.id == id && one.client_id == client_id);
        self.grants.retain(|_, grant| !grant.install.is_some_and(of_app));
    }
}

#[cfg(test)]
mod tests {
    use super::Challenge;

    #[test]
    fn a_challenge_is_met_by_its_verifier_alone() {
        // the pair of RFC 7636, appendix B
        let challenge = Challenge::Sha256("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned());
        assert!(challenge.met_by("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert!(!challenge.met_by("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl"));
        assert!(!Challenge::Plain("a".to_owned()).met_by(""));
    }
}
