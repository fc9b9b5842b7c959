//! `hubspot:`: one account, or a map of named ones.

use url::{Host, Url};

use crate::grammar::{ACCOUNT, API_VERSIONS, LIMITS, OAUTH};
use crate::project::{AccountSpec, OAuthSpec};
use crate::read::Reader;
use crate::sink::{Span, quoted};
use crate::yaml::{Kind, Node, Scalar};

pub(super) fn accounts(reader: &mut Reader<'_, '_>, node: &Node) -> Vec<AccountSpec> {
    let mut accounts = Vec::new();
    if !are_named(node) {
        accounts.extend(account(reader, AccountSpec::DEFAULT, node, node.span));
        return accounts;
    }
    for (key, value) in reader.named(node, "hubspot", "duplicate-name", "the account") {
        let name = reader.name(&key.text, &key.text, key.span, "an account");
        let read = account(reader, &key.text, value, key.span);
        if name.is_some() {
            accounts.extend(read);
        }
    }
    accounts
}

/// Named accounts: every value is a map and no key is one of an account's own.
fn are_named(node: &Node) -> bool {
    node.map().is_some_and(|entries| {
        !entries.is_empty()
            && entries.iter().all(|(key, value)| ACCOUNT.key(&key.text).is_none() && matches!(value.kind, Kind::Map(_)))
    })
}

fn account(reader: &mut Reader<'_, '_>, name: &str, node: &Node, at: Span) -> Option<AccountSpec> {
    let fields = reader.table(node, &ACCOUNT)?;
    if !reader.credentials {
        let mut holes = Vec::new();
        for key in ["token", "oauth"] {
            if let Some(node) = fields.get(key) {
                node.missing(&mut holes);
            }
        }
        reader.sink.forgive_missing(&holes);
    }
    let token_node = fields.get("token");
    let token = token_node.and_then(|node| reader.secret(node, "token", true));
    let oauth = fields.get("oauth").and_then(|node| oauth(reader, node));
    match (token_node, fields.get("oauth")) {
        (Some(token), Some(_)) => reader.sink.warning(
            "token-and-oauth",
            token.span,
            "the account has both `token` and `oauth`; the token is used",
            "remove the one that you do not need",
        ),
        (None, None) if reader.credentials && !fields.meant("token") && !fields.meant("oauth") => reader.sink.error(
            "no-credentials",
            at,
            "the account has neither `token` nor `oauth`",
            "add `token: ${HUBSPOT_TOKEN}` with a private app's token or a service key",
        ),
        _ => {}
    }
    let base_url = match fields.get("base_url") {
        Some(node) => base_url(reader, node),
        None => Some(AccountSpec::DEFAULT_BASE_URL.to_owned()),
    };
    let api_version = fields.get("api_version").and_then(|node| {
        let version = reader.word(node, "api_version", &API_VERSIONS)?;
        Some(API_VERSIONS[version].to_owned())
    });
    let portal_id = fields.get("portal_id").and_then(|node| reader.whole(node, "portal_id"));
    let mut share = None;
    let mut daily = None;
    if let Some(node) = fields.get("limits")
        && let Some(limits) = reader.table(node, &LIMITS)
    {
        share = limits.get("share").and_then(|node| reader.share(node, "share"));
        daily = limits.get("daily").and_then(|node| reader.whole(node, "daily"));
    }
    Some(AccountSpec {
        name: name.to_owned(),
        token,
        oauth,
        base_url: base_url?,
        api_version,
        portal_id,
        share,
        daily,
        at: reader.sink.location(at),
    })
}

fn oauth(reader: &mut Reader<'_, '_>, node: &Node) -> Option<OAuthSpec> {
    let fields = reader.table(node, &OAUTH)?;
    let client_id = fields.get("client_id").and_then(|node| reader.text(node, "client_id"));
    let client_secret = fields.get("client_secret").and_then(|node| reader.secret(node, "client_secret", true));
    let refresh_token = fields.get("refresh_token").and_then(|node| reader.secret(node, "refresh_token", true));
    Some(OAuthSpec { client_id: client_id?.value, client_secret: client_secret?, refresh_token: refresh_token? })
}

fn base_url(reader: &mut Reader<'_, '_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "base_url")?;
    let refuse = |reader: &mut Reader<'_, '_>, why: String| {
        reader.sink.error(
            "bad-url",
            text.span,
            why,
            "write `https://api.hubapi.com`, or the address of a sandbox such as `http://127.0.0.1:8089`",
        );
        None
    };
    let shown = if text.value.contains('@') && !node.scalar().is_some_and(Scalar::interpolated) {
        "this".to_owned()
    } else {
        quoted(&text.written)
    };
    let url = match Url::parse(text.value.trim()) {
        Ok(url) => url,
        Err(error) => return refuse(reader, format!("{shown} is no URL: {error}")),
    };
    if !matches!(url.scheme(), "http" | "https") {
        return refuse(reader, format!("{shown} is no http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(reader, "`base_url` must not hold a user name or a password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse(reader, format!("{shown} must not have a `?` or `#` part"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        reader.sink.warning(
            "plain-http",
            text.span,
            format!("{shown} is not encrypted: the token can be read on its way to that machine"),
            "use `https`, unless it is a sandbox on a network of yours",
        );
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
