//! Owns the page on which a user lets an app into the account (api.md 10.1): a form that a person presses and a program posts.

use crate::answers::{Refusal, Reply};
use crate::apps::{App, Challenge};
use crate::call::Call;
use crate::route::pairs;

/// What the page was asked for, checked.
struct Asked {
    client_id: String,
    redirect_uri: String,
    scopes: Vec<String>,
    optional: Vec<String>,
    state: Option<String>,
    challenge: Option<Challenge>,
}

/// `GET`: the page, or what is wrong with the link, in the browser.
pub(crate) fn page(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(match asked(call, call.query) {
        Ok(asked) => Reply::html(200, shown(&asked, call.inner.config.portal_id, call.query)),
        Err(problem) => Reply::html(400, trouble(&problem)),
    })
}

/// `POST` of the page's form: back to the app, with a code or with the user's refusal.
pub(crate) fn decide(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut fields = call.query.to_vec();
    fields.extend(pairs(&String::from_utf8_lossy(call.body)));
    let asked = match asked(call, &fields) {
        Ok(asked) => asked,
        Err(problem) => return Ok(Reply::html(400, trouble(&problem))),
    };
    let mut back = Vec::new();
    if field(&fields, "decision") == Some("deny") {
        back.push(("error", "access_denied".to_owned()));
        back.push(("error_description", "Authorization was denied by the user".to_owned()));
    } else {
        let mut scopes = asked.scopes;
        scopes.extend(asked.optional);
        scopes.push("oauth".to_owned());
        scopes.sort_unstable();
        scopes.dedup();
        let mut auth = call.inner.auth();
        let code = auth.apps.consent(&asked.client_id, &asked.redirect_uri, scopes, asked.challenge, call.now_ms);
        back.push(("code", code));
    }
    if let Some(state) = asked.state {
        back.push(("state", state));
    }
    let mut location = asked.redirect_uri;
    for (name, value) in back {
        location.push(if location.contains('?') { '&' } else { '?' });
        location.push_str(&format!("{name}={}", encoded(&value)));
    }
    Ok(Reply::empty(302).at(location))
}

fn field<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| &**value).filter(|value| !value.is_empty())
}

/// The texts are ours, but for the words that HubSpot is known to use.
fn asked(call: &Call<'_>, fields: &[(String, String)]) -> Result<Asked, String> {
    let client_id = field(fields, "client_id").ok_or("Missing client_id")?;
    let auth = call.inner.auth();
    let app = auth.apps.app(client_id).ok_or("Unknown client_id: no app of that id is known")?;
    let redirect_uri = field(fields, "redirect_uri").ok_or("Missing redirect_uri")?;
    let registered = app.redirect_uris.is_empty() || app.redirect_uris.iter().any(|one| one == redirect_uri);
    // a fragment would swallow the code, a line break would end the header
    if !registered || redirect_uri.contains(['#', '\r', '\n']) || !redirect_uri.contains("://") {
        return Err("The redirect URL doesn't match the registered redirect URL".to_owned());
    }
    let list = |name| field(fields, name).unwrap_or_default().split([' ', ',']).filter(|one| !one.is_empty());
    let scopes: Vec<String> = list("scope").map(str::to_owned).collect();
    let optional: Vec<String> = list("optional_scope").map(str::to_owned).collect();
    if scopes.is_empty() {
        return Err("Missing scope".to_owned());
    }
    if let Some(both) = scopes.iter().find(|scope| optional.contains(scope)) {
        return Err(format!("The scope {both} is listed in both scope and optional_scope"));
    }
    if let Some(bad) = scopes.iter().chain(&optional).find(|scope| !is_scope(scope)) {
        return Err(format!("An invalid scope name was provided: {bad}"));
    }
    if let Some(beyond) = scopes.iter().chain(&optional).find(|scope| !may_ask(app, scope)) {
        return Err(format!(
            "Authorization failed because there is a scope mismatch between this URL and the app's settings: {beyond}"
        ));
    }
    let challenge = match (field(fields, "code_challenge"), field(fields, "code_challenge_method")) {
        (None, None) => None,
        (Some(challenge), Some("S256")) => Some(Challenge::Sha256(challenge.to_owned())),
        (Some(challenge), None | Some("plain")) => Some(Challenge::Plain(challenge.to_owned())),
        (None, Some(_)) => return Err("Missing code_challenge".to_owned()),
        (Some(_), Some(method)) => return Err(format!("Unknown code_challenge_method: {method}")),
    };
    Ok(Asked {
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        scopes,
        optional,
        state: field(fields, "state").map(str::to_owned),
        challenge,
    })
}

fn may_ask(app: &App, scope: &str) -> bool {
    scope == "oauth" || app.scopes.as_ref().is_none_or(|own| own.iter().any(|one| one == scope))
}

/// HubSpot's list of scopes changes; names are judged by their form, and those of objects and schemas by their verb.
fn is_scope(scope: &str) -> bool {
    let plain = scope.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    let of_records = scope.starts_with("crm.objects.") || scope.starts_with("crm.schemas.");
    let verb = || scope.split('.').skip(3).any(|part| matches!(part, "read" | "write" | "delete"));
    plain && (!of_records || verb())
}

fn shown(asked: &Asked, portal_id: u64, fields: &[(String, String)]) -> String {
    let item = |scope: &String| format!("<li><code>{}</code></li>", escaped(scope));
    let items: String = asked.scopes.iter().map(item).collect();
    let optional = if asked.optional.is_empty() {
        String::new()
    } else {
        format!(
            "<p>and, where the account has them,</p><ul>{}</ul>",
            asked.optional.iter().map(item).collect::<String>()
        )
    };
    let hidden: String = fields
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value)))
        .collect();
    document(&format!(
        "<h1>Connect an app to account {portal_id}</h1><p>The app <code>{}</code> asks for</p><ul>{items}</ul>{optional}\
         <form method=\"post\">{hidden}\
         <button name=\"decision\" value=\"allow\">Connect app</button> \
         <button name=\"decision\" value=\"deny\">Cancel</button></form>",
        escaped(&asked.client_id)
    ))
}

fn trouble(problem: &str) -> String {
    document(&format!("<h1>Authorization failed</h1><p>{}</p>", escaped(problem)))
}

fn document(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sandbox: connect an app</title>\
         <body style=\"font-family:sans-serif;max-width:40em;margin:3em auto\">{body}</body></html>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
