//! One PostgreSQL query, streamed into batches.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use futures_util::TryStreamExt;
use tokio_postgres::Statement;
use tokio_postgres::types::{FromSql, ToSql, Type};

use super::column::Column;
use super::connect::{Session, Target};
use super::form::{self, Form, Plan};
use super::refusal;
use crate::error::{SourceError, SourceErrorKind};
use crate::feed::{BATCH_BYTES, Feed};
use crate::text::{quoted, refuse_doubled_names};

/// How often a running query looks whether the caller still wants it.
const STOP_LOOK_MS: u64 = 100;

/// A prepared query and what its columns become.
pub(super) struct Planned {
    statement: Statement,
    forms: Vec<Form>,
    schema: SchemaRef,
}

impl Planned {
    pub(super) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// Begins a read-only transaction and prepares the query in it.
pub(super) async fn plan(session: &Session, sql: &str) -> Result<Planned, SourceError> {
    let client = &session.client;
    client.batch_execute("begin transaction read only").await.map_err(|error| refusal::of_query(&error, ""))?;
    let statement = client.prepare(sql).await.map_err(|error| refusal::of_query(&error, sql))?;
    if !statement.params().is_empty() {
        return Err(SourceError::new(SourceErrorKind::Sql, "the model has a parameter ($1), and nothing to put there")
            .help("write the value into the model; a dollar sign in text must stand in quotes"));
    }
    let mut plans = Vec::new();
    for column in statement.columns() {
        plans.push(form::plan(column.name(), column.type_(), column.type_modifier())?);
    }
    let forms: Vec<Form> = plans
        .iter()
        .map(|plan| match plan {
            Plan::Decode(form) => form.clone(),
            Plan::AskText => Form::Text,
            Plan::AskTextArray => Form::List(Box::new(Form::Text)),
        })
        .collect();
    let mut fields = Vec::new();
    for (column, form) in statement.columns().iter().zip(&forms) {
        fields.push(form.field(column.name()));
    }
    let schema = Arc::new(Schema::new(fields));
    // Before the query is wrapped: a doubled name would be a confusing error of the wrapping.
    refuse_doubled_names(&schema)?;
    let statement = if plans.iter().all(|plan| matches!(plan, Plan::Decode(_))) {
        statement
    } else {
        let wrapped = wrapped(sql, &statement, &plans);
        client.prepare(&wrapped).await.map_err(|error| {
            let asked = plans.iter().position(|p| !matches!(p, Plan::Decode(_)));
            let name = asked.map_or("", |index| statement.columns()[index].name());
            let error = refusal::of_query(&error, "");
            SourceError::new(
                SourceErrorKind::Unsupported,
                format!("column `{name}` cannot be asked for as text: {}", error.message),
            )
            .help(format!("cast it to text in the model: {name}::text"))
        })?
    };
    Ok(Planned { statement, forms, schema })
}

/// The query with a cast around each column that has no form of its own here.
fn wrapped(sql: &str, statement: &Statement, plans: &[Plan]) -> String {
    let mut columns = Vec::new();
    for (column, plan) in statement.columns().iter().zip(plans) {
        let name = quoted(column.name());
        columns.push(match plan {
            Plan::Decode(_) => format!("model.{name}"),
            Plan::AskText => format!("model.{name}::text as {name}"),
            Plan::AskTextArray => format!("model.{name}::text[] as {name}"),
        });
    }
    let query = sql.trim().trim_end_matches(';');
    // The line break ends a comment on the last line.
    format!("select {} from ({query}\n) as model", columns.join(", "))
}

/// Runs `sql` and feeds its rows.
pub(super) async fn read(target: &Target, sql: &str, batch_rows: usize, feed: &mut Feed) -> Result<(), SourceError> {
    let session = target.connect().await?;
    let stop = feed.stop_signal();
    let token = session.client.cancel_token();
    let tls = session.tls.clone();
    let watched = stop.clone();
    // A query that thinks for minutes sends nothing and so meets no look between batches.
    let watcher = tokio::spawn(async move {
        while !watched.is_raised() {
            tokio::time::sleep(Duration::from_millis(STOP_LOOK_MS)).await;
        }
        let _ = token.cancel_query(tls).await;
    });
    let result = feed_rows(&session, sql, batch_rows, feed).await;
    watcher.abort();
    match result {
        Err(_) if stop.is_raised() => Err(SourceError::cancelled()),
        Ok(Wanted::All) => Ok(()),
        Ok(Wanted::NoMore) => {
            // The server may still work on rows that nobody wants.
            let token = session.client.cancel_token();
            let _ = token.cancel_query(session.tls.clone()).await;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

enum Wanted {
    All,
    NoMore,
}

async fn feed_rows(session: &Session, sql: &str, batch_rows: usize, feed: &mut Feed) -> Result<Wanted, SourceError> {
    let planned = plan(session, sql).await?;
    feed.schema(planned.schema())?;
    let none: [&(dyn ToSql + Sync); 0] = [];
    let rows =
        session.client.query_raw(&planned.statement, none).await.map_err(|error| refusal::of_query(&error, sql))?;
    let mut rows = pin!(rows);
    let mut columns: Vec<Column> = planned.forms.iter().map(Column::new).collect();
    let mut taken = Taken::default();
    loop {
        let row = rows.try_next().await.map_err(|error| refusal::of_query(&error, sql))?;
        let ended = row.is_none();
        if let Some(row) = row {
            let number = taken.before + taken.rows as u64 + 1;
            for (index, column) in columns.iter_mut().enumerate() {
                let name = || planned.schema.field(index).name();
                let Raw(value) = row
                    .try_get(index)
                    .map_err(|error| SourceError::read(format!("row {number}, column `{}`: {error}", name())))?;
                taken.bytes += value.map_or(0, <[u8]>::len);
                column.append(value).map_err(|bad| bad.in_column(name(), number))?;
            }
            taken.rows += 1;
        }
        let full = taken.rows >= batch_rows || taken.bytes >= BATCH_BYTES;
        if taken.rows > 0 && (full || ended) {
            let arrays = columns.iter_mut().map(Column::finish).collect();
            let batch = RecordBatch::try_new(planned.schema(), arrays)
                .map_err(|error| SourceError::read(format!("a batch could not be built: {error}")))?;
            taken = Taken { before: taken.before + taken.rows as u64, ..Taken::default() };
            if !feed.batch(batch)? {
                return Ok(Wanted::NoMore);
            }
        }
        if ended {
            return Ok(Wanted::All);
        }
    }
}

/// What the batch under construction holds.
#[derive(Default)]
struct Taken {
    before: u64,
    rows: usize,
    bytes: usize,
}

/// A value as the server sent it.
struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
