//! A store that can't be used: its own answer for each trouble, a log line that names the file, and nothing half made.

use crate::common::*;
use crate::fork::fork;
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// One slot in a folder of the test's choice, and a log to look at.
const CONFIGURATION: &str = "log = \"warn\"\nlog_file = \"{folder}/log\"\n\
    [token]\nargon2_memory_kib = 64\nargon2_passes = 1\n[[slot]]\nid = 1\npath = \"{folder}/token\"\n";

/// A folder with a slot, and a token in it or not yet.
struct Bench {
    folder: Folder,
}

impl Bench {
    fn empty() -> Bench {
        Bench { folder: Folder::with(CONFIGURATION) }
    }

    /// With a token that holds a key, and two private data objects; closed.
    fn new() -> Bench {
        let bench = Bench::empty();
        module().initialize().unwrap();
        Token::add("under test");
        let session = bench.login();
        keys::aes(session, template![CKA_TOKEN => true, CKA_LABEL => "key"]);
        for label in ["one", "two"] {
            session.create(&private_data(label)).unwrap();
        }
        module().finalize().unwrap();
        assert_eq!(bench.log(), Vec::<String>::new());
        bench
    }

    fn token(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    fn file(&self) -> PathBuf {
        self.token().join("token.db")
    }

    /// The database, while the module does not have it open.
    fn database(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }

    fn open(&self, flags: CK_FLAGS) -> Answer<Session> {
        module().open(1, flags)
    }

    fn login(&self) -> Session {
        let session = self.open(CKF_RW_SESSION).unwrap();
        session.login(CKU_USER, USER_PIN).unwrap();
        session
    }

    /// The log's lines since the last look.
    fn log(&self) -> Vec<String> {
        let file = self.folder.path().join("log");
        let text = fs::read_to_string(&file).unwrap_or_default();
        if file.exists() {
            fs::write(&file, "").unwrap();
        }
        text.lines().map(str::to_owned).collect()
    }

    /// Something was said, and each line of it names the path.
    #[track_caller]
    fn log_names(&self, path: &Path) {
        let lines = self.log();
        let names = |line: &String| line.contains(path.to_str().unwrap());
        assert!(!lines.is_empty() && lines.iter().all(names), "{lines:#?}");
    }

    /// Everything is there and can be used; the library is closed again.
    #[track_caller]
    fn works(&self, labels: &[&str]) {
        module().initialize().unwrap();
        let session = self.login();
        assert_eq!(use_all(session), [Ok(()); 3]);
        let found = session.find(&template![CKA_CLASS => CKO_DATA]).unwrap();
        let mut there: Vec<_> = found.iter().map(|object| session.get(*object, CKA_LABEL).unwrap()).collect();
        there.sort();
        assert_eq!(there, labels.iter().map(|label| label.as_bytes()).collect::<Vec<_>>());
        let object = session.create(&private_data("try")).unwrap();
        session.destroy(object).unwrap();
        module().finalize().unwrap();
        assert_eq!(self.log(), Vec::<String>::new());
    }
}

fn private_data(label: &str) -> Template {
    keys::data_template(label).and(&template![CKA_PRIVATE => true])
}

/// Encrypts with the key, and reads both objects' values.
fn use_all(session: Session) -> [Answer<()>; 3] {
    let iv = Mechanism::bytes(CKM_AES_CBC_PAD, &[0; 16]);
    let key = found(session, "key").and_then(|key| session.encrypt(&iv, key, b"data").map(|_| ()));
    let read = |label| found(session, label).and_then(|data| session.get(data, CKA_VALUE).map(|_| ()));
    [key, read("one"), read("two")]
}

/// The object with that label, and if the search does not know it, the one that says so itself.
fn found(session: Session, label: &str) -> Answer<Handle> {
    if let Some(found) = session.find(&template![CKA_LABEL => label])?.first() {
        return Ok(*found);
    }
    for object in session.find(&template![])? {
        if session.get(object, CKA_LABEL)? == label.as_bytes() {
            return Ok(object);
        }
    }
    Err(Rv(CKR_OBJECT_HANDLE_INVALID))
}

/// Copies the files of a folder.
fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// What somebody with the files changes; the objects are numbered 1 (the key), 2 and 3.
const TAMPERINGS: &[(&str, &str)] = &[
    ("a secret half cut short", "UPDATE object SET secret = substr(secret, 1, 20) WHERE number = 1"),
    ("no secret half", "UPDATE object SET secret = NULL WHERE number = 1"),
    (
        "the secret half of another object",
        "UPDATE object SET secret = (SELECT secret FROM object WHERE number = 2) WHERE number = 1",
    ),
    (
        "both halves of another object",
        "UPDATE object SET (public, secret) = (SELECT public, secret FROM object WHERE number = 3) WHERE number = 2",
    ),
    (
        "rows exchanged",
        "CREATE TEMP TABLE ids AS SELECT number, id FROM object; UPDATE object SET id = randomblob(16); \
         UPDATE object SET id = (SELECT id FROM ids WHERE ids.number = 4 - object.number)",
    ),
    ("another version", "UPDATE object SET version = version + 1 WHERE number = 1"),
    ("no owner", "UPDATE object SET owner = NULL WHERE number = 1"),
];

#[test]
fn a_changed_byte_or_row_is_a_device_error_and_named_in_the_log() {
    isolated(|_| {
        let bench = Bench::new();
        let backup = bench.folder.path().join("backup");
        copy_files(&bench.token(), &backup);
        let sql = |sql: &'static str| move |database: &Connection| database.execute_batch(sql).unwrap();
        for (what, text) in TAMPERINGS {
            is_noticed(&bench, &backup, what, sql(text));
        }
        for column in ["public", "secret"] {
            for place in [0, 1, 5, 40, -1] {
                let what = format!("byte {place} of the {column} half");
                is_noticed(&bench, &backup, &what, |database| flip(database, column, place));
            }
        }
        bench.works(&["one", "two"]);
    });
}

/// Turns a bit of the key's column; a negative place counts from the end.
fn flip(database: &Connection, column: &str, place: isize) {
    let select = format!("SELECT {column} FROM object WHERE number = 1");
    let mut bytes: Vec<u8> = database.query_row(&select, (), |row| row.get(0)).unwrap();
    let place = if place < 0 { bytes.len() - 1 } else { place as usize };
    bytes[place] ^= 1;
    database.execute(&format!("UPDATE object SET {column} = ? WHERE number = 1"), [bytes]).unwrap();
}

/// Changes the token, tries to use it, and puts the backup back.
fn is_noticed(bench: &Bench, backup: &Path, what: &str, change: impl FnOnce(&Connection)) {
    change(&bench.database());
    module().initialize().unwrap();
    let answers = use_all(bench.login());
    module().finalize().unwrap();
    assert!(answers.contains(&Err(Rv(CKR_DEVICE_ERROR))), "{what}: {answers:?}");
    let known = [Ok(()), Err(Rv(CKR_DEVICE_ERROR))];
    assert!(answers.iter().all(|answer| known.contains(answer)), "{what}: {answers:?}");
    bench.log_names(&bench.file());
    fs::remove_dir_all(bench.token()).unwrap();
    copy_files(backup, &bench.token());
}

#[test]
fn an_old_state_of_an_object_is_not_taken_for_its_present_one() {
    isolated(|_| {
        let bench = Bench::new();
        let database = bench.database();
        database.execute_batch("CREATE TABLE old AS SELECT * FROM object").unwrap();
        drop(database);
        module().initialize().unwrap();
        let session = bench.login();
        let key = session.find(&template![CKA_LABEL => "key"]).unwrap()[0];
        session.set(key, &template![CKA_ENCRYPT => false]).unwrap();
        module().finalize().unwrap();
        // The halves that still allowed it, in the row as it is now.
        let back = "UPDATE object SET (public, secret) = \
                    (SELECT public, secret FROM old WHERE old.id = object.id) WHERE id IN (SELECT id FROM old)";
        bench.database().execute_batch(back).unwrap();
        module().initialize().unwrap();
        assert_eq!(use_all(bench.login())[0], Err(Rv(CKR_DEVICE_ERROR)));
        module().finalize().unwrap();
        bench.log_names(&bench.file());
    });
}

/// The slot's answers while its store can't be used: to `C_GetTokenInfo`, `C_OpenSession` and `C_InitToken`.
fn refused(bench: &Bench, code: CK_RV, path: &Path) {
    module().initialize().unwrap();
    module().token_info(1).refused(code);
    bench.log_names(path);
    bench.open(CKF_RW_SESSION).refused(code);
    bench.log_names(path);
    module().init_token(1, SO_PIN, "anew").refused(code);
    bench.log_names(path);
    module().finalize().unwrap();
}

#[test]
fn a_file_where_the_folder_should_be_is_a_removed_device() {
    isolated(|_| {
        let bench = Bench::new();
        let aside = bench.folder.path().join("aside");
        fs::rename(bench.token(), &aside).unwrap();
        fs::write(bench.token(), "a file").unwrap();
        refused(&bench, CKR_DEVICE_REMOVED, &bench.token());
        assert_eq!(fs::read(bench.token()).unwrap(), b"a file");
        fs::remove_file(bench.token()).unwrap();
        fs::rename(&aside, bench.token()).unwrap();
        bench.works(&["one", "two"]);
    });
}

#[test]
fn a_later_format_is_a_token_not_recognized() {
    isolated(|_| {
        let bench = Bench::new();
        bench.database().pragma_update(None, "user_version", 2).unwrap();
        refused(&bench, CKR_TOKEN_NOT_RECOGNIZED, &bench.file());
        bench.database().pragma_update(None, "user_version", 1).unwrap();
        bench.works(&["one", "two"]);
    });
}

#[test]
fn what_is_no_database_is_a_device_error_and_left_alone() {
    isolated(|_| {
        let bench = Bench::new();
        let backup = bench.folder.path().join("backup");
        copy_files(&bench.token(), &backup);
        let notes = "somebody's notes, which are no database of any kind\n".repeat(100);
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(bench.token().join(format!("token.db{suffix}")));
        }
        fs::write(bench.file(), &notes).unwrap();
        refused(&bench, CKR_DEVICE_ERROR, &bench.file());
        assert_eq!(fs::read_to_string(bench.file()).unwrap(), notes);
        fs::remove_dir_all(bench.token()).unwrap();
        copy_files(&backup, &bench.token());
        bench.works(&["one", "two"]);
    });
}

