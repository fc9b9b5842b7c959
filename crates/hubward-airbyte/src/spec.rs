//! `spec`: what a connection's configuration may hold.
//!
//! Names, choices, defaults and what is required are those of Airbyte's own HubSpot destination, so that its saved
//! configurations work unchanged; a token beside OAuth and the API's version are ours. Texts are ours throughout.

use serde_json::{Value, json};

/// The platform links to `bucket_path/{sync_id}/`, so rejected records of a sync have to lie there.
pub(crate) const PATH_FORMAT: &str = "{sync_id}/{namespace}/{stream_name}/";
pub(crate) const FILE_NAME_FORMAT: &str = "{date}_{timestamp}_{part_number}{format_extension}";

/// The empty choice means the region of the machine, or none for a store that is not Amazon's.
const REGIONS: [&str; 34] = [
    "",
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// Object types whose schemas an app must be able to read.
const SCHEMA_SCOPES: [&str; 13] = [
    "appointments",
    "carts",
    "commercepayments",
    "companies",
    "contacts",
    "courses",
    "custom",
    "deals",
    "invoices",
    "listings",
    "orders",
    "services",
    "subscriptions",
];

/// Object types that an app may be granted to write.
const WRITE_SCOPES: [&str; 14] = [
    "appointments",
    "carts",
    "commercepayments",
    "companies",
    "contacts",
    "courses",
    "custom",
    "deals",
    "invoices",
    "listings",
    "orders",
    "products",
    "services",
    "subscriptions",
];

/// The `spec` object of a SPEC message.
#[must_use]
pub fn specification() -> Value {
    json!({
        "documentationUrl": "https://docs.airbyte.com/integrations/destinations/hubspot",
        "connectionSpecification": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "HubSpot (Hubward)",
            "type": "object",
            "additionalProperties": true,
            "properties": {
                "credentials": credentials(),
                "object_storage_config": object_storage(),
                "api_version": {
                    "type": "string",
                    "title": "API Version",
                    "description": "Version of HubSpot's API. 2026-09 enforces rules of the account (required properties, \
                                    validation) that v3 does not.",
                    "enum": ["v3", "2026-03", "2026-09"],
                    "default": "v3",
                    "order": 2
                }
            },
            "required": ["credentials"]
        },
        "supportsIncremental": true,
        "supportsNormalization": false,
        "supportsDBT": false,
        // What can be done with an object says `discover`.
        "supported_destination_sync_modes": ["append"],
        "advanced_auth": advanced_auth()
    })
}

fn credentials() -> Value {
    json!({
        "type": "object",
        "title": "Credentials",
        "description": "How the destination signs in to HubSpot.",
        "order": 0,
        "oneOf": [
            {
                "title": "OAuth",
                "type": "object",
                "additionalProperties": true,
                "properties": {
                    "type": constant("OAuth"),
                    "client_id": secret("Client ID", "Client id of your HubSpot app.", 0),
                    "client_secret": secret("Client Secret", "Client secret of your HubSpot app.", 1),
                    "refresh_token": secret("Refresh Token", "Refresh token of the account's grant to the app.", 2)
                },
                "required": ["type", "client_id", "client_secret", "refresh_token"]
            },
            {
                "title": "Private App",
                "type": "object",
                "additionalProperties": true,
                "properties": {
                    "type": constant("PrivateApp"),
                    "access_token": secret(
                        "Access Token",
                        "Token of a private app, with the read and write scopes of the objects that are synced.",
                        0
                    )
                },
                "required": ["type", "access_token"]
            }
        ]
    })
}

fn object_storage() -> Value {
    json!({
        "type": "object",
        "title": "Object Storage Configuration",
        "description": "Where records that HubSpot refuses are kept, each with its reason.",
        "order": 1,
        "oneOf": [
            {
                "title": "None",
                "type": "object",
                "description": "Rejected records are counted and told in the log, and not kept.",
                "additionalProperties": true,
                "properties": { "storage_type": constant("None") },
                "required": ["storage_type"]
            },
            {
                "title": "S3",
                "type": "object",
                "description": "Amazon S3, or a store that speaks its API.",
                "additionalProperties": true,
                "properties": {
                    "storage_type": constant("S3"),
                    "access_key_id": shown(secret("Access Key ID", "Leave empty to use the machine's own credentials.", 1)),
                    "secret_access_key": shown(secret("Secret Access Key", "The secret that goes with the access key id.", 2)),
                    "role_arn": { "type": "string", "title": "Role ARN", "description": "Known for the sake of saved configurations; not used.", "order": 3 },
                    "s3_bucket_name": { "type": "string", "title": "S3 Bucket Name", "description": "The bucket must exist.", "order": 4 },
                    "s3_bucket_region": { "type": "string", "title": "S3 Bucket Region", "description": "Region of the bucket.", "enum": REGIONS.as_slice(), "default": "", "order": 5 },
                    "s3_endpoint": { "type": "string", "title": "S3 Endpoint", "description": "Address of a store that is not Amazon's.", "examples": ["http://localhost:9000"], "order": 6 },
                    "bucket_path": { "type": "string", "title": "Prefix Path in the Bucket", "description": "Everything is written below it.", "examples": ["prefix/"], "order": 7 },
                    "format": format(),
                    "compression": compression(),
                    "path_format": { "type": "string", "title": "Path Format", "default": PATH_FORMAT, "airbyte_hidden": true, "order": 10 },
                    "file_name_format": { "type": "string", "title": "File Name Format", "default": FILE_NAME_FORMAT, "airbyte_hidden": true, "order": 11 }
                },
                "required": ["storage_type", "s3_bucket_name", "s3_bucket_region", "bucket_path", "format"]
            }
        ]
    })
}

