//! Owns what an account tells of its tokens (api.md 10.3): v1 by a path that holds the token, later versions by a form.

use serde_json::{Value, json};

use crate::answers::{Refusal, Reply};
use crate::apps::Install;
use crate::auth::{Auth, Grant, TokenKind, shown};
use crate::call::Call;
use crate::oauth::{app, field, form};

const USER_ID: u64 = 42;
const USER: &str = "owner@example.com";
const HUB_DOMAIN: &str = "example.com";

fn app_id(auth: &Auth, client_id: &str) -> u64 {
    auth.apps.app(client_id).map_or(1, |app| app.app_id)
}

fn left_s(call: &Call<'_>, grant: &Grant) -> i64 {
    grant.expires_ms.map_or(0, |at| ((at - call.now_ms) / 1000).max(0))
}

fn signed(call: &Call<'_>, auth: &Auth, grant: &Grant) -> Value {
    json!({
        "appId": app_id(auth, &grant.app), "appInstallId": grant.install.unwrap_or(0).to_string(), "audience": "",
        "expiresAt": grant.expires_ms.unwrap_or(0), "hubId": call.inner.config.portal_id, "hublet": "na1",
        "installingUserId": USER_ID, "isPrivateDistribution": false, "isServiceAccount": false,
        "isUserLevel": grant.kind == TokenKind::UserOauth, "newSignature": "", "scopeToScopeGroupPks": "",
        "scopes": "", "signature": "", "trialScopeToScopeGroupPks": "", "trialScopes": "", "userId": USER_ID,
    })
}

/// What both ways tell of an access token.
fn of_access(call: &Call<'_>, auth: &Auth, token: &str, grant: &Grant) -> Value {
    json!({
        "token": token, "hub_id": call.inner.config.portal_id, "user_id": USER_ID, "app_id": app_id(auth, &grant.app),
        "user": USER, "hub_domain": HUB_DOMAIN, "scopes": grant.shown_scopes(), "token_type": "access",
        "expires_in": left_s(call, grant), "is_private_distribution": false,
        "signed_access_token": signed(call, auth, grant),
    })
}

/// What both ways tell of a refresh token.
fn of_refresh(call: &Call<'_>, install: &Install) -> Value {
    let scopes = install.scopes.as_ref().map(|scopes| scopes.iter().cloned().collect());
    json!({
        "token": install.refresh_token, "hub_id": call.inner.config.portal_id, "user_id": USER_ID, "user": USER,
        "hub_domain": HUB_DOMAIN, "scopes": shown(scopes.as_ref()), "client_id": install.client_id, "token_type": "refresh",
    })
}

/// A token that is not the app's, that ran out or that nobody knows is inactive, and nothing more is said (RFC 7662).
pub(crate) fn introspect(call: &Call<'_>) -> Result<Reply, Refusal> {
    let fields = form(call);
    let auth = call.inner.auth();
    let client_id = match app(&auth, &fields) {
        Ok(app) => &app.client_id,
        Err(reply) => return Ok(reply),
    };
    let token = field(&fields, "token");
    let install = auth.apps.by_refresh_token(token).filter(|one| one.client_id == *client_id && !one.revoked);
    if let Some(install) = install {
        let mut answer = of_refresh(call, install);
        answer["active"] = json!(true);
        answer["app_id"] = json!(app_id(&auth, client_id));
        answer["token_use"] = json!("refresh_token");
        return Ok(Reply::of(200, &answer));
    }
    let own = |grant: &&std::sync::Arc<Grant>| {
        grant.install.is_some() && grant.app == *client_id && grant.expires_ms.is_none_or(|at| at > call.now_ms)
    };
    let Some(grant) = auth.grants.get(token).filter(own) else {
        return Ok(Reply::of(200, &json!({ "active": false })));
    };
    let mut answer = of_access(call, &auth, token, grant);
    answer["active"] = json!(true);
    answer["client_id"] = json!(client_id);
    answer["token_use"] = json!("access_token");
    Ok(Reply::of(200, &answer))
}

pub(crate) fn access_token(call: &Call<'_>) -> Result<Reply, Refusal> {
    let auth = call.inner.auth();
    let token = call.param(0);
    let alive =
        |grant: &&std::sync::Arc<Grant>| grant.kind.is_oauth() && grant.expires_ms.is_none_or(|at| at > call.now_ms);
    let grant = auth.grants.get(token).filter(alive).ok_or_else(Refusal::not_found)?;
    Ok(Reply::of(200, &of_access(call, &auth, token, grant)))
}

pub(crate) fn refresh_token(call: &Call<'_>) -> Result<Reply, Refusal> {
    let auth = call.inner.auth();
    let install = auth.apps.by_refresh_token(call.param(0)).filter(|install| !install.revoked);
    Ok(Reply::of(200, &of_refresh(call, install.ok_or_else(Refusal::not_found)?)))
}

/// What a private app's token or a service key is and may.
pub(crate) fn private_app(call: &Call<'_>) -> Result<Reply, Refusal> {
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
            "hubId": call.inner.config.portal_id, "userId": USER_ID, "appId": app_id(&auth, &grant.app),
            "scopes": grant.shown_scopes(),
        }),
    ))
}
