//! The files: who may open them, what is in them, and what happens when they can't be used.

use super::*;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

/// Set for the process that plays somebody who may only read.
const READER: &str = "CLOISTER_TEST_READ_ONLY_FOLDER";

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn open(folder: &Path) -> Result<Option<Store>> {
    Store::open(folder)
}

#[test]
fn folder_and_files_are_their_owners_only() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("a/b");
    let store = Store::create(&folder, &meta(), &officer("so-pin")).unwrap();
    store.meta().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files = files(&folder);
    assert!(files.len() >= 2);
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn no_secret_is_in_any_file() {
    let it = Fixture::new();
    let value: Vec<u8> = (0..48).map(|n| n * 5 + 1).collect();
    let mut private = record(1, Some(it.user));
    private.secret.set(ck::CKA_VALUE, value.clone());
    let mut public = record(2, None);
    public.secret.set(ck::CKA_VALUE, value.clone());
    it.store.insert(it.viewer(), &[private, public]).unwrap();
    it.store.set_password(&it.key, Role::User, &user("one:pin-changed"), None).unwrap();
    let _closed = it.store.pause();

    let read = files(it.folder.path()).into_iter().map(|file| fs::read(file).unwrap());
    let all: Vec<Vec<u8>> = read.collect();
    let count = |needle: &[u8]| {
        all.iter()
            .map(|bytes| bytes.windows(needle.len()).filter(|window| *window == needle).count())
            .sum::<usize>()
    };
    for secret in
        [&value[..], &value[..16], &it.key.master()[..16], b"so-pin", b"pin-1", b"pin-2", b"pin-changed"]
    {
        assert_eq!(count(secret), 0);
    }
    // The search works: this is in the clear, once in the log, and only for the public object.
    assert_eq!(count(b"label-in-the-clear"), 1);
}

#[test]
fn nothing_there_is_no_token_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(open(folder.path()).unwrap().is_none());
    assert!(open(&folder.path().join("missing")).unwrap().is_none());
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new(), "looking makes nothing");
}

#[test]
fn a_token_half_made_is_none_and_can_be_made_again() {
    let folder = tempfile::tempdir().unwrap();
    connection::make_file(folder.path()).unwrap();
    assert!(open(folder.path()).unwrap().is_none(), "an empty file");
    let half = Store::on(Database::new(folder.path()));
    half.database.prepare().unwrap();
    assert!(open(folder.path()).unwrap().is_none(), "an empty database");
    let undone: Result<()> = half.database.write(|connection| {
        schema::create(connection, Format::NEWEST)?;
        Err(Error::Gone.into())
    });
    assert!(undone.is_err() && open(folder.path()).unwrap().is_none(), "tables, not committed");
    half.database.write(|writer| schema::create(writer, Format::NEWEST)).unwrap();
    assert!(open(folder.path()).unwrap().is_none(), "tables without a token");
}

#[test]
fn a_token_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let make = || Store::create(folder.path(), &meta(), &officer("so-pin")).map(|_| ());
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(made, 1, "{outcomes:?}");
    assert!(
        outcomes
            .iter()
            .flat_map(|outcome| outcome.as_ref().err())
            .all(|error| matches!(error, Error::Exists))
    );
    login(&open(folder.path()).unwrap().unwrap(), Role::Officer, &officer("so-pin"));
}

#[test]
fn what_is_not_a_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.db");
    fs::write(&file, b"not a database, but somebody's notes, and rather long ones at that".repeat(20))
        .unwrap();
    let before = fs::read(&file).unwrap();
    assert!(matches!(open(folder.path()), Err(Error::Corrupt(..))));
    assert!(matches!(Store::create(folder.path(), &meta(), &officer("x")), Err(Error::Corrupt(..))));
    assert_eq!(fs::read(&file).unwrap(), before);

    fs::remove_file(&file).unwrap();
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
    assert!(matches!(open(folder.path()), Err(Error::Corrupt(..))), "another program's");
}

#[test]
fn a_later_format_is_refused() {
    let it = Fixture::new();
    Connection::open(it.folder.path().join("token.db"))
        .unwrap()
        .pragma_update(None, "user_version", 3)
        .unwrap();
    let error = open(it.folder.path()).err().unwrap();
    assert!(matches!(error, Error::Newer { format: 3, .. }));
    assert!(error.to_string().contains("token.db"));
}

#[test]
fn a_wrong_folder_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    assert!(matches!(open(&file), Err(Error::Unreachable(..))));
    assert!(matches!(Store::create(&file, &meta(), &officer("x")), Err(Error::Unreachable(..))));
    assert!(matches!(
        Store::create(&file.join("below"), &meta(), &officer("x")),
        Err(Error::Unreachable(..))
    ));
    let it = Fixture::new();
    fs::rename(it.folder.path().join("token.db"), it.folder.path().join("away")).unwrap();
    assert!(matches!(it.store.meta(), Err(Error::Unreachable(..))));
    assert!(it.store.is_replaced());
}