fn format() -> Value {
    let flattening = json!({
        "type": "string",
        "title": "Flattening",
        "default": "No flattening",
        "enum": ["No flattening", "Root level flattening"]
    });
    json!({
        "type": "object",
        "title": "Output Format",
        "default": "CSV",
        "airbyte_hidden": true,
        "order": 8,
        "oneOf": [
            {
                "title": "CSV: Comma-Separated Values",
                "type": "object",
                "additionalProperties": true,
                "properties": { "format_type": constant("CSV"), "flattening": flattening },
                "required": ["format_type", "flattening"]
            },
            {
                "title": "JSON Lines: Newline-delimited JSON",
                "type": "object",
                "additionalProperties": true,
                "properties": {
                    "format_type": constant("JSONL"),
                    "flattening": flattening,
                    "stringify": { "type": "string", "title": "Stringify JSON", "default": "Default", "enum": ["Default", "Stringify"] }
                },
                "required": ["format_type"]
            }
        ]
    })
}

fn compression() -> Value {
    let choice = |name: &str| {
        json!({
            "title": if name == "GZIP" { "GZIP" } else { "No Compression" },
            "type": "object",
            "additionalProperties": true,
            "properties": { "compression_type": constant(name) },
            "required": ["compression_type"]
        })
    };
    json!({
        "type": "object",
        "title": "Compression",
        "airbyte_hidden": true,
        "order": 9,
        "oneOf": [choice("No Compression"), choice("GZIP")]
    })
}

/// The platform's forms tell branches apart by an enum of one value.
fn constant(value: &str) -> Value {
    json!({ "type": "string", "enum": [value], "default": value })
}

fn secret(title: &str, description: &str, order: u32) -> Value {
    json!({ "type": "string", "title": title, "description": description, "airbyte_secret": true, "order": order })
}

fn shown(mut property: Value) -> Value {
    property["always_show"] = json!(true);
    property
}

fn advanced_auth() -> Value {
    let scopes = |family: &str, types: &[&str], right: &str| {
        types.iter().map(|type_| format!("crm.{family}.{type_}.{right}")).collect::<Vec<_>>().join(" ")
    };
    let field = |name: &str, path: &[&str]| json!({ name: { "type": "string", "path_in_connector_config": path } });
    let mut server_output = field("client_id", &["credentials", "client_id"]);
    server_output["client_secret"] = field("client_secret", &["credentials", "client_secret"])["client_secret"].take();
    json!({
        "auth_flow_type": "oauth2.0",
        "predicate_key": ["credentials", "type"],
        "predicate_value": "OAuth",
        "oauth_config_specification": {
            "oauth_connector_input_specification": {
                "consent_url": concat!(
                    "https://app.hubspot.com/oauth/authorize?{{ client_id_key }}={{ client_id_value }}",
                    "&{{ redirect_uri_key }}={{ redirect_uri_value | urlencode }}",
                    "&{{ scope_key }}={{ scope_value | urlencode }}",
                    "&optional_scope={{ optional_scope | urlencode }}",
                    "&{{ state_key }}={{ state_value }}",
                    "&code_challenge={{ state_value | codechallengeS256 }}"
                ),
                "scope": scopes("schemas", &SCHEMA_SCOPES, "read"),
                "optional_scope": scopes("objects", &WRITE_SCOPES, "write"),
                "access_token_url": "https://api.hubapi.com/oauth/v1/token",
                "extract_output": ["access_token", "refresh_token", "expires_in"],
                "access_token_headers": { "Content-Type": "application/x-www-form-urlencoded" },
                "access_token_params": {
                    "client_id": "{{ client_id_value }}",
                    "client_secret": "{{ client_secret_value }}",
                    "code": "{{ auth_code_value }}",
                    "grant_type": "authorization_code",
                    "redirect_uri": "{{ redirect_uri_value }}"
                }
            },
            "complete_oauth_output_specification": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "refresh_token": {
                    "type": "string",
                    "path_in_connector_config": ["credentials", "refresh_token"],
                    "path_in_oauth_response": ["refresh_token"]
                } }
            },
            "complete_oauth_server_input_specification": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "client_id": { "type": "string" }, "client_secret": { "type": "string" } }
            },
            "complete_oauth_server_output_specification": {
                "type": "object",
                "additionalProperties": false,
                "properties": server_output
            }
        }
    })
}
