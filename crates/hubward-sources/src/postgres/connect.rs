//! Reaching the server: the URL, its `sslmode`, the session.

use std::time::Duration;

use hubward_core::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::refusal;
use super::tls::{self, Trust};
use crate::error::{SourceError, SourceErrorKind};

/// How long one address may take to answer, unless the URL says otherwise.
const CONNECT_TIMEOUT_MS: u64 = 10_000;

/// Where and how to connect; holds the password, hence no `Debug`.
#[derive(Clone)]
pub(super) struct Target {
    config: Config,
    trust: Trust,
}

/// A connection that lives as long as this.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) tls: MakeRustlsConnect,
    driver: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Target {
    /// Reads a `postgres://` URL or `key=value` pairs, with every `sslmode` of libpq.
    pub(super) fn parse(url: &SecretString) -> Result<Self, SourceError> {
        let mut ssl = SslOptions::default();
        let rest = ssl.take_from(url.expose_secret());
        // The parser's own words may quote a piece of the URL, and a piece of a badly written URL may be the password.
        let mut config: Config = rest.parse().map_err(|_| {
            SourceError::new(SourceErrorKind::Connect, "the URL of the PostgreSQL source cannot be understood")
                .help("write postgres://user:password@host:5432/database; special characters of the password as %XX")
        })?;
        let (mode, trust) = ssl.chosen()?;
        config.ssl_mode(mode);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS));
        }
        if config.get_application_name().is_none() {
            config.application_name("hubward");
        }
        Ok(Self { config, trust })
    }

    pub(super) async fn connect(&self) -> Result<Session, SourceError> {
        let tls = tls::connector(&self.trust)?;
        let (client, connection) =
            self.config.connect(tls.clone()).await.map_err(|error| refusal::of_connection(&error, &self.shown()))?;
        // What breaks the connection reaches the client's calls as well.
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Session { client, tls, driver })
    }

    /// The server's address for messages, without user and password.
    fn shown(&self) -> String {
        let ports = self.config.get_ports();
        let mut shown = Vec::new();
        for (index, host) in self.config.get_hosts().iter().enumerate() {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            shown.push(match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(folder) => format!("{}:{port}", folder.display()),
            });
        }
        shown.join(", ")
    }
}

/// The options of the URL that the parser does not know, or knows only in part.
#[derive(Default)]
struct SslOptions {
    mode: Option<String>,
    root_cert: Option<String>,
}

impl SslOptions {
    /// Notes `sslmode` and `sslrootcert` and gives the URL without them.
    fn take_from(&mut self, url: &str) -> String {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            let mut kept = Vec::new();
            for pair in url.split_whitespace() {
                if !self.note(pair) {
                    kept.push(pair);
                }
            }
            // Without a pair of ours the text is passed on untouched: a quoted value may hold spaces.
            return if self.mode.is_none() && self.root_cert.is_none() { url.to_owned() } else { kept.join(" ") };
        }
        let Some((base, query)) = url.split_once('?') else {
            return url.to_owned();
        };
        let mut kept = Vec::new();
        for pair in query.split('&') {
            if !self.note(pair) {
                kept.push(pair);
            }
        }
        format!("{base}?{}", kept.join("&"))
    }

    fn note(&mut self, pair: &str) -> bool {
        match pair.split_once('=') {
            Some(("sslmode", mode)) => self.mode = Some(mode.to_owned()),
            Some(("sslrootcert", path)) => self.root_cert = Some(path.replace("%2F", "/")),
            _ => return false,
        }
        true
    }

    fn chosen(self) -> Result<(SslMode, Trust), SourceError> {
        let verify = Trust::Verified { root_cert: self.root_cert.filter(|path| path != "system") };
        Ok(match self.mode.as_deref() {
            Some("disable") => (SslMode::Disable, Trust::Anyone),
            None | Some("allow" | "prefer") => (SslMode::Prefer, Trust::Anyone),
            Some("require") => (SslMode::Require, Trust::Anyone),
            // The host's name is checked as well, which is more than libpq does for `verify-ca`.
            Some("verify-ca" | "verify-full") => (SslMode::Require, verify),
            Some(_) => {
                return Err(SourceError::new(
                    SourceErrorKind::Connect,
                    "the URL of the PostgreSQL source has an unknown sslmode",
                )
                .help("one of disable, allow, prefer, require, verify-ca, verify-full"));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Target, SourceError> {
        Target::parse(&SecretString::from(url.to_owned()))
    }

    #[test]
    fn every_sslmode_of_libpq_is_understood() {
        for (mode, expected) in [
            ("disable", SslMode::Disable),
            ("allow", SslMode::Prefer),
            ("prefer", SslMode::Prefer),
            ("require", SslMode::Require),
            ("verify-ca", SslMode::Require),
            ("verify-full", SslMode::Require),
        ] {
            let url = format!("postgres://u:p@h/db?sslmode={mode}&application_name=x");
            let target = parse(&url).expect("it is sound");
            assert_eq!(target.config.get_ssl_mode(), expected, "{mode}");
            assert_eq!(target.config.get_application_name(), Some("x"));
            let verified = matches!(target.trust, Trust::Verified { .. });
            assert_eq!(verified, mode.starts_with("verify"), "{mode}");
            let target = parse(&format!("host=h user=u sslmode={mode}")).expect("it is sound");
            assert_eq!(target.config.get_ssl_mode(), expected, "{mode}");
        }
    }

    #[test]
    fn no_error_tells_the_password() {
        for url in [
            "postgres://u:s3cret@h:port/db",
            "postgres://u:p@s3cret:x@h/db?s3cret=1",
            "s3cret",
            "postgres://u:s3cret@h/db?sslmode=s3cret",
        ] {
            let Err(error) = parse(url) else {
                panic!("`{url}` must be refused");
            };
            let told = format!("{error:?} {error}");
            assert!(!told.contains("s3cret"), "{told}");
        }
    }
}
