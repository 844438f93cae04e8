//! A pool of connections whose statements have spans.
//!
//! sqlx sends every statement through an [`Executor`]. The pool itself is private, so that no store can send
//! a statement without a span. A span begins before a connection is acquired and ends with the last row, so a
//! full pool shows as a long statement, as the caller experiences it.

use futures::{
    FutureExt, StreamExt, TryStreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use opentelemetry::KeyValue;
use remote::OpenSpan;
use resilience::{StoreCall, StoreGuard};
use sqlx::{
    Acquire, Database, Either, Error, Execute, Executor, Pool, SqlStr, Transaction, error::BoxDynError,
    pool::PoolConnection,
};

use super::{Server, Summary};
use crate::tables::{is_unhealthy, rejected};

/// A pool to send statements to.
#[derive(Debug)]
pub struct Statements<'p, D: Database> {
    pool: &'p Pool<D>,
    server: &'p Server,
    /// Where there is a breaker before the server.
    guard: Option<&'p StoreGuard>,
}

impl<D: Database> Clone for Statements<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D: Database> Copy for Statements<'_, D> {}

impl<'p, D: Database> Statements<'p, D> {
    pub(crate) fn new(pool: &'p Pool<D>, server: &'p Server) -> Self {
        Self { pool, server, guard: None }
    }

    pub(crate) fn guarded(pool: &'p Pool<D>, server: &'p Server, guard: &'p StoreGuard) -> Self {
        // A closed pool fails at once by itself.
        let guard = Some(guard).filter(|guard| guard.is_there() && !pool.is_closed());
        Self { pool, server, guard }
    }

    /// Admits a statement, if there is a breaker.
    fn admitted(self) -> Result<Option<StoreCall>, Error> {
        self.guard.map(|guard| guard.admit().ok_or_else(rejected)).transpose()
    }

    /// Starts the span of a statement; returns the statement unchanged if the operation is not sampled.
    fn opened<'q, E: Execute<'q, D>>(self, query: E) -> Result<(Sent, Read<D>), E> {
        if !remote::current().is_some_and(|context| context.trace.sampled) {
            return Err(query);
        }
        let read = Read::of(query);
        Ok((Sent(self.server.call(|| summary(read.sql.as_str()))), read))
    }
}

impl<'p, D: Database> Executor<'p> for Statements<'p, D>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    type Database = D;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<D::QueryResult, D::Row>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, D>,
    {
        let mut admitted = match self.admitted() {
            Ok(admitted) => admitted,
            Err(rejected) => return stream::once(async { Err(rejected) }).boxed(),
        };
        let fetched = match self.opened(query) {
            Err(query) => self.pool.fetch_many(query),
            Ok((mut span, read)) => {
                self.pool.fetch_many(read).inspect_err(move |error| span.failed(error)).boxed()
            }
        };
        if admitted.is_none() {
            return fetched;
        }
        // The first item is the answer: a row, or the number of rows where there is none.
        fetched.inspect(move |first| ends(admitted.take(), first)).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<D::Row>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, D>,
    {
        let admitted = match self.admitted() {
            Ok(admitted) => admitted,
            Err(rejected) => return async { Err(rejected) }.boxed(),
        };
        let fetched = match self.opened(query) {
            Err(query) => self.pool.fetch_optional(query),
            Ok((mut span, read)) => {
                let fetched = self.pool.fetch_optional(read);
                async move { fetched.await.inspect_err(|error| span.failed(error)) }.boxed()
            }
        };
        if admitted.is_none() {
            return fetched;
        }
        async move {
            let fetched = fetched.await;
            ends(admitted, &fetched);
            fetched
        }
        .boxed()
    }

    /// No span: it sends nothing that a request asked for.
    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [D::TypeInfo],
    ) -> BoxFuture<'e, Result<D::Statement, Error>>
    where
        'p: 'e,
    {
        self.pool.prepare_with(sql, parameters)
    }
}

/// Ends an admitted statement with its outcome.
fn ends<T>(admitted: Option<StoreCall>, outcome: &Result<T, Error>) {
    if let Some(admitted) = admitted {
        admitted.ends(outcome.as_ref().err().is_some_and(is_unhealthy));
    }
}

/// For migrations, which belong to no operation, and for transactions, whose beginning is the statement that the
/// breaker sees.
impl<'c, D: Database> Acquire<'c> for Statements<'_, D> {
    type Database = D;
    type Connection = PoolConnection<D>;

    fn acquire(self) -> BoxFuture<'c, Result<PoolConnection<D>, Error>> {
        Acquire::acquire(self.pool)
    }

    fn begin(self) -> BoxFuture<'c, Result<Transaction<'c, D>, Error>> {
        let (admitted, pool) = (self.admitted(), self.pool.clone());
        async move {
            let admitted = admitted?;
            let begun = begun(pool).await;
            ends(admitted, &begun);
            begun
        }
        .boxed()
    }
}