fn set_modes(bench: &Bench, folder: u32, file: u32) {
    for entry in fs::read_dir(bench.token()).unwrap() {
        fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(file)).unwrap();
    }
    fs::set_permissions(bench.token(), fs::Permissions::from_mode(folder)).unwrap();
}

#[test]
fn a_read_only_store_is_write_protected_and_can_be_read() {
    isolated(|_| {
        let bench = Bench::new();
        fs::set_permissions(bench.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(bench.folder.path().join("log"), fs::Permissions::from_mode(0o666)).unwrap();
        set_modes(&bench, 0o555, 0o444);
        module();
        let child = fork(|_| {
            if unsafe { libc::geteuid() } == 0 {
                // Root may write anything.
                let nobody = 65534;
                assert_eq!(unsafe { libc::setgid(nobody) | libc::setuid(nobody) }, 0);
            }
            module().initialize().unwrap();
            let flags = module().token_info(1).unwrap().flags;
            assert_ne!(flags & CKF_WRITE_PROTECTED, 0);
            let session = bench.open(0).unwrap();
            session.login(CKU_USER, USER_PIN).unwrap();
            assert_eq!(use_all(session), [Ok(()); 3]);
            if let Ok(session) = bench.open(CKF_RW_SESSION) {
                session.create(&private_data("new")).refused(CKR_TOKEN_WRITE_PROTECTED);
                bench.log_names(&bench.file());
                let data = session.find(&template![CKA_LABEL => "one"]).unwrap()[0];
                session.destroy(data).refused(CKR_TOKEN_WRITE_PROTECTED);
                bench.log_names(&bench.file());
            }
            module().finalize().unwrap();
        });
        child.ends_well();
        set_modes(&bench, 0o700, 0o600);
        bench.works(&["one", "two"]);
    });
}

/// No file may grow beyond this from now on.
fn limit_files(bytes: libc::rlim_t) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        assert_eq!(libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit), 0);
        limit.rlim_cur = bytes.min(limit.rlim_max);
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
    }
}

