//! Several processes with one token: nothing is lost, and each sees what the others have done.

use crate::common::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout};

/// Another process of the test, told what to do by lines and answering by lines.
pub(crate) struct Other {
    part: Part,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Other {
    pub(crate) fn start(process: &Process, part: &str, argument: &str) -> Other {
        let mut part = process.start(part, argument);
        let to = part.child().stdin.take().unwrap();
        let from = BufReader::new(part.child().stdout.take().unwrap());
        Other { part, to, from }
    }

    /// Has it do something; what it said of it.
    pub(crate) fn tell(&mut self, what: &str) -> String {
        writeln!(self.to, "{what}").unwrap();
        self.hear()
    }

    /// The next line it says.
    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.from.read_line(&mut line).unwrap(), 0, "the other process has ended");
            if let Some(said) = line.strip_prefix("| ") {
                return said.trim_end().to_owned();
            }
        }
    }

    /// No more to do: it ends.
    pub(crate) fn done(mut self) {
        drop(self.to);
        let mut rest = Vec::new();
        self.from.read_to_end(&mut rest).unwrap();
        self.part.ends();
    }
}

const WRITERS: usize = 6;
const OBJECTS: usize = 25;

#[test]
fn objects_of_all_processes_that_write_at_once_are_there_afterwards() {
    isolated(|process| {
        if let Some((_, writer)) = process.part() {
            let session = Token::join().user();
            for number in 0..OBJECTS {
                let label = template![CKA_TOKEN => true, CKA_LABEL => format!("{writer}/{number}")];
                match number % 3 {
                    0 => keys::aes(session, label),
                    1 => keys::ec(session, keys::P256, label).1,
                    _ => session.create(&keys::data_template("").and(&label)).unwrap(),
                };
            }
            return;
        }
        let token = Token::shared();
        let session = token.user();
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| process.start("write", &writer.to_string())).collect();
        for writer in writers {
            writer.ends_well();
        }
        for writer in 0..WRITERS {
            for number in 0..OBJECTS {
                let label = format!("{writer}/{number}");
                let found = session.find(&template![CKA_LABEL => label.as_str(), CKA_TOKEN => true]);
                assert_eq!(found.unwrap().len(), 1, "object {label}");
            }
        }
        let stored = session.find(&template![CKA_TOKEN => true]).unwrap();
        assert_eq!(stored.len(), WRITERS * OBJECTS);
        let cbc = Mechanism::bytes(CKM_AES_CBC_PAD, &[1; 16]);
        for key in session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap() {
            session.encrypt(&cbc, key, b"whole").unwrap();
        }
    });
}

#[test]
fn what_one_process_does_another_sees_at_its_next_call() {
    isolated(|process| {
        if process.part().is_some() {
            let session = Token::join().user();
            for line in std::io::stdin().lines() {
                let line = line.unwrap();
                let (verb, label) = line.split_once(' ').unwrap();
                let found = session.find(&template![CKA_LABEL => label]).unwrap();
                match verb {
                    "make" => _ = session.create(&keys::data_template(label)).unwrap(),
                    "change" => session.set(found[0], &template![CKA_VALUE => "changed"]).unwrap(),
                    "destroy" => session.destroy(found[0]).unwrap(),
                    other => panic!("what is {other}?"),
                }
                process.say("done");
            }
            return;
        }
        let token = Token::shared();
        let session = token.user();
        let mut other = Other::start(process, "obey", "");
        for round in 0..20 {
            let label = format!("object {round}");
            let find = || session.find(&template![CKA_LABEL => label.as_str()]).unwrap();
            assert_eq!(find().len(), 0);
            other.tell(&format!("make {label}"));
            let found = find();
            assert_eq!(found.len(), 1, "round {round}: not seen");
            assert_eq!(session.get(found[0], CKA_VALUE).unwrap(), b"some data");
            other.tell(&format!("change {label}"));
            assert_eq!(session.get(found[0], CKA_VALUE).unwrap(), b"changed", "an old value is cached");
            other.tell(&format!("destroy {label}"));
            session.get(found[0], CKA_VALUE).refused(CKR_OBJECT_HANDLE_INVALID);
            assert_eq!(find().len(), 0);
        }
        other.done();
    });
}