/// Begins a transaction. Once it has a connection, `BEGIN` runs to its end even if the caller is cancelled; the transaction
/// is then rolled back. A caller that is cancelled before that gives up its place in the queue for connections.
///
/// sqlx 0.9.0 knows of a transaction in PostgreSQL when the reply to `BEGIN` has arrived. A caller that is cancelled before,
/// as at its deadline, would return a connection with an open transaction to the pool, and the statements of
/// that connection's next user would be rolled back with it, although they were acknowledged.
async fn begun<D: Database>(pool: Pool<D>) -> Result<Transaction<'static, D>, Error> {
    let begun = tokio::spawn(Transaction::begin(pool.acquire().await?, None));
    begun.await.unwrap_or_else(|error| Err(Error::Io(std::io::Error::other(error))))
}

/// A statement with its parsed summary.
struct Read<D: Database> {
    sql: SqlStr,
    arguments: Result<Option<D::Arguments>, BoxDynError>,
    persistent: bool,
}

impl<D: Database> Read<D> {
    fn of<'q>(mut query: impl Execute<'q, D>) -> Self {
        let (arguments, persistent) = (query.take_arguments(), query.persistent());
        Self { sql: query.sql(), arguments, persistent }
    }
}

impl<D: Database> Execute<'_, D> for Read<D> {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&D::Statement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<D::Arguments>, BoxDynError> {
        std::mem::replace(&mut self.arguments, Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

/// Summarises a statement as its operations and tables, in the order of the text: `SELECT links`.
///
/// This covers the statements of these systems and is no SQL parser: an operation is one of four keywords,
/// and a table is a word after `INTO`, `FROM`, `JOIN` or `UPDATE` that is not a function call. The text
/// contains no values, because those are bound as parameters.
fn summary(sql: &str) -> Summary<'_> {
    const OPERATIONS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];
    let words: Vec<&str> = sql.split_whitespace().map(|word| word.trim_start_matches('(')).collect();
    let (mut said, mut operation): (Vec<&str>, _) = (Vec::new(), None);
    let mut tables = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).map_or("", |before| words[before]);
        if OPERATIONS.contains(word) && before != "DO" {
            operation = Some(*word);
        }
        let leads = ["INTO", "FROM", "JOIN"].contains(word) || (*word == "UPDATE" && before != "DO");
        let table = words.get(index + 1).filter(|next| leads && !next.contains('('));
        if let Some(table) = table.map(|table| table.trim_end_matches([',', ';', ')'])) {
            // An operation appears once, before the first of its tables.
            said.extend(operation.take());
            said.push(table);
            tables.push(table);
        }
    }
    let first = words.iter().copied().find(|word| OPERATIONS.contains(word));
    let first = first.or(words.first().copied()).unwrap_or_default();
    let text = if said.is_empty() { first.to_owned() } else { said.join(" ") };
    let mut own = vec![KeyValue::new("db.query.text", sql.to_owned())];
    if let [table] = tables[..] {
        own.push(KeyValue::new("db.collection.name", table.to_owned()));
    }
    Summary { operation: first, text, own }
}

/// The span of a statement in flight; it ends with the last row.
struct Sent(Option<OpenSpan>);

impl Sent {
    fn failed(&mut self, error: &Error) {
        if let Some(span) = &mut self.0 {
            span.fail(kind(error));
        }
    }
}

/// The span's `error.type`: the database's own code if there is one.
fn kind(error: &Error) -> String {
    match error {
        Error::Database(error) => error.code().map_or_else(|| "database".to_owned(), Into::into),
        Error::PoolTimedOut => "pool_timed_out".to_owned(),
        Error::PoolClosed => "away".to_owned(),
        Error::Io(_) => "io".to_owned(),
        _ => "_OTHER".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_summed_up_by_its_operations_and_tables() {
        for (sql, operation, text) in [
            ("SELECT id, code FROM links WHERE code = $1", "SELECT", "SELECT links"),
            (
                "INSERT INTO links (id, code)\n   VALUES ($1, $2) ON CONFLICT DO NOTHING",
                "INSERT",
                "INSERT links",
            ),
            ("DELETE FROM links WHERE code = $1", "DELETE", "DELETE links"),
            ("UPDATE numbers SET next = next + $1 RETURNING next - $1", "UPDATE", "UPDATE numbers"),
            (
                "INSERT INTO tallies (id, counts) SELECT value ->> 'id' FROM json_each($1) WHERE true",
                "INSERT",
                "INSERT tallies",
            ),
            (
                "WITH fresh AS ( INSERT INTO tallies (id) SELECT DISTINCT unnest($1::text[]) AS id RETURNING id )
                INSERT INTO counts (link) SELECT t.link FROM unnest($1::text[]) AS t (id, link)
                JOIN fresh USING (id) ON CONFLICT (link) DO UPDATE SET clicks = excluded.clicks",
                "INSERT",
                "INSERT tallies INSERT counts SELECT fresh",
            ),
            ("SELECT 1", "SELECT", "SELECT"),
            ("PRAGMA user_version", "PRAGMA", "PRAGMA"),
            ("", "", ""),
        ] {
            let summary = summary(sql);
            assert_eq!((summary.operation, summary.text.as_str()), (operation, text), "{sql}");
        }
    }
}
