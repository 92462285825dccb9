//! A connection to a server, and the replies to its statements.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansai_core::Refusal;
use ansai_kit::target::TargetAccess;
use tokio::time::timeout;

use super::error::Failure;
use super::login::{Greeting, Login, ask_for_tls};
use super::packet::{Content, Packets, invalid};
use crate::postgresql::client::Row;
use crate::postgresql::client::address::{Address, Form, Place};
use crate::postgresql::client::connect::{APPLICATION, END, MOST_BYTES, MOST_LOGIN_BYTES, Socket, dial};
use crate::postgresql::client::tls::connector;
use crate::runtime;

/// How addresses of MySQL are written. A login without a database sees `information_schema`, which every server has.
pub(crate) const FORM: &Form = &Form {
    schemes: &["mysql", "mariadb"],
    port: 3_306,
    database: "information_schema",
    socket: |path: &Path| -> PathBuf {
        if path.extension().is_some_and(|end| end == "sock") { path.to_owned() } else { path.join("mysqld.sock") }
    },
};
/// Values of one reply. Each takes a byte on the wire, and 24 in memory.
const MOST_VALUES: usize = 200_000;
/// Columns of one reply. The state of a replica has some 60.
const MOST_COLUMNS: u64 = 128;
/// Results of one statement.
const MOST_RESULTS: usize = 8;
const QUERY: u8 = 3;
const QUIT: u8 = 1;
/// A bit of the state after a result: another one follows.
const MORE_RESULTS: u64 = 8;

/// A connection that is open.
pub(super) struct Open {
    packets: Option<Packets>,
    /// MariaDB, or else MySQL.
    pub(super) is_mariadb: bool,
    /// Its id on the server; `None` if something between them hands out other ones.
    pub(super) id: Option<u64>,
}

impl Drop for Open {
    /// Says goodbye, or the server writes a warning into its log.
    fn drop(&mut self) {
        let Some(mut packets) = self.packets.take() else { return };
        if let Ok(runtime) = runtime::handle() {
            packets.begin(0);
            drop(runtime.spawn(async move { timeout(END, packets.write(&[QUIT])).await }));
        }
    }
}

/// Connects and logs in.
///
/// # Errors
/// `unavailable`, mostly; see [`Failure::refusal`].
pub(super) async fn open(target: &TargetAccess) -> Result<Open, Refusal> {
    let name = target.target.name.as_str();
    let address = Address::read(target, FORM)?;
    let failed = |failure: Failure| failure.refusal(name);
    let mut packets = Packets::new(dial(name, &address.place).await?, MOST_LOGIN_BYTES);
    let greeting = Greeting::read(&mut packets).await.map_err(failed)?;
    let mut is_tls = false;
    if let (Place::Network { host, .. }, true) = (&address.place, address.tls) {
        ask_for_tls(&mut packets, &greeting).await.map_err(failed)?;
        let (connector, host) = connector(host, address.authorities.as_deref())?;
        let (left, number) = packets.state();
        let socket = packets.into_socket().map_err(|error| failed(error.into()))?;
        let stream = connector.connect(host, socket).await.map_err(|error| failed(error.into()))?;
        packets = Packets::on(Box::new(stream) as Socket, left, number);
        is_tls = true;
    }
    let password = target.secret.as_ref().map(|source| source.read()).transpose()?;
    let user = target.user.as_deref().unwrap_or(APPLICATION);
    if [user, &address.database].iter().any(|text| text.contains('\0')) {
        return Err(Refusal::Invalid(format!("target `{name}`: its user or database is not a name")));
    }
    let login = Login {
        user,
        password: password.as_ref().map_or(&[][..], |password| password.expose()),
        database: &address.database,
        application: APPLICATION,
        is_tls,
        is_private: is_tls || matches!(address.place, Place::Socket(_)),
    };
    login.run(&mut packets, &greeting).await.map_err(failed)?;
    let mut open = Open { packets: Some(packets), is_mariadb: false, id: None };
    open.prepare(greeting.id).await.map_err(failed)?;
    Ok(open)
}

impl Open {
    /// Times of transactions are shown in the time zone of the system. Locks of metadata are waited for a second at most.
    async fn prepare(&mut self, id: u64) -> Result<(), Failure> {
        self.query(
            "set names utf8mb4, session sql_mode = '', session time_zone = 'SYSTEM', session autocommit = 1, \
             session lock_wait_timeout = 1, session innodb_lock_wait_timeout = 1",
        )
        .await?;
        let rows = self.query("select version() as version, connection_id() as id").await?;
        let row = rows.first().ok_or_else(|| invalid("a reply has no rows"))?;
        self.is_mariadb = row.text("version").is_ok_and(|version| version.contains("MariaDB"));
        self.id = row.number("id").ok().filter(|own| *own == id);
        Ok(())
    }