#[test]
fn a_key_destroyed_elsewhere_works_no_more_here() {
    isolated(|process| {
        if process.part().is_some() {
            let session = Token::join().user();
            for key in session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap() {
                session.destroy(key).unwrap();
            }
            return;
        }
        let token = Token::shared();
        let session = token.user();
        let key = keys::aes(session, template![CKA_TOKEN => true]);
        let cbc = Mechanism::bytes(CKM_AES_CBC_PAD, &[1; 16]);
        session.encrypt(&cbc, key, b"cached").unwrap();
        process.start("destroy", "").ends_well();
        assert!(session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap().is_empty());
        session.encrypt(&cbc, key, b"gone").refused(CKR_KEY_HANDLE_INVALID);
    });
}

#[test]
fn logins_are_each_process_own() {
    isolated(|process| {
        if process.part().is_some() {
            let session = Token::join().public();
            assert_eq!(session.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
            assert!(session.find(&template![]).unwrap().is_empty());
            session.login(CKU_SO, SO_PIN).unwrap();
            return;
        }
        let token = Token::shared();
        let session = token.user();
        keys::aes(session, template![CKA_TOKEN => true]);
        process.start("look", "").ends_well();
        assert_eq!(session.info().unwrap().state, CKS_RW_USER_FUNCTIONS);
    });
}

#[test]
fn session_objects_are_each_process_own() {
    isolated(|process| {
        if process.part().is_some() {
            assert!(Token::join().user().find(&template![]).unwrap().is_empty());
            return;
        }
        let token = Token::shared();
        let session = token.user();
        keys::aes(session, template![]);
        session.create(&keys::data_template("x").and(&template![CKA_TOKEN => false])).unwrap();
        process.start("look", "").ends_well();
    });
}

#[test]
fn a_changed_pin_counts_in_all_processes() {
    isolated(|process| {
        if process.part().is_some() {
            let session = Token::join().public();
            session.set_pin(USER_PIN, "changed-pin").unwrap();
            return;
        }
        let token = Token::shared();
        let session = token.user();
        session.logout().unwrap();
        process.start("change", "").ends_well();
        session.login(CKU_USER, USER_PIN).refused(CKR_PIN_INCORRECT);
        session.login(CKU_USER, "changed-pin").unwrap();
    });
}

#[test]
fn a_token_made_anew_elsewhere_is_empty_here() {
    isolated(|process| {
        if process.part().is_some() {
            let token = Token::join();
            module().init_token(token.slot, SO_PIN, "under test").unwrap();
            return;
        }
        let token = Token::shared();
        let session = token.user();
        let key = keys::aes(session, template![CKA_TOKEN => true]);
        process.start("initialise", "").ends_well();
        // On nodes a key is used as of what this program has seen; to look is to see what others have done.
        let found = session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap_or_default();
        assert!(found.is_empty(), "an object of the old token is still there");
        let cbc = Mechanism::bytes(CKM_AES_CBC_PAD, &[1; 16]);
        assert!(session.encrypt(&cbc, key, b"x").is_err(), "a key of the old token still works");
        let stored = keys::aes_template(32).and(&template![CKA_TOKEN => true]);
        let made = session.generate(&Mechanism::plain(CKM_AES_KEY_GEN), &stored);
        assert!(made.is_err(), "a login of the old token still writes");
        session.close().unwrap();
        token.public().login(CKU_USER, USER_PIN).refused(CKR_USER_PIN_NOT_INITIALIZED);
    });
}

#[test]
fn tokens_made_by_processes_at_once_are_all_there() {
    isolated(|process| {
        if let Some((_, number)) = process.part() {
            module().initialize().unwrap();
            // Another process may take the free slot first: then this one looks again.
            for _ in 0..100 {
                let free: Vec<_> = module()
                    .slots(true)
                    .unwrap()
                    .into_iter()
                    .filter(|slot| module().token_info(*slot).unwrap().flags & CKF_TOKEN_INITIALIZED == 0)
                    .collect();
                let Some(slot) = free.first() else { continue };
                let pin = format!("officer {number}");
                match module().init_token(*slot, &pin, &format!("token {number}")) {
                    Ok(()) => return process.say(slot),
                    // Another process's token is there by now: known to this one only since the call, or a
                    // moment longer. Never is it made anew.
                    refused => refused.refused_by_one_of(&[CKR_FUNCTION_FAILED, CKR_PIN_INCORRECT]),
                }
            }
            panic!("no free slot was ever got");
        }
        let _folder = Folder::for_tokens(5);
        let makers: Vec<_> = (0..5).map(|number| process.start("make", &number.to_string())).collect();
        let mut slots: Vec<CK_SLOT_ID> =
            makers.into_iter().map(|maker| maker.ends_well().trim().parse().unwrap()).collect();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), 5, "two processes made a token in the same slot");
        module().initialize().unwrap();
        for slot in slots {
            assert_ne!(module().token_info(slot).unwrap().flags & CKF_TOKEN_INITIALIZED, 0);
        }
    });
}