#[test]
fn a_full_disk_is_a_full_device_and_keeps_what_there_was() {
    isolated(|_| {
        let bench = Bench::new();
        module().initialize().unwrap();
        let session = bench.login();
        let largest =
            bench.folder.files().iter().map(|file| fs::metadata(file).unwrap().len()).max().unwrap();
        limit_files(largest + (64 << 10));
        let mut made = Vec::new();
        let refusal = loop {
            let label = format!("filling {:03}", made.len());
            let template = private_data(&label).and(&template![CKA_VALUE => vec![7; 8000]]);
            match session.create(&template) {
                Ok(_) => made.push(label),
                Err(refusal) => break refusal,
            }
            assert!(made.len() < 1000, "the limit does not work");
        };
        assert_eq!(refusal, Rv(CKR_DEVICE_MEMORY));
        bench.log_names(&bench.file());
        assert!(!made.is_empty());
        // Of a pair, both keys or none.
        let public =
            template![CKA_TOKEN => true, CKA_EC_PARAMS => keys::P256, CKA_LABEL => vec![b'p'; 20_000]];
        let private = keys::private_template().and(&template![CKA_TOKEN => true, CKA_LABEL => "pair"]);
        let generate = Mechanism::plain(CKM_EC_KEY_PAIR_GEN);
        session.generate_pair(&generate, &public, &private).refused(CKR_DEVICE_MEMORY);
        bench.log_names(&bench.file());
        let of_class = |class| session.find(&template![CKA_CLASS => class]).unwrap().len();
        assert_eq!((of_class(CKO_PUBLIC_KEY), of_class(CKO_PRIVATE_KEY)), (0, 0));
        assert_eq!(of_class(CKO_DATA), made.len() + 2);
        assert_eq!(use_all(session), [Ok(()); 3]);
        limit_files(libc::RLIM_INFINITY);
        session.generate_pair(&generate, &public, &private).unwrap();
        module().finalize().unwrap();
        let labels: Vec<_> = made.iter().map(String::as_str).chain(["one", "two"]).collect();
        bench.works(&labels);
    });
}
