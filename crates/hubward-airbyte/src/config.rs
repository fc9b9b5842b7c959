//! The connection's configuration, as Airbyte's own specification of the destination has it and with a token beside OAuth.
//!
//! What is wrong is told without quoting a value: any of them may be a secret.

use hubward_core::SecretString;
use hubward_hubspot::{ApiVersion, Auth};
use serde_json::Value;

use crate::dead_letter::{Format, Storage};
use crate::failure::Failure;

/// A configuration that can be worked with.
#[derive(Clone, Debug)]
pub struct Config {
    pub auth: Auth,
    /// v3 unless it is set: what the destination that this one stands in for speaks.
    pub version: ApiVersion,
    /// Its text.
    pub text: SecretString,
    /// Where rejected records go; none: they are counted and told, and not kept.
    pub storage: Option<Storage>,
}

impl Config {
    /// Reads the text of a configuration.
    ///
    /// # Errors
    /// What is missing or wrong in it.
    pub fn read(json: &[u8]) -> Result<Self, Failure> {
        // The parser's own words could quote a secret.
        let config: Value = serde_json::from_slice(json).map_err(|error| {
            Failure::config(format!("the configuration is not JSON (line {}, column {})", error.line(), error.column()))
        })?;
        if !config.is_object() {
            return Err(Failure::config("the configuration is not an object"));
        }
        let version = match text(&config, "api_version") {
            Some(version) => {
                version.parse().map_err(|_| Failure::config("api_version is none of v3, 2026-03 and 2026-09"))?
            }
            None => ApiVersion::V3,
        };
        let text = SecretString::from(String::from_utf8_lossy(json).into_owned());
        Ok(Self {
            text,
            auth: auth(&config["credentials"])?,
            version,
            storage: storage(&config["object_storage_config"])?,
        })
    }
}

/// A text that is there and not empty.
fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value[key].as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn auth(credentials: &Value) -> Result<Auth, Failure> {
    if !credentials.is_object() {
        return Err(Failure::config(
            "the configuration has no credentials: give credentials of type PrivateApp with an access_token, or of \
             type OAuth with client_id, client_secret and refresh_token",
        ));
    }
    let needed = |key: &str| {
        text(credentials, key)
            .map(str::to_owned)
            .ok_or_else(|| Failure::config(format!("credentials.{key} is missing from the configuration")))
    };
    let inferred = if text(credentials, "access_token").is_some() { "PrivateApp" } else { "OAuth" };
    match text(credentials, "type").unwrap_or(inferred) {
        "PrivateApp" => Ok(Auth::Token(SecretString::from(needed("access_token")?))),
        "OAuth" => Ok(Auth::OAuth {
            client_id: needed("client_id")?,
            client_secret: SecretString::from(needed("client_secret")?),
            refresh_token: SecretString::from(needed("refresh_token")?),
        }),
        _ => Err(Failure::config("credentials.type is neither OAuth nor PrivateApp")),
    }
}

fn storage(config: &Value) -> Result<Option<Storage>, Failure> {
    if config.is_null() {
        return Ok(None);
    }
    if !config.is_object() {
        return Err(Failure::config("object_storage_config is not an object"));
    }
    match text(config, "storage_type") {
        // An empty object is what some forms save for "none".
        None | Some("None") => return Ok(None),
        Some("S3") => {}
        Some(_) => return Err(Failure::config("object_storage_config.storage_type is neither None nor S3")),
    }
    let secret = |key: &str| text(config, key).map(|value| SecretString::from(value.to_owned()));
    let keys = match (secret("access_key_id"), secret("secret_access_key")) {
        (Some(id), Some(key)) => Some((id, key)),
        (None, None) => None,
        _ => {
            return Err(Failure::config(
                "object_storage_config needs both access_key_id and secret_access_key, or neither to use the machine's own",
            ));
        }
    };
    let bucket = text(config, "s3_bucket_name")
        .ok_or_else(|| Failure::config("object_storage_config.s3_bucket_name is missing"))?;
    let template = |key: &str, default: &str| text(config, key).unwrap_or(default).to_owned();
    Ok(Some(Storage {
        keys,
        bucket: bucket.to_owned(),
        region: text(config, "s3_bucket_region").map(str::to_owned),
        endpoint: text(config, "s3_endpoint").map(|url| url.trim_end_matches('/').to_owned()),
        prefix: text(config, "bucket_path").unwrap_or_default().to_owned(),
        path_format: template("path_format", crate::spec::PATH_FORMAT),
        file_name_format: template("file_name_format", crate::spec::FILE_NAME_FORMAT),
        names_role: text(config, "role_arn").is_some(),
        format: format(&config["format"])?,
        gzip: gzip(&config["compression"])?,
    }))
}

