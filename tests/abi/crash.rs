//! A process that is killed at any moment loses nothing that was answered `CKR_OK`, and leaves nothing half made.

use crate::common::*;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;

const KILLS: u64 = 20;

/// Makes objects of every kind until it is killed; says each label once the module has acknowledged it.
fn write_until_killed(process: &Process, round: &str) {
    let session = Token::join().user();
    process.say("ready");
    for number in 0.. {
        let label = format!("{round}/{number}");
        let stored = template![CKA_TOKEN => true, CKA_LABEL => label.as_str()];
        match number % 4 {
            0 => _ = keys::aes(session, stored),
            1 => {
                let public = stored.and(&template![CKA_EC_PARAMS => keys::P256]);
                let ec = Mechanism::plain(CKM_EC_KEY_PAIR_GEN);
                session.generate_pair(&ec, &public, &stored).unwrap();
            }
            2 => {
                let object = session.create(&keys::data_template("unnamed")).unwrap();
                session
                    .set(object, &template![CKA_LABEL => label.as_str(), CKA_VALUE => label.as_str()])
                    .unwrap();
            }
            _ => {
                let private = template![CKA_PRIVATE => true, CKA_VALUE => label.as_str()];
                let key = session.create(&keys::data_template("").and(&stored).and(&private)).unwrap();
                let copy = session.copy(key, &template![CKA_LABEL => "to go"]).unwrap();
                session.destroy(copy).unwrap();
            }
        }
        process.say(&label);
    }
}

/// Looks at an acknowledged object and uses it.
fn check(session: Session, label: &str) {
    let number: u64 = label.split_once('/').unwrap().1.parse().unwrap();
    let found = session.find(&template![CKA_LABEL => label]).unwrap();
    assert_eq!(found.len(), if number % 4 == 1 { 2 } else { 1 }, "{label} was acknowledged");
    match number % 4 {
        0 => {
            let cbc = Mechanism::bytes(CKM_AES_CBC_PAD, &[1; 16]);
            let encrypted = session.encrypt(&cbc, found[0], b"data").unwrap();
            assert_eq!(session.decrypt(&cbc, found[0], &encrypted).unwrap(), b"data");
        }
        1 => {
            let half = |class: CK_OBJECT_CLASS| {
                session.find(&template![CKA_LABEL => label, CKA_CLASS => class]).unwrap()[0]
            };
            let ecdsa = Mechanism::plain(CKM_ECDSA_SHA256);
            let signature = session.sign(&ecdsa, half(CKO_PRIVATE_KEY), b"data").unwrap();
            session.verify(&ecdsa, half(CKO_PUBLIC_KEY), b"data", &signature).unwrap();
        }
        _ => assert_eq!(session.get(found[0], CKA_VALUE).unwrap(), label.as_bytes()),
    }
}

#[test]
fn every_acknowledged_object_survives_a_kill_and_none_is_half_made() {
    isolated(|process| {
        if let Some((_, round)) = process.part() {
            return write_until_killed(process, &round);
        }
        let token = Token::new();
        let mut acknowledged = BTreeSet::new();
        for round in 0..KILLS {
            let mut part = process.start("write", &round.to_string());
            let mut lines = BufReader::new(part.child().stdout.take().unwrap()).lines();
            // Killed when it has said so much, which is somewhere in the middle of the next object.
            let enough = 1 + (round * 7) % 12;
            let mut said = 0;
            for line in lines.by_ref() {
                let line = line.unwrap();
                let Some(label) = line.strip_prefix("| ") else { continue };
                if label != "ready" {
                    acknowledged.insert(label.to_owned());
                    said += 1;
                }
                if said == enough {
                    break;
                }
            }
            assert_eq!(said, enough, "round {round}: the writer ended by itself");
            part.child().kill().unwrap();
            part.child().wait().unwrap();
            // What it had said before the kill came through counts too.
            for line in lines.map_while(Result::ok) {
                if let Some(label) = line.strip_prefix("| ") {
                    acknowledged.insert(label.to_owned());
                }
            }
            let session = token.user();
            for label in acknowledged.iter().filter(|label| label.starts_with(&format!("{round}/"))) {
                check(session, label);
            }
            session.close().unwrap();
        }
        let session = token.user();
        for label in &acknowledged {
            check(session, label);
        }
        whole(session);
        process.say(format!("{} objects acknowledged over {KILLS} kills", acknowledged.len()));
    });
}

