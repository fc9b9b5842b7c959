//! `sources:`.

use hubward_core::SecretString;
use hubward_core::spec::SourceSpec;

use crate::grammar::{ADBC, FILES, POSTGRES, SOURCE_TYPES, SQLITE};
use crate::read::{Names, Reader, Text};
use crate::yaml::{Node, Scalar};

pub(super) fn sources(reader: &mut Reader<'_, '_>, node: &Node) {
    for (key, value) in reader.named(node, "sources", "duplicate-name", "the source") {
        let Some(name) = reader.name(&key.text, &key.text, key.span, "a source") else {
            reader.lost(&[Names::Sources]);
            continue;
        };
        let spec = source(reader, value);
        let at = reader.sink.location(name.span);
        if let Some(spec) = spec {
            reader.read.sources.push((name.name.clone(), spec, at));
        }
        reader.read.source_names.push(name);
    }
}

fn source(reader: &mut Reader<'_, '_>, node: &Node) -> Option<SourceSpec> {
    let Some(type_node) = node.get("type") else {
        let (code, state) = if node.map().is_some() || node.is_null() {
            ("missing-key", "a source needs the key `type`".to_owned())
        } else {
            ("wrong-type", format!("a source must be a map, not {}", node.kind_name()))
        };
        reader.sink.error(
            code,
            node.span,
            state,
            "write `{ type: sqlite, path: … }`; the types are `sqlite`, `postgres`, `files` and `adbc`",
        );
        return None;
    };
    match SOURCE_TYPES[reader.word(type_node, "type", &SOURCE_TYPES)?] {
        "sqlite" => {
            let fields = reader.table(node, &SQLITE)?;
            let path = reader.text(fields.get("path")?, "path")?;
            Some(SourceSpec::Sqlite { path: reader.resolve(&path.value) })
        }
        "postgres" => {
            let fields = reader.table(node, &POSTGRES)?;
            Some(SourceSpec::Postgres { url: postgres_url(reader, fields.get("url")?)? })
        }
        "files" => {
            let fields = reader.table(node, &FILES)?;
            let root = reader.text(fields.get("root")?, "root")?;
            Some(SourceSpec::Files { root: reader.resolve(&root.value) })
        }
        _ => adbc(reader, node),
    }
}

fn postgres_url(reader: &mut Reader<'_, '_>, node: &Node) -> Option<SecretString> {
    let text = reader.text(node, "url")?;
    // libpq's other form, `host=… user=…`, has no scheme and goes through as it is.
    if let Some((scheme, _)) = text.value.split_once("://")
        && !matches!(scheme, "postgres" | "postgresql")
    {
        reader.sink.error(
            "bad-url",
            node.span,
            "the `url` of a source of type postgres must start with `postgres://`",
            "write `postgres://user:password@host:5432/database`, best as a variable: `url: ${NAME}`",
        );
        return None;
    }
    let warn = has_password(&text.value);
    reader.secret(node, "url", warn)
}

fn has_password(url: &str) -> bool {
    let user =
        url.split_once("://").and_then(|(_, rest)| rest.split_once('@')).is_some_and(|(user, _)| user.contains(':'));
    user || url.contains("password=")
}

fn adbc(reader: &mut Reader<'_, '_>, node: &Node) -> Option<SourceSpec> {
    let fields = reader.table(node, &ADBC)?;
    let driver = fields.get("driver").and_then(|node| reader.text(node, "driver"));
    let entrypoint = fields.get("entrypoint").map(|node| reader.text(node, "entrypoint"));
    let mut options = Vec::new();
    let mut whole = true;
    if let Some(node) = fields.get("options") {
        for (key, value) in reader.named(node, "options", "duplicate-key", "the option") {
            match reader.text(value, &key.text) {
                Some(text) => {
                    if is_secret_option(&key.text) && !value.scalar().is_some_and(Scalar::interpolated) {
                        // Only for its warning: the value is taken below.
                        reader.secret(value, &key.text, true);
                    }
                    let value = option_value(reader, driver.as_ref(), &key.text, &text);
                    options.push((key.text.clone(), SecretString::from(value)));
                }
                None => whole = false,
            }
        }
    }
    let driver = driver?.value;
    // A driver by path is relative to the project; a driver by name has no slash.
    let driver = if driver.contains('/') { reader.resolve(&driver).to_string_lossy().into_owned() } else { driver };
    let entrypoint = match entrypoint {
        Some(text) => Some(text?.value),
        None => None,
    };
    whole.then_some(SourceSpec::Adbc { driver, entrypoint, options })
}

fn is_secret_option(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "secret", "token", "private_key"].iter().any(|word| key.contains(word))
}

/// Paths of database files are relative to the project, as everywhere; what a driver calls a path is its option `path`,
/// and the SQLite driver's `uri` without a scheme.
fn option_value(reader: &Reader<'_, '_>, driver: Option<&Text>, key: &str, text: &Text) -> String {
    let sqlite = driver.is_some_and(|driver| driver.value.contains("sqlite"));
    let is_path = key == "path" || (key == "uri" && sqlite);
    if is_path && !text.value.contains(':') {
        reader.resolve(&text.value).to_string_lossy().into_owned()
    } else {
        text.value.clone()
    }
}
