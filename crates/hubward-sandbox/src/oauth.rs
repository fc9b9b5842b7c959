//! Owns the token endpoints: grants, revocation, uninstalling (api.md 10.2 and 10.3). Access tokens live 30 minutes of the
//! account's clock. Errors here have OAuth's own shape.

use std::collections::HashMap;

use serde_json::json;

use crate::answers::{Refusal, Reply};
use crate::apps::{App, BadCode, LIFETIME_MS};
use crate::auth::Auth;
use crate::call::Call;
use crate::route::{Version, pairs};

pub(crate) type Fields = HashMap<String, String>;

fn refused(status: &str, error: &str, message: &str) -> Reply {
    Reply::of(400, &json!({ "status": status, "message": message, "error": error, "error_description": message }))
}

/// The form's fields; v1 and v3 tolerate them in the query too, dated versions do not `[MAP]`.
pub(crate) fn form(call: &Call<'_>) -> Fields {
    let mut fields = Fields::new();
    if !call.version().is_dated() {
        fields.extend(call.query.iter().cloned());
    }
    fields.extend(pairs(&String::from_utf8_lossy(call.body)));
    fields
}

pub(crate) fn field<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.get(name).map_or("", String::as_str)
}

/// The app that shows its id and its secret.
pub(crate) fn app<'a>(auth: &'a Auth, fields: &Fields) -> Result<&'a App, Reply> {
    let app = auth.apps.app(field(fields, "client_id"));
    let app = app.ok_or_else(|| refused("BAD_CLIENT_ID", "invalid_client", "missing or unknown client id"))?;
    if app.client_secret != field(fields, "client_secret") {
        return Err(refused("BAD_CLIENT_SECRET", "invalid_client", "missing or invalid client secret"));
    }
    Ok(app)
}

pub(crate) fn token(call: &Call<'_>) -> Result<Reply, Refusal> {
    let fields = form(call);
    let mut auth = call.inner.auth();
    let client_id = match app(&auth, &fields) {
        Ok(app) => app.client_id.clone(),
        Err(reply) => return Ok(reply),
    };
    let found = match field(&fields, "grant_type") {
        "refresh_token" => auth.apps.renew(&client_id, field(&fields, "refresh_token")).ok_or_else(|| {
            refused("BAD_REFRESH_TOKEN", "invalid_grant", "refresh token is invalid, expired or revoked")
        }),
        "authorization_code" => {
            let (code, verifier) = (field(&fields, "code"), field(&fields, "code_verifier"));
            auth.apps.exchange(&client_id, code, field(&fields, "redirect_uri"), verifier, call.now_ms).map_err(|bad| {
                match bad {
                    BadCode::Unknown => refused("BAD_AUTH_CODE", "invalid_grant", "missing or unknown auth code"),
                    BadCode::RedirectUri => refused(
                        "BAD_REDIRECT_URI",
                        "invalid_grant",
                        "redirect_uri does not match the one that the code was asked with",
                    ),
                    BadCode::Verifier => refused(
                        "BAD_CODE_VERIFIER",
                        "invalid_grant",
                        "code_verifier does not match the code_challenge that the code was asked with",
                    ),
                }
            })
        }
        other => {
            Err(refused("BAD_GRANT_TYPE", "unsupported_grant_type", &format!("missing or unknown grant type: {other}")))
        }
    };
    let install = match found {
        Ok(install) => install,
        Err(reply) => return Ok(reply),
    };
    let Some((access, grant, refresh)) = auth.issue(install, call.now_ms) else {
        return Err(Refusal::not_found());
    };
    let mut answer = json!({
        "token_type": "bearer",
        "refresh_token": refresh,
        "access_token": access,
        "expires_in": LIFETIME_MS / 1000,
    });
    if call.version() != Version::V1 {
        answer["hub_id"] = json!(call.inner.config.portal_id);
        answer["user_id"] = json!(42);
        answer["scopes"] = json!(grant.shown_scopes());
        answer["token_use"] = json!("access_token");
    }
    Ok(Reply::of(200, &answer))
}

/// Of a refresh token or an access token. A token that is none of the app's is no error (RFC 7009).
pub(crate) fn revoke(call: &Call<'_>) -> Result<Reply, Refusal> {
    let fields = form(call);
    let mut auth = call.inner.auth();
    let client_id = match app(&auth, &fields) {
        Ok(app) => app.client_id.clone(),
        Err(reply) => return Ok(reply),
    };
    let token = field(&fields, "token");
    if auth.apps.by_refresh_token(token).is_some_and(|install| install.client_id == client_id) {
        auth.revoke(token);
    }
    if auth.grants.get(token).is_some_and(|grant| grant.install.is_some() && grant.app == client_id) {
        auth.grants.remove(token);
    }
    Ok(Reply::empty(204))
}

pub(crate) fn refresh_token_delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    call.inner.auth().revoke(call.param(0));
    Ok(Reply::empty(204))
}

/// Takes the app of the calling token out of the account.
pub(crate) fn uninstall(call: &Call<'_>) -> Result<Reply, Refusal> {
    let app = call.grant.as_ref().filter(|grant| grant.install.is_some()).map(|grant| grant.app.clone());
    let Some(app) = app else {
        return Err(Refusal::new(403, "FORBIDDEN", "Only an app's OAuth access token can uninstall the app."));
    };
    call.inner.auth().uninstall(&app);
    Ok(Reply::empty(204))
}