/// Makes objects in so many threads at once until it is killed; says each label once the module has acknowledged it.
fn write_in_threads_until_killed(process: &Process, name: &str, threads: usize) {
    let token = Token::join();
    let login = token.user();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let session = module().open(token.slot, CKF_RW_SESSION).unwrap();
                for number in 0.. {
                    let label = format!("{name}/{thread}/{number}");
                    let object = keys::aes(session, template![CKA_TOKEN => true, CKA_LABEL => "unnamed"]);
                    session.set(object, &template![CKA_LABEL => label.as_str()]).unwrap();
                    process.say(&label);
                }
            });
        }
    });
    login.close().unwrap();
}

#[test]
fn what_many_threads_and_processes_were_told_at_once_survives_a_kill_right_after() {
    isolated(|process| {
        if let Some((name, threads)) = process.part() {
            return write_in_threads_until_killed(process, &name, threads.parse().unwrap());
        }
        let token = Token::new();
        for (processes, threads) in [(1, 8), (8, 1), (3, 3)] {
            let name = |number: usize| format!("{processes}x{threads}-{number}");
            let mut parts: Vec<_> =
                (0..processes).map(|number| process.start(&name(number), &threads.to_string())).collect();
            let mut acknowledged = BTreeSet::new();
            let mut rest = Vec::new();
            for part in &mut parts {
                let mut lines = BufReader::new(part.child().stdout.take().unwrap()).lines();
                let label = |line: String| line.strip_prefix("| ").map(str::to_owned);
                acknowledged.extend(lines.by_ref().map_while(Result::ok).filter_map(label).take(25));
                rest.push(lines);
            }
            parts.iter_mut().for_each(|part| part.child().kill().unwrap());
            for part in &mut parts {
                part.child().wait().unwrap();
            }
            for lines in rest {
                let lines = lines.map_while(Result::ok);
                acknowledged.extend(lines.filter_map(|line| line.strip_prefix("| ").map(str::to_owned)));
            }
            assert!(acknowledged.len() >= 25 * processes);
            let session = token.user();
            for label in &acknowledged {
                let found = session.find(&template![CKA_LABEL => label.as_str()]).unwrap();
                assert_eq!(found.len(), 1, "{label} was acknowledged");
            }
            session.close().unwrap();
        }
    });
}

#[test]
fn a_process_killed_in_the_middle_of_writing_a_commit_leaves_nothing_of_it() {
    isolated(|process| {
        let make = |session| keys::aes(session, template![CKA_TOKEN => true]);
        if let Some((log, more)) = process.part() {
            let session = Token::join().user();
            make(session);
            process.say("made");
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) }, 0);
            limit_size_of_files(std::fs::metadata(log).unwrap().len() + more.parse::<u64>().unwrap());
            make(session);
            return process.say("made more than the limit allows");
        }
        let token = Token::new();
        let session = token.user();
        let log = token.folder.as_ref().unwrap().log();
        for (before, more) in PARTS_OF_A_COMMIT.iter().enumerate() {
            let mut part = process.start(log.to_str().unwrap(), &more.to_string());
            let lines = BufReader::new(part.child().stdout.take().unwrap()).lines();
            let said = lines.map(Result::unwrap).filter(|line| line.starts_with("| ")).collect::<Vec<_>>();
            let ended = part.child().wait().unwrap();
            assert_eq!((ended.signal(), said), (Some(libc::SIGXFSZ), vec!["| made".to_owned()]), "{more}");
            let keys = template![CKA_CLASS => CKO_SECRET_KEY];
            assert_eq!(session.find(&keys).unwrap().len(), 2 * before + 1, "{more} bytes were written");
            make(session);
        }
        let found = session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap();
        assert_eq!(found.len(), 2 * PARTS_OF_A_COMMIT.len());
        for key in found {
            session.encrypt(&Mechanism::bytes(CKM_AES_CBC_PAD, &[1; 16]), key, b"data").unwrap();
        }
    });
}

