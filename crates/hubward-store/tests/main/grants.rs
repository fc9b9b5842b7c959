//! Refresh tokens that outlive a run.

use std::os::unix::fs::PermissionsExt as _;

use hubward_core::{ExposeSecret as _, SecretString};
use hubward_store::{KeptGrant, StoreError};
use jiff::Timestamp;
use tempfile::TempDir;

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn current(grant: &KeptGrant) -> Option<String> {
    grant.current().expect("readable").map(|token| token.expose_secret().to_owned())
}

#[test]
fn a_kept_token_stands_for_the_configured_one_and_for_no_other() {
    let folder = TempDir::new().expect("a folder");
    let shop = KeptGrant::new(folder.path(), "shop", &secret("configured"));
    assert_eq!(current(&shop), None);
    shop.keep(&secret("first"), Timestamp::UNIX_EPOCH).expect("kept");
    shop.keep(&secret("second"), Timestamp::UNIX_EPOCH).expect("kept");
    let other = KeptGrant::new(folder.path(), "other", &secret("configured"));
    other.keep(&secret("third"), Timestamp::UNIX_EPOCH).expect("kept");
    let again = KeptGrant::new(folder.path(), "shop", &secret("configured"));
    assert_eq!(current(&again).as_deref(), Some("second"));
    assert_eq!(current(&other).as_deref(), Some("third"));
    let authorised_anew = KeptGrant::new(folder.path(), "shop", &secret("another"));
    assert_eq!(current(&authorised_anew), None);
    // names that run together are still two
    let split = KeptGrant::new(folder.path(), "shop:c", &secret("onfigured"));
    assert_eq!(current(&split), None);
}

#[test]
fn the_file_is_its_owners_alone_and_holds_no_configured_token() {
    let folder = TempDir::new().expect("a folder");
    let shop = KeptGrant::new(folder.path(), "shop", &secret("configured"));
    std::fs::write(folder.path().join("oauth.json.new"), "left by a crash").expect("written");
    shop.keep(&secret("kept"), Timestamp::UNIX_EPOCH).expect("kept");
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("known").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
    }
    let text = std::fs::read_to_string(shop.path()).expect("text");
    assert!(text.contains("kept") && !text.contains("configured"), "{text}");
    assert!(!format!("{shop:?}").contains("configured"));
}

#[test]
fn a_damaged_file_is_told_without_quoting_it_and_a_newer_one_is_left_alone() {
    let folder = TempDir::new().expect("a folder");
    let shop = KeptGrant::new(folder.path(), "shop", &secret("configured"));
    std::fs::write(shop.path(), "{\"grants\": [{\"refresh_token\": \"s3cret").expect("written");
    let error = shop.current().expect_err("damaged");
    assert!(matches!(error, StoreError::Corrupt { .. }));
    assert!(!format!("{error}{error:?}").contains("s3cret"));
    std::fs::write(shop.path(), r#"{"format":9,"grants":[]}"#).expect("written");
    assert!(matches!(shop.keep(&secret("x"), Timestamp::UNIX_EPOCH), Err(StoreError::NewerFormat { found: 9, .. })));
    assert_eq!(std::fs::read_to_string(shop.path()).expect("text"), r#"{"format":9,"grants":[]}"#);
}
