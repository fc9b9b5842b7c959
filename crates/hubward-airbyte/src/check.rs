//! `check`: whether HubSpot takes the credentials, and whether the bucket can be written.

use std::io;

use hubward_core::ErrorKind;
use hubward_hubspot::{ApiError, Client};

use crate::config::Config;
use crate::dead_letter::Bucket;
use crate::failure::Failure;
use crate::host::Host;
use crate::out::Out;

/// How a check that fails begins; the platform shows it as it is.
const FAILED: &str = "Could not connect with provided configuration.";

/// Object types of which one must be readable.
const ASKED: [&str; 6] = ["contacts", "companies", "deals", "tickets", "products", "line_items"];

/// Checks a configuration and says how it went, in one CONNECTION_STATUS. A check that fails is still a verb that worked.
///
/// # Errors
/// Stdout cannot be written.
pub async fn check(config: &[u8], host: &Host, out: &Out) -> io::Result<()> {
    match checked(config, host, out).await {
        Ok(()) => out.succeeded(),
        Err(failure) => out.failed(&failure, FAILED),
    }
}

async fn checked(config: &[u8], host: &Host, out: &Out) -> Result<(), Failure> {
    let config = Config::read(config)?;
    let client = host.client(&config, None, out);
    let account = client.account().await.map_err(|error| not_logged_in(&error))?;
    out.info(&format!("HubSpot account {} ({})", account.portal_id, account.account_type));
    objects(&client, out).await?;
    if let Some(storage) = &config.storage {
        note_role(storage.names_role && storage.keys.is_none(), out);
        Bucket::open(storage, &host.aws)?.check().await?;
        out.info(&format!("bucket {} can be written, listed and cleaned up", storage.bucket));
    }
    Ok(())
}

pub(crate) fn note_role(named: bool, out: &Out) {
    if named {
        out.warn("the configuration names a role that only Airbyte's own cloud can assume; the machine's credentials are used");
    }
}

pub(crate) fn not_logged_in(error: &ApiError) -> Failure {
    let mut failure = Failure::from(error);
    failure.message = format!("Could not log in. {}", failure.message);
    failure
}

/// A token of the right account may still lack every scope.
async fn objects(client: &Client, out: &Out) -> Result<(), Failure> {
    let mut first = None;
    let mut readable = 0;
    for object in ASKED {
        match client.properties(object).await {
            Ok(_) => readable += 1,
            Err(error) if is_refused(error.kind) => {
                out.warn(&format!(
                    "{object} cannot be written with these credentials: {}",
                    Failure::from(&error).message
                ));
                first.get_or_insert(error);
            }
            Err(error) => return Err(not_logged_in(&error)),
        }
    }
    match first {
        Some(error) if readable == 0 => Err(not_logged_in(&error)),
        _ => Ok(()),
    }
}

/// The account or the credentials do not have this; others may be there all the same.
pub(crate) fn is_refused(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::MissingScope
            | ErrorKind::MissingPermission
            | ErrorKind::NotInEdition
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::NoSuchPath
            | ErrorKind::UnknownObjectType
    )
}
