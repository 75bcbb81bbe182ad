//! What can go wrong with the files of a token is found, named, and harms nothing else.

use crate::common::*;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The token's database below a folder of slots.
fn database(folder: &Folder) -> PathBuf {
    let is_database = |path: &PathBuf| path.file_name().is_some_and(|name| name == "token.db");
    folder.files().into_iter().find(is_database).expect("a token.db")
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_all(&entry.path(), &target),
            false => _ = std::fs::copy(entry.path(), target).unwrap(),
        }
    }
}

/// A token with some objects, finalized; its folder and slot.
fn token_at_rest() -> (Folder, CK_SLOT_ID) {
    let Token { slot, folder } = Token::new();
    let session = Token { slot, folder: None }.user();
    for number in 0..5u8 {
        let label = template![CKA_TOKEN => true, CKA_LABEL => format!("key {number}")];
        let value = template![CKA_EXTRACTABLE => number % 2 == 0];
        keys::secret(session, CKK_AES, &[number; 32], label.and(&value));
    }
    module().finalize().unwrap();
    (folder.unwrap(), slot)
}

/// What is seen of an object: its label, whether it may leave, and its value or why that is not told.
type Seen = (Vec<u8>, bool, Answer<Vec<u8>>);

/// Everything a user can see in the token, or the first refusal.
fn contents(slot: CK_SLOT_ID) -> Answer<Vec<Seen>> {
    let session = module().open(slot, CKF_RW_SESSION)?;
    session.login(CKU_USER, USER_PIN)?;
    let mut all = Vec::new();
    for object in session.find(&template![])? {
        let value = match session.get(object, CKA_VALUE) {
            Err(rv) if rv != Rv(CKR_ATTRIBUTE_SENSITIVE) => return Err(rv),
            value => value,
        };
        all.push((session.get(object, CKA_LABEL)?, session.get_bool(object, CKA_EXTRACTABLE)?, value));
    }
    all.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(all)
}

/// Opens the token as it is on disk, looks and closes again.
fn look(slot: CK_SLOT_ID) -> Answer<Vec<Seen>> {
    module().initialize()?;
    let found = contents(slot);
    module().finalize()?;
    found
}