/// Makes keys, one at a time and as they are to be, until it is killed; says each label once the module has acknowledged it.
fn write_keys_until_killed(process: &Process, name: &str) {
    let session = Token::join().user();
    for number in 0.. {
        let label = format!("{name}/{number}");
        keys::aes(session, template![CKA_TOKEN => true, CKA_LABEL => label.as_str()]);
        process.say(&label);
    }
}

/// A process that writes, and what it has said so far.
struct Writing {
    part: Part,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Writing {
    fn start(process: &Process, name: &str) -> Writing {
        let mut part = process.start(name, "");
        let lines = BufReader::new(part.child().stdout.take().unwrap()).lines();
        Writing { part, lines }
    }

    /// The labels that it says next, so many or all.
    fn say(&mut self, most: usize) -> Vec<String> {
        let label = |line: String| line.strip_prefix("| ").map(str::to_owned);
        self.lines.by_ref().map_while(Result::ok).filter_map(label).take(most).collect()
    }

    /// Kills it; the labels that it had said.
    fn kill(mut self) -> Vec<String> {
        self.part.child().kill().unwrap();
        self.part.child().wait().unwrap();
        self.say(usize::MAX)
    }
}

#[test]
fn a_kill_of_one_of_several_who_write_for_each_other_loses_nothing_makes_nothing_twice_and_stops_nobody() {
    isolated(|process| {
        if let Some((name, _)) = process.part() {
            return write_keys_until_killed(process, &name);
        }
        let token = Token::new();
        let mut all: Vec<_> =
            (0..4).map(|number| Writing::start(process, &format!("first-{number}"))).collect();
        let mut acknowledged = Vec::new();
        for round in 0..2 * KILLS {
            for writing in &mut all {
                let said = writing.say(5);
                assert_eq!(said.len(), 5, "round {round}: a writer ended by itself");
                acknowledged.extend(said);
            }
            let killed = all.remove(0);
            acknowledged.extend(killed.kill());
            all.push(Writing::start(process, &format!("round-{round}")));
        }
        acknowledged.extend(all.into_iter().flat_map(Writing::kill));
        let session = token.user();
        for label in &acknowledged {
            let found = session.find(&template![CKA_LABEL => label.as_str()]).unwrap();
            assert_eq!(found.len(), 1, "{label} was acknowledged");
        }
        // Of each that was killed one more may be there, whole.
        let objects = session.find(&template![CKA_CLASS => CKO_SECRET_KEY]).unwrap();
        let killed = 4 + usize::try_from(2 * KILLS).unwrap();
        assert!((acknowledged.len()..=acknowledged.len() + killed).contains(&objects.len()));
        let labels: BTreeSet<_> =
            objects.iter().map(|object| session.get(*object, CKA_LABEL).unwrap()).collect();
        assert_eq!(labels.len(), objects.len(), "a key was made twice");
        process.say(format!("{} keys acknowledged over {killed} kills", acknowledged.len()));
    });
}

/// Every object there is can be read, and every pair is a pair.
fn whole(session: Session) {
    for object in session.find(&template![]).unwrap() {
        let label = session.get(object, CKA_LABEL).unwrap();
        let class = session.get_ulong(object, CKA_CLASS).unwrap();
        let other = match class {
            CKO_PUBLIC_KEY => CKO_PRIVATE_KEY,
            CKO_PRIVATE_KEY => CKO_PUBLIC_KEY,
            _ => continue,
        };
        let pair = session.find(&template![CKA_LABEL => label, CKA_CLASS => other]).unwrap();
        assert_eq!(pair.len(), 1, "half a pair");
    }
}

#[test]
fn a_kill_while_guessing_pins_gives_no_free_guess() {
    isolated(|process| {
        if process.part().is_some() {
            let session = Token::join().public();
            let refused = session.login(CKU_USER, "wrong");
            process.say(format!("{refused:?}"));
            loop {
                std::thread::park();
            }
        }
        let token = Token::new();
        for _ in 0..5 {
            let mut part = process.start("guess", "");
            let mut lines = BufReader::new(part.child().stdout.take().unwrap()).lines();
            lines.find(|line| line.as_ref().unwrap().starts_with("| ")).unwrap().unwrap();
            part.child().kill().unwrap();
            part.child().wait().unwrap();
        }
        token.public().login(CKU_USER, USER_PIN).refused(CKR_PIN_LOCKED);
    });
}