fn format(format: &Value) -> Result<Format, Failure> {
    let flattened = match text(format, "flattening") {
        None | Some("No flattening") => false,
        Some("Root level flattening") => true,
        Some(_) => {
            return Err(Failure::config(
                "format.flattening is neither \"No flattening\" nor \"Root level flattening\"",
            ));
        }
    };
    match text(format, "format_type") {
        None | Some("CSV") => Ok(Format::Csv { flattened }),
        Some("JSONL") => {
            let stringified = match text(format, "stringify") {
                None | Some("Default") => false,
                Some("Stringify") => true,
                Some(_) => return Err(Failure::config("format.stringify is neither Default nor Stringify")),
            };
            Ok(Format::JsonLines { flattened, stringified })
        }
        Some(_) => Err(Failure::config("format.format_type is neither CSV nor JSONL")),
    }
}

fn gzip(compression: &Value) -> Result<bool, Failure> {
    match text(compression, "compression_type") {
        None | Some("No Compression") => Ok(false),
        Some("GZIP") => Ok(true),
        Some(_) => Err(Failure::config("compression.compression_type is neither \"No Compression\" nor GZIP")),
    }
}

#[cfg(test)]
mod tests {
    use hubward_core::ExposeSecret as _;
    use serde_json::json;

    use super::*;

    fn read(config: &Value) -> Result<Config, Failure> {
        Config::read(config.to_string().as_bytes())
    }

    #[test]
    fn both_credentials_are_read() {
        let config = read(&json!({"credentials": {"type": "PrivateApp", "access_token": "t"}})).expect("read");
        assert!(matches!(config.auth, Auth::Token(token) if token.expose_secret() == "t"));
        assert_eq!(config.version, ApiVersion::V3);
        let oauth = json!({"credentials": {"type": "OAuth", "client_id": "i", "client_secret": "s", "refresh_token": "r"},
            "api_version": "2026-09", "object_storage_config": {"storage_type": "None"}, "unheard_of": 1});
        let config = read(&oauth).expect("read");
        assert!(matches!(config.auth, Auth::OAuth { client_id, .. } if client_id == "i"));
        assert!(config.storage.is_none());
        assert_eq!(config.version, ApiVersion::V2026_09);
    }

    #[test]
    fn a_bucket_has_the_specifications_defaults() {
        let config =
            read(&json!({"credentials": {"type": "PrivateApp", "access_token": "t"}, "object_storage_config": {
            "storage_type": "S3", "s3_bucket_name": "b", "s3_bucket_region": "", "bucket_path": "p/",
            "format": {"format_type": "JSONL"}}}))
            .expect("read");
        let storage = config.storage.expect("a bucket");
        assert_eq!(storage.path_format, "{sync_id}/{namespace}/{stream_name}/");
        assert_eq!(storage.file_name_format, "{date}_{timestamp}_{part_number}{format_extension}");
        assert_eq!(storage.format, Format::JsonLines { flattened: false, stringified: false });
        assert!(!storage.gzip && storage.keys.is_none() && storage.region.is_none());
    }

    #[test]
    fn what_is_wrong_is_told_without_a_value() {
        let token = json!({"type": "PrivateApp", "access_token": "t"});
        let cases = [
            (json!({}), "no credentials"),
            (json!({"credentials": null}), "no credentials"),
            (json!({"credentials": {"type": "hush"}}), "neither OAuth nor PrivateApp"),
            (json!({"credentials": {"type": "OAuth", "client_id": "hush", "refresh_token": "hush"}}), "client_secret"),
            (json!({"credentials": {"type": "PrivateApp"}}), "access_token"),
            (json!({"credentials": token, "api_version": "hush"}), "api_version"),
            (json!({"credentials": token, "object_storage_config": {"storage_type": "hush"}}), "storage_type"),
            (json!({"credentials": token, "object_storage_config": {"storage_type": "S3"}}), "s3_bucket_name"),
            (
                json!({"credentials": token,
                    "object_storage_config": {"storage_type": "S3", "access_key_id": "hush", "s3_bucket_name": "b"}}),
                "both",
            ),
            (
                json!({"credentials": token, "object_storage_config": {"storage_type": "S3", "s3_bucket_name": "b",
                    "format": {"format_type": "hush"}}}),
                "format_type",
            ),
        ];
        for (config, part) in cases {
            let failure = read(&config).expect_err("refused");
            assert!(failure.message.contains(part) && !failure.message.contains("hush"), "{config}: {failure}");
        }
        let failure = Config::read(b"{\"access_token\": hush").expect_err("refused");
        assert!(!failure.message.contains("hush"), "{failure}");
    }
}