/// Moves what is still in the write-ahead log into the database itself.
fn settle(database: &Path) {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// Whether SQLite finds every row of every index, and every index entry's row.
fn is_sound(database: &Path) -> bool {
    let connection = rusqlite::Connection::open(database).unwrap();
    let found = connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    found.is_ok_and(|found| found == "ok")
}

/// Alters a byte here and there in `file`, and has `judge` look at what the token then shows. How many alterations were
/// refused, of how many.
fn alter(folder: &Folder, slot: CK_SLOT_ID, file: &Path, judge: impl Fn(usize, Vec<Seen>)) -> (usize, usize) {
    let data = folder.path().join("data");
    let whole = folder.path().join("whole");
    let _ = std::fs::remove_dir_all(&whole);
    copy_all(&data, &whole);
    let length = std::fs::metadata(file).unwrap().len() as usize;
    let (mut found, mut tried) = (0, 0);
    // A step that is no power of two: other places in each page.
    for at in (0..length).step_by(length / 200 + 1) {
        std::fs::remove_dir_all(&data).unwrap();
        copy_all(&whole, &data);
        let mut bytes = std::fs::read(file).unwrap();
        bytes[at] ^= 0x10;
        std::fs::write(file, &bytes).unwrap();
        tried += 1;
        match look(slot) {
            Ok(seen) => judge(at, seen),
            Err(rv) => {
                found += 1;
                assert!(name_of(rv.0).is_some() && rv != Rv(CKR_GENERAL_ERROR), "byte {at}: {rv:?}");
            }
        }
    }
    std::fs::remove_dir_all(&data).unwrap();
    copy_all(&whole, &data);
    (found, tried)
}

#[test]
fn an_altered_byte_is_found_or_means_nothing() {
    isolated(|process| {
        let (folder, slot) = token_at_rest();
        let right = look(slot).unwrap();
        assert_eq!(right.len(), 5);
        let file = database(&folder);
        // SQLite takes a damaged log as its end: an earlier state, of which nothing is untrue.
        let (found, tried) = alter(&folder, slot, &file.with_file_name("token.db-wal"), |at, seen| {
            assert!(seen.iter().all(|object| right.contains(object)), "byte {at} changes an object");
        });
        process.say(format!("{found} of {tried} altered bytes of the log were refused"));
        settle(&file);
        // An index that no longer leads to an object hides it: the check finds that.
        let (found, tried) = alter(&folder, slot, &file, |at, seen| {
            let is_part = seen.iter().all(|object| right.contains(object));
            assert!(seen == right || is_part && !is_sound(&file), "byte {at} changes objects: {seen:?}");
        });
        process.say(format!("{found} of {tried} altered bytes of the database were refused"));
        assert!(found > 0, "nothing was ever found");
    });
}

#[test]
fn records_cannot_be_exchanged_or_changed() {
    isolated(|_| {
        let (folder, slot) = token_at_rest();
        let right = look(slot).unwrap();
        settle(&database(&folder));
        let data = folder.path().join("data");
        let whole = folder.path().join("whole");
        copy_all(&data, &whole);
        let changes = [
            "UPDATE object SET secret = (SELECT secret FROM object ORDER BY id LIMIT 1)",
            "UPDATE object SET public = (SELECT public FROM object ORDER BY id LIMIT 1)",
            "UPDATE object SET secret = NULL",
            "UPDATE object SET version = version + 1",
            "UPDATE object SET owner = NULL",
            "UPDATE object SET public = zeroblob(100)",
            "UPDATE user SET name = 'mallory' WHERE role = 1",
            "UPDATE user SET wrapped = zeroblob(61)",
        ];
        for change in changes {
            std::fs::remove_dir_all(&data).unwrap();
            copy_all(&whole, &data);
            let connection = rusqlite::Connection::open(database(&folder)).unwrap();
            assert!(connection.execute(change, []).unwrap() > 0, "{change}");
            drop(connection);
            match look(slot) {
                Ok(seen) => assert_eq!(seen, right, "not found: {change}"),
                Err(rv) => assert!(
                    [CKR_DEVICE_ERROR, CKR_PIN_INCORRECT, CKR_USER_PIN_NOT_INITIALIZED].contains(&rv.0),
                    "{change}: {rv:?}"
                ),
            }
        }
        // Nobody who looks for it finds it: it is as good as gone, but the log and the check tell.
        std::fs::remove_dir_all(&data).unwrap();
        copy_all(&whole, &data);
        let connection = rusqlite::Connection::open(database(&folder)).unwrap();
        let rename = "UPDATE object SET id = randomblob(16) WHERE id = (SELECT min(id) FROM object)";
        assert_eq!(connection.execute(rename, []).unwrap(), 1);
        drop(connection);
        let seen = look(slot).unwrap();
        assert!(seen.len() == right.len() - 1 && seen.iter().all(|object| right.contains(object)));
    });
}

#[test]
fn what_is_wrong_with_a_store_is_told_apart_and_logged_with_its_path() {
    isolated(|_| {
        let folder = Folder::with(&format!(
            "data_dir = \"{{folder}}/data\"\nlog = \"warn\"\nlog_file = \"{{folder}}/log\"\n{}",
            "[token]\nargon2_memory_kib = 64\nargon2_passes = 1\n"
        ));
        let Token { slot, folder } = Token::new_in(folder);
        let folder = folder.unwrap();
        module().finalize().unwrap();
        let file = database(&folder);
        settle(&file);
        let newer = |path: &Path| {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.pragma_update(None, "user_version", 4000).unwrap();
        };
        let text = |path: &Path| std::fs::write(path, "this is no database, but a text".repeat(300)).unwrap();
        let data = folder.path().join("data");
        let whole = folder.path().join("whole");
        copy_all(&data, &whole);
        type Fault<'a> = (&'a str, &'a dyn Fn(&Path), CK_RV);
        let faults: [Fault; 2] =
            [("a newer version", &newer, CKR_TOKEN_NOT_RECOGNIZED), ("no database", &text, CKR_DEVICE_ERROR)];
        for (what, break_it, code) in faults {
            std::fs::remove_dir_all(&data).unwrap();
            copy_all(&whole, &data);
            break_it(&file);
            let log = folder.path().join("log");
            let before = std::fs::read_to_string(&log).unwrap_or_default().len();
            assert_eq!(look(slot), Err(Rv(code)), "{what}");
            let lines = std::fs::read_to_string(&log).unwrap()[before..].to_owned();
            let naming = lines.lines().filter(|line| line.contains(file.to_str().unwrap())).count();
            assert!(naming > 0, "{what}: no log line names {}:\n{lines}", file.display());
            module().initialize().unwrap();
            module().token_info(slot).map(drop).refused(code);
            module().init_token(slot, SO_PIN, "over it").refused(code);
            module().finalize().unwrap();
        }
    });
}

#[test]
fn a_broken_token_is_no_free_slot_and_does_not_hide_the_others() {
    isolated(|_| {
        let (folder, slot) = token_at_rest();
        module().initialize().unwrap();
        let other = Token::add("the other");
        module().finalize().unwrap();
        let broken = folder.files().into_iter().find(|path| path.ends_with(format!("{slot}/token.db")));
        let broken = broken.expect("the token's database");
        settle(&broken);
        std::fs::write(broken, vec![7; 20_000]).unwrap();
        module().initialize().unwrap();
        assert!(module().slots(true).unwrap().contains(&other));
        contents(other).unwrap();
        let kept = module().init_token(slot, SO_PIN, "over the broken one");
        assert!(kept.is_err(), "a token that can't be read was made anew without its officer");
    });
}

#[test]
fn a_wrong_folder_is_answered_and_not_made_up() {
    isolated(|_| {
        let folder = Folder::with(&format!(
            "log = \"off\"\n{}[[slot]]\nid = 1\npath = \"{{folder}}/file\"\n\
             [[slot]]\nid = 2\npath = \"/proc/no/such/folder\"\n",
            "[token]\nargon2_memory_kib = 64\nargon2_passes = 1\n"
        ));
        std::fs::write(folder.path().join("file"), "a file where a folder should be").unwrap();
        module().initialize().unwrap();
        for slot in [1, 2] {
            let made = module().init_token(slot, SO_PIN, "x");
            made.refused_by_one_of(&[CKR_DEVICE_REMOVED, CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT]);
        }
    });
}

#[test]
fn a_read_only_token_is_read_and_not_written() {
    isolated(|_| {
        let (folder, slot) = token_at_rest();
        read_only(folder.path());
        // Rights mean nothing to the superuser: go on as nobody.
        if unsafe { libc::geteuid() } == 0 {
            assert_eq!(unsafe { libc::setgid(65534) | libc::setuid(65534) }, 0);
        }
        module().initialize().unwrap();
        let info = module().token_info(slot).unwrap();
        assert_ne!(info.flags & CKF_WRITE_PROTECTED, 0);
        let session = module().open(slot, 0).unwrap();
        session.login(CKU_USER, USER_PIN).unwrap();
        assert_eq!(session.find(&template![]).unwrap().len(), 5);
        match module().open(slot, CKF_RW_SESSION) {
            Err(rv) => assert_eq!(rv, Rv(CKR_TOKEN_WRITE_PROTECTED)),
            Ok(writer) => {
                writer.create(&keys::data_template("x")).refused(CKR_TOKEN_WRITE_PROTECTED);
                keys::aes(writer, template![]);
            }
        }
    });
}

/// Takes the right to write from everything in a folder, and gives everybody the right to read.
fn read_only(path: &Path) {
    let mode = if path.is_dir() { 0o555 } else { 0o444 };
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            read_only(&entry.unwrap().path());
        }
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_full_disk_loses_nothing_that_was_there() {
    isolated(|process| {
        let folder = Folder::new();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let small = small_disk(&data);
        process.say(if small { "on a small disk of its own" } else { "with a limit on the size of files" });
        let token = Token::new_in(folder);
        if !small {
            limit_files(3 << 19);
        }
        let session = token.user();
        let mut made = 0;
        let refusal = loop {
            let label = format!("object {made}");
            let large = template![CKA_LABEL => label, CKA_VALUE => vec![made as u8; 50_000]];
            match session.create(&keys::data_template("").and(&large)) {
                Ok(_) => made += 1,
                Err(rv) => break rv,
            }
            assert!(made < 1000, "the disk never fills");
        };
        let expected = if small { &[CKR_DEVICE_MEMORY][..] } else { &[CKR_DEVICE_MEMORY, CKR_DEVICE_ERROR] };
        assert!(expected.contains(&refusal.0), "{refusal:?}");
        assert!(made > 0, "the disk was full from the beginning");
        for number in 0..made {
            let found = session.find(&template![CKA_LABEL => format!("object {number}")]).unwrap();
            assert_eq!(session.get(found[0], CKA_VALUE).unwrap(), vec![number as u8; 50_000]);
        }
        assert_eq!(session.find(&template![CKA_CLASS => CKO_DATA]).unwrap().len(), made);
        keys::aes(session, template![]);
        module().finalize().unwrap();
        module().initialize().unwrap();
        let session = token.public();
        assert_eq!(session.find(&template![CKA_CLASS => CKO_DATA]).unwrap().len(), made);
        if small {
            unmount(&data);
        }
    });
}

#[test]
fn a_commit_that_the_disk_takes_only_a_part_of_is_refused_and_nothing_is_left_of_it() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let template = keys::aes_template(32).and(&template![CKA_TOKEN => true]);
        let make = || session.generate(&Mechanism::plain(CKM_AES_KEY_GEN), &template);
        let count = |session: Session| session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap().len();
        let log = token.folder.as_ref().unwrap().log();
        make().unwrap();
        let mut made = 1;
        for more in PARTS_OF_A_COMMIT {
            limit_files(std::fs::metadata(&log).unwrap().len() + more);
            make().map(drop).refused(CKR_DEVICE_MEMORY);
            assert_eq!(count(session), made, "{more} bytes were taken");
            limit_files(libc::RLIM_INFINITY);
            make().unwrap();
            made += 1;
            assert_eq!(count(session), made);
        }
        module().finalize().unwrap();
        module().initialize().unwrap();
        assert_eq!(count(token.user()), made);
    });
}