#[test]
fn a_file_put_in_the_place_of_an_open_one_is_noticed() {
    let it = Fixture::new();
    let file = it.folder.path().join("token.db");
    fs::copy(&file, it.folder.path().join("copy")).unwrap();
    assert!(!it.store.is_replaced());
    fs::rename(it.folder.path().join("copy"), &file).unwrap();
    assert!(matches!(it.store.insert(it.viewer(), &[plain(1)]), Err(Error::Unreachable(..))));
    assert!(it.store.is_replaced());
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing_half() {
    let it = Fixture::new();
    let limit = |pages: i64| {
        let set = |connection: &Connection| {
            Ok(connection
                .pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0))?)
        };
        it.store.database.peek(set).unwrap()
    };
    let pages = limit(1); // as small as it is
    let mut large = record(1, Some(it.user));
    large.public.set(ck::CKA_LABEL, vec![7u8; 1 << 20]);
    let before = it.store.counter();
    assert!(matches!(
        it.store.insert(it.viewer(), &[record(2, Some(it.user)), large.clone()]),
        Err(Error::Full(_))
    ));
    assert!(it.store.counter().is_some() && before.is_some(), "no writer is at work");
    assert_eq!(version_of(&it.store, id(2)), None);
    limit(pages + 1000);
    it.store.insert(it.viewer(), &[large]).unwrap();
    assert!(it.problems().is_empty());
}

#[test]
fn nothing_is_open_while_paused_and_others_wait() {
    let it = Fixture::new();
    let open_files = || {
        let links = fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        links.filter(|target| target.starts_with(it.folder.path())).count()
    };
    it.store.meta().unwrap();
    assert!(open_files() > 0);
    let paused = it.store.pause();
    assert_eq!(open_files(), 0);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| it.store.meta().unwrap());
        assert!(it.store.counter().is_some() && !waiting.is_finished());
        drop(paused);
        assert_eq!(waiting.join().unwrap(), meta());
    });
}

#[test]
fn a_writer_that_died_is_cleared_away_when_the_store_is_opened() {
    let it = Fixture::new();
    std::mem::forget(it.store.database.counter().begin());
    assert_eq!(it.store.counter(), None);
    assert!(it.again().counter().is_some());
    assert!(it.store.counter().is_some());
}

#[test]
fn without_its_counter_a_token_can_be_read_but_not_written() {
    let it = Fixture::new();
    let seq = it.folder.path().join("token.seq");
    fs::remove_file(&seq).unwrap();
    fs::create_dir(&seq).unwrap(); // nothing that could be mapped, whoever asks
    let store = it.again();
    assert_eq!(store.counter(), None);
    assert_eq!(store.meta().unwrap(), meta());
    let error = store.insert(None, &[plain(1)]).err().unwrap();
    assert!(matches!(error, Error::ReadOnly(_)) && error.to_string().contains("token.seq"), "{error}");
}

#[test]
fn a_token_that_cannot_be_written_can_be_read() {
    if let Some(folder) = std::env::var_os(READER) {
        return read_only(Path::new(&folder));
    }
    let it = Fixture::new();
    it.store.insert(it.viewer(), &[record(1, Some(it.user))]).unwrap();
    let folder = it.folder.path();
    let log_too = tempfile::tempdir().unwrap();
    let _closed = it.store.pause();
    for file in files(folder) {
        fs::copy(&file, log_too.path().join(file.file_name().unwrap())).unwrap();
    }
    // Once with the log's files beside the database, once without them.
    fold_log_in(folder);
    for folder in [folder, log_too.path()] {
        for file in files(folder) {
            fs::set_permissions(file, fs::Permissions::from_mode(0o444)).unwrap();
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
        if fs::write(folder.join("try"), b"").is_err() {
            read_only(folder);
            continue;
        }
        // We are root, who may write anything: somebody else looks.
        fs::remove_file(folder.join("try")).unwrap();
        as_somebody_else(folder);
    }
}

/// Brings what is in the log into the database, and removes the log.
fn fold_log_in(folder: &Path) {
    let connection = Connection::open(folder.join("token.db")).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
    connection.close().unwrap();
    assert!(!folder.join("token.db-wal").exists());
}

fn as_somebody_else(folder: &Path) {
    let nobody = 65534;
    let program = tempfile::tempdir().unwrap();
    fs::set_permissions(program.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = program.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let arguments =
        ["--exact", "store::tests::files::a_token_that_cannot_be_written_can_be_read", "--nocapture"];
    let mut command = std::process::Command::new(copy);
    command.args(arguments).env(READER, folder).current_dir("/").uid(nobody).gid(nobody);
    match command.output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => println!("skipped: another user can't run programs here ({error})"),
    }
}

fn read_only(folder: &Path) {
    let store = open(folder).unwrap().unwrap();
    assert!(store.is_read_only());
    let (_, key) = login(&store, Role::User, &user("one:pin-1"));
    let viewer = Some(Viewer { user: 2, key: &key });
    let found = store.find(viewer, &Attributes::new()).unwrap();
    assert_eq!(found.iter().map(|found| found.id).collect::<Vec<_>>(), [id(1)]);
    assert!(store.get(viewer, id(1)).unwrap().is_some());
    assert!(matches!(store.authenticate(Role::User, &user("one:no")).unwrap(), Authentication::Wrong));
    let error = store.insert(None, &[plain(2)]).err().unwrap();
    assert!(matches!(error, Error::ReadOnly(_)), "{error}");
}