#[test]
fn a_pin_changed_elsewhere_ends_the_login_here_and_the_new_one_begins_another() {
    isolated(|process| {
        if process.part().is_some() {
            Token::join().public().set_pin(USER_PIN, "changed-pin").unwrap();
            return;
        }
        let token = Token::shared();
        let (session, reader) = (token.user(), token.read_only());
        keys::aes(session, template![CKA_TOKEN => true]);
        let held = keys::aes(session, template![]);
        let cbc = Mechanism::bytes(CKM_AES_CBC, &[1; 16]);
        session.encrypt_init(&cbc, held).unwrap();
        process.start("change", "").ends_well();
        assert_eq!(session.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
        assert_eq!(reader.info().unwrap().state, CKS_RO_PUBLIC_SESSION);
        session.login(CKU_USER, USER_PIN).refused(CKR_PIN_INCORRECT);
        session.login(CKU_USER, "changed-pin").unwrap();
        assert_eq!(session.info().unwrap().state, CKS_RW_USER_FUNCTIONS);
        assert_eq!(session.find(&template![]).unwrap().len(), 1, "the stored key alone is there");
        session.encrypt_rest(&[0; 16]).refused(CKR_OPERATION_NOT_INITIALIZED);
        session.get(held, CKA_CLASS).refused(CKR_OBJECT_HANDLE_INVALID);
    });
}

#[test]
fn a_token_made_elsewhere_in_a_slot_seen_free_is_not_made_anew() {
    isolated(|process| {
        if let Some((_, slot)) = process.part() {
            module().initialize().unwrap();
            let slot = slot.parse().unwrap();
            module().init_token(slot, SO_PIN, "theirs").unwrap();
            let session = module().open(slot, CKF_RW_SESSION).unwrap();
            session.create(&keys::data_template("kept")).unwrap();
            return;
        }
        let folder = Folder::new();
        // In one slot there is nothing, in the other what a process leaves that is only about to make a token.
        let begun = folder.path().join("data/slots/0");
        std::fs::create_dir_all(&begun).unwrap();
        std::fs::write(begun.join("token.db"), b"").unwrap();
        module().initialize().unwrap();
        let slots = module().slots(true).unwrap();
        assert!(slots.len() >= 2);
        for slot in slots {
            assert_eq!(module().token_info(slot).unwrap().flags & CKF_TOKEN_INITIALIZED, 0);
            process.start("make", &slot.to_string()).ends_well();
            // The same PIN would do to make a token anew that was known to be there.
            module().init_token(slot, SO_PIN, "ours").refused(CKR_FUNCTION_FAILED);
            module().init_token(slot, "another PIN", "ours").refused(CKR_FUNCTION_FAILED);
            assert!(module().token_info(slot).unwrap().label.starts_with(b"theirs  "));
            let session = module().open(slot, CKF_RW_SESSION).unwrap();
            assert_eq!(session.find(&template![CKA_LABEL => "kept"]).unwrap().len(), 1);
            session.login(CKU_SO, SO_PIN).unwrap();
        }
    });
}
