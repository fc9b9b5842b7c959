//! `models:` in `hubward.yml` and in `models/*.yml`.

use hubward_core::spec::{Model, ModelQuery};

use crate::grammar::{MODEL, MODEL_FILE, MODELS_FILE};
use crate::read::fields::Fields;
use crate::read::{Declared, Names, Reader};
use crate::sink::quoted;
use crate::yaml::Node;

/// A file of `models/`: one model under `model:`, or several under `models:`.
pub(crate) fn models_file(reader: &mut Reader<'_, '_>, tree: &Node) {
    if tree.get("model").is_none() || tree.get("models").is_some() {
        let Some(fields) = reader.table(tree, &MODELS_FILE) else {
            reader.lost(&[Names::Models]);
            return;
        };
        match fields.get("models") {
            Some(node) => models(reader, node),
            None => reader.lost(&[Names::Models]),
        }
        return;
    }
    let Some(fields) = reader.table(tree, &MODEL_FILE) else {
        return;
    };
    let name = fields
        .get("model")
        .and_then(|node| reader.text(node, "model"))
        .and_then(|text| reader.name(&text.value, &text.written, text.span, "a model"));
    match name {
        Some(name) => model(reader, name, &fields),
        None => reader.lost(&[Names::Models]),
    }
}

/// A map of models.
pub(super) fn models(reader: &mut Reader<'_, '_>, node: &Node) {
    for (key, value) in reader.named(node, "models", "duplicate-name", "the model") {
        let Some(name) = reader.name(&key.text, &key.text, key.span, "a model") else {
            reader.lost(&[Names::Models]);
            continue;
        };
        match reader.table(value, &MODEL) {
            Some(fields) => model(reader, name, &fields),
            None => reader.read.model_names.push(name),
        }
    }
}

fn model(reader: &mut Reader<'_, '_>, name: Declared, fields: &Fields<'_>) {
    let source = fields.get("source").and_then(|node| reader.text(node, "source"));
    let query = query(reader, fields);
    let primary_key = fields.get("primary_key").and_then(|node| {
        let columns = reader.one_or_many(node, "primary_key")?;
        if columns.is_empty() {
            reader.sink.error(
                "empty-value",
                node.span,
                "`primary_key` names no column",
                "name the column, or columns, that no two rows share: `primary_key: id` or `[tenant, id]`",
            );
            return None;
        }
        Some(columns.into_iter().map(|column| column.value).collect())
    });
    let at = reader.sink.location(name.span);
    reader.read.source_uses.extend(source.clone());
    if let (Some(source), Some(query), Some(primary_key)) = (source, query, primary_key) {
        reader.read.models.push(Model { name: name.name.clone(), source: source.value, query, primary_key, at });
    }
    reader.read.model_names.push(name);
}

fn query(reader: &mut Reader<'_, '_>, fields: &Fields<'_>) -> Option<ModelQuery> {
    if let Some(node) = fields.get("table") {
        return reader.text(node, "table").map(|text| ModelQuery::Table(text.value));
    }
    if let Some(node) = fields.get("sql") {
        let text = reader.text(node, "sql")?;
        return not_blank(reader, node, text.value, "`sql`");
    }
    let node = fields.get("sql_file")?;
    let path = reader.text(node, "sql_file")?;
    match (reader.sql_file)(&path.value) {
        Ok(sql) => not_blank(reader, node, sql, &quoted(&path.written)),
        Err(why) => {
            reader.sink.error(
                "sql-file-unreadable",
                node.span,
                format!("the file {} cannot be read: {why}", quoted(&path.written)),
                "the path is relative to the folder of `hubward.yml`",
            );
            None
        }
    }
}

fn not_blank(reader: &mut Reader<'_, '_>, node: &Node, sql: String, what: &str) -> Option<ModelQuery> {
    if has_statement(&sql) {
        return Some(ModelQuery::Sql(sql));
    }
    reader.sink.error(
        "empty-query",
        node.span,
        format!("{what} holds no SQL statement"),
        "write a `select`, or use `table:` for a whole table",
    );
    None
}

/// Whether anything is left besides blanks, semicolons and comments.
fn has_statement(sql: &str) -> bool {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';' || c == '\u{feff}');
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else {
            return !rest.is_empty();
        }
    }
}
