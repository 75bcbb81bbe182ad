use super::*;
use fastrand::Rng;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeMap;
use std::path::Path;

fn open(file: &Path, vfs: Option<&'static CStr>) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = match vfs {
        Some(name) => Connection::open_with_flags_and_vfs(file, flags, name),
        None => Connection::open_with_flags(file, flags),
    }
    .unwrap();
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    // As the store has it: no sync of SQLite's comes after a commit, which would bring to the log what the commit has not.
    connection.pragma_update(None, "synchronous", "NORMAL").unwrap();
    connection
}

/// What a table of numbers and contents should have.
type Rows = BTreeMap<i64, Vec<u8>>;

fn rows(connection: &Connection) -> Rows {
    let mut statement = connection.prepare_cached("SELECT number, content FROM line").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn change(connection: &Connection, rng: &mut Rng, rows: &mut Rows) {
    let number = rng.i64(..60);
    if rng.u8(..4) == 0 {
        connection.prepare_cached("DELETE FROM line WHERE number = ?1").unwrap().execute([number]).unwrap();
        rows.remove(&number);
        return;
    }
    let content: Vec<u8> = (0..rng.usize(..20_000)).map(|_| rng.u8(..)).collect();
    let sql = "INSERT OR REPLACE INTO line VALUES (?1, ?2)";
    connection.prepare_cached(sql).unwrap().execute((number, &content)).unwrap();
    rows.insert(number, content);
}

/// A transaction with savepoints, some rolled back, which is committed or not.
fn transact(connection: &Connection, rng: &mut Rng, committed: &mut Rows) {
    let mut rows = committed.clone();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..rng.usize(..5) {
        connection.execute_batch("SAVEPOINT one").unwrap();
        let before = rows.clone();
        for _ in 0..rng.usize(..6) {
            change(connection, rng, &mut rows);
        }
        if rng.u8(..3) == 0 {
            connection.execute_batch("ROLLBACK TO one").unwrap();
            rows = before;
        }
        connection.execute_batch("RELEASE one").unwrap();
    }
    if rng.bool() {
        assert!(self::rows(connection) == rows, "in the transaction");
    }
    if rng.u8(..4) == 0 {
        connection.execute_batch("ROLLBACK").unwrap();
    } else {
        connection.execute_batch("COMMIT").unwrap();
        *committed = rows;
    }
}

#[test]
fn a_database_is_the_same_for_all_who_write_it_in_turn_through_this_layer_and_without() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("database");
    let connections = [open(&file, name()), open(&file, name()), open(&file, None)];
    connections[0].execute_batch("CREATE TABLE line (number INTEGER PRIMARY KEY, content BLOB)").unwrap();
    for connection in &connections {
        // So small that pages are in the log long before the commit.
        connection.pragma_update(None, "cache_size", 8).unwrap();
        connection.pragma_update(None, "synchronous", ["NORMAL", "FULL"][rng.usize(..2)]).unwrap();
    }
    let mut committed = Rows::new();
    for _ in 0..120 {
        let connection = &connections[rng.usize(..3)];
        transact(connection, &mut rng, &mut committed);
        for connection in &connections {
            assert!(rows(connection) == committed);
        }
        if rng.u8(..10) == 0 {
            let mode = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"][rng.usize(..4)];
            let sql = format!("PRAGMA wal_checkpoint({mode})");
            connection.query_row(&sql, [], |_| Ok(())).unwrap();
        }
    }
    drop(connections);
    let last = open(&file, None);
    assert!(rows(&last) == committed);
    let found: String = last.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
}

