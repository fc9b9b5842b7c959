//! The `postgres` source: one query in a read-only transaction, its rows streamed in PostgreSQL's binary form and decoded
//! straight into columns. Owns the commands; connecting stands in [`connect`], types in [`form`] and [`column`].

mod column;
mod connect;
mod form;
mod numeric;
mod refusal;
mod rows;
mod tls;

use arrow_schema::SchemaRef;
use hubward_core::SecretString;
use hubward_core::spec::ModelQuery;

use self::connect::Target;
use crate::error::{SourceError, SourceErrorKind};
use crate::options::ReadOptions;
use crate::text::quoted;
use crate::{RowStream, Source, feed};

pub(crate) struct PostgresSource {
    target: Target,
}

impl PostgresSource {
    pub(crate) fn new(url: &SecretString) -> Result<Self, SourceError> {
        Ok(Self { target: Target::parse(url)? })
    }
}

/// Runs one conversation with the server on this thread.
fn block_on<T>(work: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            SourceError::new(SourceErrorKind::Connect, format!("the connection cannot be set up: {error}"))
        })?
        .block_on(work)
}

impl Source for PostgresSource {
    fn read(&self, query: &ModelQuery, options: &ReadOptions) -> Result<Box<dyn RowStream>, SourceError> {
        let target = self.target.clone();
        let sql = sql_of(query);
        let batch_rows = options.batch_rows.max(1);
        feed::start(options, move |feed| block_on(rows::read(&target, &sql, batch_rows, feed)))
    }

    fn columns(&self, query: &ModelQuery, options: &ReadOptions) -> Result<SchemaRef, SourceError> {
        // A feed without rows: the caller may cancel while the server thinks.
        let target = self.target.clone();
        let sql = sql_of(query);
        let stream = feed::start(options, move |feed| {
            block_on(async {
                let session = target.connect().await?;
                let plan = rows::plan(&session, &sql).await?;
                feed.schema(plan.schema())
            })
        })?;
        Ok(stream.schema())
    }

    fn check(&self) -> Result<(), SourceError> {
        block_on(async { self.target.connect().await.map(|_| ()) })
    }

    fn tables(&self) -> Result<Vec<String>, SourceError> {
        block_on(async {
            let session = self.target.connect().await?;
            let listed = session
                .client
                .query(
                    "select case when pg_table_is_visible(c.oid) then c.relname::text \
                            else n.nspname || '.' || c.relname end \
                     from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                     where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname <> 'information_schema' \
                       and n.nspname not like 'pg\\_%' order by 1",
                    &[],
                )
                .await
                .map_err(|error| refusal::of_query(&error, ""))?;
            Ok(listed.iter().map(|row| row.get(0)).collect())
        })
    }
}

fn sql_of(query: &ModelQuery) -> String {
    match query {
        ModelQuery::Sql(sql) => sql.clone(),
        // A name that holds quotes is already SQL; otherwise a dot stands between schema and table.
        ModelQuery::Table(table) if table.contains('"') => format!("select * from {table}"),
        ModelQuery::Table(table) => {
            let parts: Vec<String> = table.split('.').map(quoted).collect();
            format!("select * from {}", parts.join("."))
        }
    }
}