/// Puts a file system of 1.5 MiB at `path`, if this process may.
fn small_disk(path: &Path) -> bool {
    let at = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    let (kind, size) = (c"tmpfs", c"size=1536k");
    unsafe {
        // In a name space of this process alone: nobody else sees it, and it goes with the process.
        let private = libc::MS_REC | libc::MS_PRIVATE;
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(std::ptr::null(), c"/".as_ptr(), std::ptr::null(), private, std::ptr::null()) == 0
            && libc::mount(kind.as_ptr(), at.as_ptr(), kind.as_ptr(), 0, size.as_ptr().cast()) == 0
    }
}

fn unmount(path: &Path) {
    let at = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    unsafe { libc::umount2(at.as_ptr(), libc::MNT_DETACH) };
}

/// No file of this process may grow beyond so many bytes from now on: such a write is refused.
fn limit_files(bytes: u64) {
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    limit_size_of_files(bytes);
}

/// From now on these system calls fail with `EIO` in this thread.
fn refuse(calls: &[libc::c_long]) {
    let statement = |code: u32, value: u32, yes: u8, no: u8| libc::sock_filter {
        code: code as u16,
        jt: yes,
        jf: no,
        k: value,
    };
    // The call's number, compared with each; what is not among them goes on.
    let mut filter = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0)];
    for call in calls {
        filter.push(statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, *call as u32, 0, 1));
        filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | libc::EIO as u32, 0, 0));
    }
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0));
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
    }
}