#[test]
fn what_is_not_committed_waits_and_a_commit_is_in_the_log_when_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("database");
    let log = || std::fs::metadata(folder.path().join("database-wal")).unwrap().len();
    let connection = open(&file, name());
    connection.execute_batch("CREATE TABLE line (content BLOB); PRAGMA cache_size = 8").unwrap();
    let before = log();
    connection.execute_batch("BEGIN; INSERT INTO line VALUES (randomblob(60000))").unwrap();
    // SQLite has written more pages than its cache has room for.
    assert_eq!(log(), before);
    connection.execute_batch("ROLLBACK").unwrap();
    connection.query_row("SELECT count(*) FROM line", [], |_| Ok(())).unwrap();
    assert_eq!(log(), before, "nothing of it is written later");
    connection.execute_batch("BEGIN; INSERT INTO line VALUES (randomblob(60000))").unwrap();
    connection.execute_batch("COMMIT").unwrap();
    assert!(log() > before + 60_000);
    // The same for who looks at nothing but the files.
    let copy = folder.path().join("copy");
    std::fs::copy(&file, &copy).unwrap();
    std::fs::copy(folder.path().join("database-wal"), folder.path().join("copy-wal")).unwrap();
    let length: i64 =
        open(&copy, None).query_row("SELECT length(content) FROM line", [], |row| row.get(0)).unwrap();
    assert_eq!(length, 60_000);
}

#[test]
fn a_file_that_cannot_change_is_opened_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("database");
    open(&file, name()).execute_batch("CREATE TABLE line (content)").unwrap();
    let uri = format!("file:{}?immutable=1", file.display());
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags_and_vfs(uri, flags, name().unwrap()).unwrap();
    assert_eq!(connection.query_row("SELECT count(*) FROM line", [], |row| row.get(0)), Ok(0));
}

/// What the files alone hold, for who finds nothing else, as after a crash.
fn left(file: &Path) -> Rows {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    std::fs::copy(file, &copy).unwrap();
    let log = file.with_file_name("database-wal");
    if log.exists() {
        std::fs::copy(log, folder.path().join("copy-wal")).unwrap();
    }
    let connection = Connection::open(&copy).unwrap();
    let found: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
    rows(&connection)
}

/// A table in small pages, of which commits end anywhere in a sector.
fn open_with(file: &Path, parameters: &str) -> Connection {
    let uri = format!("file:{}{parameters}", file.display());
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags_and_vfs(uri, flags, name().unwrap()).unwrap();
    let sql = "PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA cache_size = 8;
               CREATE TABLE line (number INTEGER PRIMARY KEY, content BLOB)";
    connection.execute_batch(sql).unwrap();
    connection
}

#[test]
fn a_commit_is_in_the_files_alone_in_whatever_mode_it_is_made() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("database");
    let connection = open_with(&file, "");
    let modes = [
        "synchronous = NORMAL",
        "locking_mode = EXCLUSIVE",
        "locking_mode = NORMAL",
        "journal_mode = DELETE",
        "journal_mode = WAL",
        "wal_checkpoint(RESTART)",
        "journal_size_limit = 10000",
        "synchronous = FULL",
    ];
    let mut committed = Rows::new();
    for mode in modes.iter().chain(modes.iter().rev()) {
        connection.execute_batch(&format!("PRAGMA {mode}")).unwrap();
        for _ in 0..4 {
            transact(&connection, &mut rng, &mut committed);
            assert!(left(&file) == committed, "{mode}");
            // So small that SQLite reads nothing of it before it is committed.
            let content = vec![rng.u8(..); 100];
            connection.execute("INSERT OR REPLACE INTO line VALUES (1, ?1)", [&content]).unwrap();
            committed.insert(1, content);
            assert!(left(&file) == committed, "{mode}");
        }
    }
}

#[test]
fn a_commit_that_is_filled_up_to_a_sector_is_in_the_log_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("database");
    let connection = open_with(&file, "?psow=0");
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    // Each commit fills one sector. Of one of them the last 24 bytes, as many as a frame's header has, lie behind the sector.
    for turn in 0..80u8 {
        let content = vec![turn; 400];
        connection.execute("INSERT OR REPLACE INTO line VALUES (1, ?1)", [&content]).unwrap();
        assert!(left(&file) == Rows::from([(1, content)]), "{turn}");
    }
}
