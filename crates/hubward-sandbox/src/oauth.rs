//! Owns the token endpoints: grants, introspection, revocation (api.md 10.2 and 10.3). Access tokens live 30 minutes of
//! the account's clock. Errors here have OAuth's own shape.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::answers::{Refusal, Reply};
use crate::auth::{App, Auth, Grant, TokenKind};
use crate::call::Call;
use crate::route::{Version, pairs};

const LIFETIME_MS: i64 = 30 * 60 * 1000;

fn refused(status: &str, error: &str, message: &str) -> Reply {
    Reply::of(400, &json!({ "status": status, "message": message, "error": error, "error_description": message }))
}

/// The form's fields; v1 and v3 tolerate them in the query too, dated versions do not `[MAP]`.
fn form(call: &Call<'_>) -> HashMap<String, String> {
    let mut fields: HashMap<String, String> = HashMap::new();
    if !call.version().is_dated() {
        fields.extend(call.query.iter().cloned());
    }
    fields.extend(pairs(&String::from_utf8_lossy(call.body)));
    fields
}

fn app_at(auth: &Auth, fields: &HashMap<String, String>) -> Result<usize, Reply> {
    let text = |name: &str| fields.get(name).map_or("", String::as_str);
    let at = auth.apps.iter().position(|app| app.client_id == text("client_id"));
    let at = at.ok_or_else(|| refused("BAD_CLIENT_ID", "invalid_client", "missing or unknown client id"))?;
    // an account can hold several installations of one app, told apart by their refresh tokens
    if auth.apps[at].client_secret != text("client_secret") {
        return Err(refused("BAD_CLIENT_SECRET", "invalid_client", "missing or invalid client secret"));
    }
    Ok(at)
}

pub(crate) fn token(call: &Call<'_>) -> Result<Reply, Refusal> {
    let fields = form(call);
    let text = |name: &str| fields.get(name).map_or("", String::as_str);
    let mut auth = call.inner.auth();
    if let Err(reply) = app_at(&auth, &fields) {
        return Ok(reply);
    }
    let of_client = |app: &App| app.client_id == text("client_id");
    let found = match text("grant_type") {
        "refresh_token" => {
            let found = auth
                .apps
                .iter()
                .position(|app| of_client(app) && app.refresh_token == text("refresh_token") && !app.revoked);
            found.ok_or_else(|| {
                refused("BAD_REFRESH_TOKEN", "invalid_grant", "refresh token is invalid, expired or revoked")
            })
        }
        "authorization_code" => {
            let found = auth
                .apps
                .iter()
                .position(|app| of_client(app) && app.code.as_deref() == Some(text("code")) && !app.revoked);
            found.ok_or_else(|| refused("BAD_AUTH_CODE", "invalid_grant", "missing or unknown auth code"))
        }
        other => {
            Err(refused("BAD_GRANT_TYPE", "unsupported_grant_type", &format!("missing or unknown grant type: {other}")))
        }
    };
    let at = match found {
        Ok(at) => at,
        Err(reply) => return Ok(reply),
    };
    auth.issued += 1;
    let app = &auth.apps[at];
    let access = format!("sandbox-access-{}-{}", app.client_id, auth.issued);
    let grant = Grant {
        kind: if app.user_level { TokenKind::UserOauth } else { TokenKind::Oauth },
        scopes: app.scopes.as_ref().map(|scopes| scopes.iter().cloned().collect()),
        denied: app.denied_permissions.iter().cloned().collect(),
        app: app.client_id.clone(),
        expires_ms: Some(call.now_ms + LIFETIME_MS),
    };
    let mut answer = json!({
        "token_type": "bearer",
        "refresh_token": app.refresh_token,
        "access_token": access,
        "expires_in": LIFETIME_MS / 1000,
    });
    if call.version() != Version::V1 {
        answer["hub_id"] = json!(call.inner.config.portal_id);
        answer["user_id"] = json!(42);
        answer["scopes"] = json!(grant.shown_scopes());
        answer["token_use"] = json!("access_token");
    }
    auth.grants.insert(access, Arc::new(grant));
    Ok(Reply::of(200, &answer))
}

fn described(call: &Call<'_>, token: &str, grant: &Grant) -> Value {
    let left_s = grant.expires_ms.map_or(0, |at| ((at - call.now_ms) / 1000).max(0));
    json!({
        "active": grant.expires_ms.is_none_or(|at| at > call.now_ms),
        "token": token,
        "hub_id": call.inner.config.portal_id,
        "user_id": 42,
        "app_id": 1,
        "user": "owner@example.com",
        "hub_domain": "example.com",
        "scopes": grant.shown_scopes(),
        "client_id": grant.app,
        "token_type": "access",
        "token_use": "access_token",
        "expires_in": left_s,
        "is_private_distribution": false,
        "signed_access_token": { "hublet": "na1", "isUserLevel": grant.kind == TokenKind::UserOauth, "isPrivateDistribution": false },
    })
}

pub(crate) fn introspect(call: &Call<'_>) -> Result<Reply, Refusal> {
    let fields = form(call);
    let auth = call.inner.auth();
    if let Err(reply) = app_at(&auth, &fields) {
        return Ok(reply);
    }
    let token = fields.get("token").map_or("", String::as_str);
    if let Some(app) = auth.apps.iter().find(|app| app.refresh_token == token) {
        let answer = json!({ "active": !app.revoked, "hub_id": call.inner.config.portal_id, "client_id": app.client_id, "token_use": "refresh_token" });
        return Ok(Reply::of(200, &answer));
    }
    let answer =
        auth.grants.get(token).map_or_else(|| json!({ "active": false }), |grant| described(call, token, grant));
    Ok(Reply::of(200, &answer))
}

pub(crate) fn revoke(call: &Call<'_>) -> Result<Reply, Refusal> {
    let fields = form(call);
    let mut auth = call.inner.auth();
    if let Err(reply) = app_at(&auth, &fields) {
        return Ok(reply);
    }
    let token = fields.get("token").cloned().unwrap_or_default();
    revoke_refresh(&mut auth, &token);
    if auth.grants.get(&token).is_some_and(|grant| grant.kind.is_oauth() && grant.expires_ms.is_some()) {
        auth.grants.remove(&token);
    }
    Ok(Reply::empty(204))
}

fn revoke_refresh(auth: &mut Auth, token: &str) {
    for app in &mut auth.apps {
        app.revoked |= app.refresh_token == token;
    }
}

pub(crate) fn access_token(call: &Call<'_>) -> Result<Reply, Refusal> {
    let auth = call.inner.auth();
    let token = call.param(0);
    let grant = auth.grants.get(token).filter(|grant| grant.kind.is_oauth()).ok_or_else(Refusal::not_found)?;
    Ok(Reply::of(200, &described(call, token, grant)))
}

pub(crate) fn refresh_token_delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    revoke_refresh(&mut call.inner.auth(), call.param(0));
    Ok(Reply::empty(204))
}

/// What a private app's token or a service key is and may.
pub(crate) fn private_app_info(call: &Call<'_>) -> Result<Reply, Refusal> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wanted {
        token_key: String,
    }
    let wanted: Wanted = crate::input::parse(call.body)?;
    let auth = call.inner.auth();
    let grant = auth.grants.get(&wanted.token_key).ok_or_else(Refusal::not_found)?;
    Ok(Reply::of(
        200,
        &json!({
            "hubId": call.inner.config.portal_id, "userId": 42, "appId": 1, "scopes": grant.shown_scopes(),
        }),
    ))
}