#[test]
fn what_the_disk_has_not_taken_is_not_answered_as_done() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let kept = keys::aes(session, template![CKA_TOKEN => true, CKA_LABEL => "kept"]);
        let other = token.public();
        refuse(&[libc::SYS_fdatasync]);
        session.create(&keys::data_template("lost or kept")).refused(CKR_GENERAL_ERROR);
        session.set(kept, &template![CKA_LABEL => "renamed or not"]).refused(CKR_GENERAL_ERROR);
        session.destroy(kept).refused(CKR_GENERAL_ERROR);
        // What came to the disk another way may be seen, and is whole.
        for object in other.find(&template![]).unwrap() {
            other.get(object, CKA_LABEL).unwrap();
        }
        module().finalize().unwrap();
        module().initialize().unwrap();
        token.public().login(CKU_USER, "wrong").refused(CKR_GENERAL_ERROR);
    });
}

#[test]
fn on_a_disk_that_takes_nothing_no_more_is_answered_and_what_it_had_is_there_afterwards() {
    isolated(|process| {
        if process.part().is_some() {
            let session = Token::join().user();
            let kept = session.find(&template![CKA_LABEL => "kept"]).unwrap()[0];
            // For this process and its children.
            refuse(&[libc::SYS_fdatasync, libc::SYS_fsync]);
            session.create(&keys::data_template("lost or kept")).refused(CKR_GENERAL_ERROR);
            session.find(&template![CKA_LABEL => "lost or kept"]).map(drop).refused(CKR_GENERAL_ERROR);
            session.create(&keys::data_template("refused")).refused(CKR_GENERAL_ERROR);
            session.destroy(kept).refused(CKR_GENERAL_ERROR);
            return;
        }
        let token = Token::new();
        let session = token.user();
        keys::aes(session, template![CKA_TOKEN => true, CKA_LABEL => "kept"]);
        process.start("meet a disk that takes nothing", "").ends_well();
        // This process's disk takes everything again.
        assert_eq!(session.find(&template![CKA_LABEL => "kept"]).unwrap().len(), 1);
        assert_eq!(session.find(&template![CKA_LABEL => "refused"]).unwrap().len(), 0);
        for object in session.find(&template![]).unwrap() {
            session.get(object, CKA_LABEL).unwrap();
        }
        keys::aes(session, template![CKA_TOKEN => true]);
    });
}