    /// The rows of one statement: those of its first result that has any.
    ///
    /// # Errors
    /// After one of the connection, it is of no use any more.
    pub(super) async fn query(&mut self, statement: &str) -> Result<Vec<Row>, Failure> {
        // Taken out, so that a call which is given up midway leaves no half reply for the next one.
        let mut packets = self.packets.take().ok_or_else(|| invalid("the connection is of no use"))?;
        packets.begin(MOST_BYTES);
        let mut rows = Vec::new();
        let mut query = vec![QUERY];
        query.extend_from_slice(statement.as_bytes());
        packets.write(&query).await?;
        for _ in 0..MOST_RESULTS {
            match result(&mut packets).await {
                Ok((found, state)) => {
                    if rows.is_empty() {
                        rows = found;
                    }
                    if state & MORE_RESULTS == 0 {
                        self.packets = Some(packets);
                        return Ok(rows);
                    }
                }
                Err(failure) => {
                    // After an error that the server reports, the connection is good.
                    if matches!(failure, Failure::Server(_)) {
                        self.packets = Some(packets);
                    }
                    return Err(failure);
                }
            }
        }
        Err(invalid("a statement has too many results").into())
    }
}

/// One result, and the state of the server after it.
async fn result(packets: &mut Packets) -> Result<(Vec<Row>, u64), Failure> {
    let content = packets.read().await?;
    let bad = || Failure::from(invalid("a reply is not as documented"));
    let count = match content.first() {
        Some(0x00) => {
            let mut ok = Content(content.get(1..).unwrap_or_default());
            let state = ok.length().and(ok.length()).and_then(|_| ok.number(2));
            return Ok((Vec::new(), state.ok_or_else(bad)?));
        }
        Some(0xff) => return Err(Failure::of_server(&content)),
        // It asks for a file of this host.
        Some(0xfb) => return Err(invalid("the server asks for a file").into()),
        _ => Content(&content).length().filter(|count| (1..=MOST_COLUMNS).contains(count)).ok_or_else(bad)?,
    };
    let mut columns = Vec::new();
    for _ in 0..count {
        columns.push(column(&packets.read().await?).ok_or_else(bad)?);
    }
    end(&packets.read().await?).ok_or_else(bad)?;
    let columns: Arc<[String]> = columns.into();
    let mut rows = Vec::new();
    loop {
        let content = packets.read().await?;
        if content.first() == Some(&0xff) {
            return Err(Failure::of_server(&content));
        }
        if let Some(state) = end(&content) {
            return Ok((rows, state));
        }
        if rows.len().saturating_mul(columns.len()) >= MOST_VALUES {
            return Err(invalid("the server sends more than is expected").into());
        }
        let values = values(&content, columns.len()).ok_or_else(bad)?;
        rows.push(Row::of_mysql(columns.clone(), values));
    }
}

/// The state of the server, if the packet ends columns or rows.
fn end(content: &[u8]) -> Option<u64> {
    if content.first() != Some(&0xfe) || content.len() >= 9 {
        return None;
    }
    let mut content = Content(content.get(3..)?);
    content.number(2)
}

/// The name of a column: after its catalogue, database, table and original table.
fn column(content: &[u8]) -> Option<String> {
    let mut content = Content(content);
    for _ in 0..4 {
        content.bytes()?;
    }
    String::from_utf8(content.bytes()?.to_vec()).ok()
}

fn values(content: &[u8], count: usize) -> Option<Vec<Option<Vec<u8>>>> {
    let mut content = Content(content);
    let mut values = Vec::new();
    for _ in 0..count {
        if content.0.first() == Some(&0xfb) {
            content.byte()?;
            values.push(None);
        } else {
            values.push(Some(content.bytes()?.to_vec()));
        }
    }
    content.0.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_as_many_values_as_columns() {
        let three = b"\x01a\xfb\x00";
        assert_eq!(values(three, 3), Some(vec![Some(b"a".to_vec()), None, Some(Vec::new())]));
        for (content, count) in [(&three[..], 2), (three, 4), (b"\x05a", 1), (b"", 1), (b"\xff", 1)] {
            assert_eq!(values(content, count), None);
        }
        assert_eq!(
            [end(b"\xfe\0\0\x02\0"), end(b"\xfe\0\0\x0a\0"), end(b"\xfe"), end(&[0xfe; 9])],
            [Some(2), Some(10), None, None]
        );
        assert_eq!(column(b"\x03def\0\0\0\x01n\0"), Some("n".into()));
        assert_eq!(column(b"\x03def\0\0\0"), None);
    }
}
