//! What the module remembers so as to be fast (ciphers set up with their key, opened objects, answers to searches) changes no answer, and does
//! not outlive what it was remembered of. `CLOISTER_FUZZ_SEED` replays what is at random.

use crate::common::message::{Aead, Parameter};
use crate::common::*;
use crate::fuzz::random::Random;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// The key's value, not as it is: a test looks for copies of it in its own memory.
const MASKED: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";
const MASK: u8 = 0x9d;

fn value() -> Vec<u8> {
    MASKED.iter().map(|byte| byte ^ MASK).collect()
}

/// Up to 300 bytes at random.
fn some_bytes(random: &mut Random) -> Vec<u8> {
    let length = random.length().min(300);
    random.bytes(length)
}

/// Some mechanism that encrypts with an AES key, with parameters at random. `data`: made to fit.
fn cipher(random: &mut Random, data: &mut Vec<u8>) -> Mechanism {
    let iv = random.bytes(16);
    let whole_blocks = data.len() / 16 * 16;
    match random.below(9) {
        0 => {
            data.truncate(whole_blocks);
            Mechanism::plain(CKM_AES_ECB)
        }
        1 => {
            data.truncate(whole_blocks);
            Mechanism::bytes(CKM_AES_CBC, &iv)
        }
        2 => Mechanism::bytes(CKM_AES_CBC_PAD, &iv),
        3 => Mechanism::bytes(CKM_AES_OFB, &iv),
        4 => Mechanism::bytes(CKM_AES_CFB128, &iv),
        5 => Mechanism::bytes(CKM_AES_CFB8, &iv),
        6 => Mechanism::ctr(128, std::array::from_fn(|at| iv[at])),
        _ => {
            let (length, aad) = (*random.pick(&[12, 12, 12, 7, 16]), some_bytes(random));
            Mechanism::gcm_with_tag(&iv[..length], &aad, *random.pick(&[128, 96, 32]))
        }
    }
}

/// Begins something with `key` and leaves it somewhere: ended too early, short of room, cancelled.
fn leave_in_the_middle(random: &mut Random, session: Session, key: Handle) {
    let mut data = some_bytes(random);
    let mechanism = cipher(random, &mut data);
    if random.percent(50) {
        session.decrypt_init(&mechanism, key).unwrap();
        // What is no ciphertext: it may fail here, or at its end.
        let _ = session.decrypt_update(&data);
        if random.percent(50) {
            let _ = session.decrypt_final();
        }
    } else {
        session.encrypt_init(&mechanism, key).unwrap();
        session.encrypt_update(&data).unwrap();
        let (at, length, mut nothing, mut room) = (data.as_mut_ptr(), data.len() as CK_ULONG, [0; 1], 0);
        let _ = invoke!(C_EncryptUpdate(session.0, at, length, nothing.as_mut_ptr(), &mut room));
    }
    session.cancel(CKF_ENCRYPT | CKF_DECRYPT).unwrap();
}

/// Encrypts in one of the ways there are.
fn encrypt(
    random: &mut Random,
    session: Session,
    mechanism: &Mechanism,
    key: Handle,
    data: &[u8],
) -> Vec<u8> {
    let way = random.below(3);
    if way == 0 {
        return session.encrypt(mechanism, key, data).unwrap();
    }
    session.encrypt_init(mechanism, key).unwrap();
    if way == 1 {
        session.digest_init(&Mechanism::plain(CKM_SHA256)).unwrap();
    }
    let mut encrypted = Vec::new();
    for piece in data.chunks(1 + random.below(40)) {
        encrypted.extend(match way {
            1 => session.digest_encrypt_update(piece).unwrap(),
            _ => session.encrypt_update(piece).unwrap(),
        });
    }
    encrypted.extend(session.encrypt_final().unwrap());
    if way == 1 {
        let digest = session.digest_final().unwrap();
        assert_eq!(digest, openssl::sha::sha256(data), "what was digested beside it");
    }
    encrypted
}

#[test]
fn a_key_that_was_used_in_any_way_works_as_one_that_was_never_used() {
    isolated(|process| {
        let seed = std::env::var("CLOISTER_FUZZ_SEED").map_or(20_261_122, |seed| seed.parse().unwrap());
        process.say(format!("CLOISTER_FUZZ_SEED={seed}"));
        let mut random = Random::new(seed);
        let token = Token::new();
        let sessions = [token.user(), token.public(), token.public()];
        let used = keys::secret(sessions[0], CKK_AES, &value(), template![CKA_TOKEN => true]);
        for round in 0..150 {
            let new = keys::secret(sessions[0], CKK_AES, &value(), template![]);
            let mut data = some_bytes(&mut random);
            let mechanism = cipher(&mut random, &mut data);
            leave_in_the_middle(&mut random, sessions[0], used);
            // One goes on in another session, with the very same key and mechanism, all the while.
            sessions[2].encrypt_init(&mechanism, used).unwrap();
            let mut beside = sessions[2].encrypt_update(&data).unwrap();
            leave_in_the_middle(&mut random, sessions[1], used);
            let encrypted = encrypt(&mut random, sessions[0], &mechanism, used, &data);
            let expected = sessions[0].encrypt(&mechanism, new, &data).unwrap();
            assert_eq!(encrypted, expected, "round {round}: mechanism {:#x}", mechanism.id());
            beside.extend(sessions[2].encrypt_final().unwrap());
            assert_eq!(beside, expected, "round {round}, beside it: mechanism {:#x}", mechanism.id());
            assert_eq!(sessions[1].decrypt(&mechanism, used, &encrypted).unwrap(), data, "round {round}");
            sessions[0].destroy(new).unwrap();
        }
    });
}

#[test]
fn messages_with_a_key_that_was_used_before_are_those_of_a_key_that_was_not() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let used = keys::secret(session, CKK_AES, &value(), template![CKA_TOKEN => true]);
        let new = || keys::secret(session, CKK_AES, &value(), template![]);
        for round in 1..20u8 {
            let given = || Parameter::new(Aead::Gcm, CKG_NO_GENERATE).with(&[round; 12]);
            let expected = session.encrypt(&given().single(b"aad"), new(), &[round; 50]).unwrap();
            session.message_encrypt_init(&given().mechanism(), used).unwrap();
            // One that is given up in the middle; what another key's user does meanwhile.
            session.encrypt_message_begin(&mut given().with(&[0x55; 12]), b"other").unwrap();
            session.encrypt_message_next(&mut given(), b"left", 0).unwrap();
            assert_eq!(session.encrypt(&given().single(b"aad"), used, &[round; 50]).unwrap(), expected);
            session.cancel(CKF_MESSAGE_ENCRYPT).unwrap();
            session.message_encrypt_init(&given().mechanism(), used).unwrap();
            let mut parameter = given();
            let whole = session.encrypt_message(&mut parameter, b"aad", &[round; 50]).unwrap();
            assert_eq!([&whole[..], &parameter.tag].concat(), expected, "round {round}");
            session.message_encrypt_final().unwrap();
            session.message_decrypt_init(&given().mechanism(), used).unwrap();
            let mut wrong = Parameter { tag: vec![round; 16], ..given() };
            session.decrypt_message(&mut wrong, b"aad", &whole).refused(CKR_AEAD_DECRYPT_FAILED);
            let mut right = Parameter { tag: parameter.tag, ..given() };
            assert_eq!(session.decrypt_message(&mut right, b"aad", &whole).unwrap(), [round; 50]);
            session.message_decrypt_final().unwrap();
        }
    });
}

#[test]
fn threads_that_use_one_key_at_once_get_what_each_asked_for() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let key = keys::aes(session, template![CKA_TOKEN => true]);
        let work = |session: Session, thread: u8| {
            let gcm = Mechanism::gcm(&[thread; 12], &[thread; 5]);
            let sealed = session.encrypt(&gcm, key, &[thread; 70]).unwrap();
            assert_eq!(session.decrypt(&gcm, key, &sealed).unwrap(), [thread; 70]);
            session.decrypt(&gcm, key, &[thread; 40]).refused(CKR_ENCRYPTED_DATA_INVALID);
            sealed
        };
        std::thread::scope(|scope| {
            for thread in 1..9 {
                let (work, expected) = (&work, work(session, thread));
                let own = token.public();
                scope.spawn(move || (0..100).for_each(|_| assert_eq!(work(own, thread), expected)));
            }
        });
    });
}

#[test]
fn what_a_key_may_do_no_more_it_does_not_do_however_often_it_did() {
    isolated(|process| {
        if let Some((_, what)) = process.part() {
            let session = Token::join().user();
            let key = session.find(&template![CKA_LABEL => "the key"]).unwrap()[0];
            let change = match what.as_str() {
                "encrypt" => template![CKA_ENCRYPT => false],
                "decrypt" => template![CKA_DECRYPT => false],
                _ => template![CKA_LABEL => "renamed", CKA_ENCRYPT => true],
            };
            return session.set(key, &change).unwrap();
        }
        let token = Token::shared();
        let session = token.user();
        let key = keys::aes(session, template![CKA_TOKEN => true, CKA_LABEL => "the key"]);
        let gcm = Mechanism::gcm(&[1; 12], b"");
        let find = |label: &str| session.find(&template![CKA_LABEL => label]).unwrap();
        let (sealed, none) = (session.encrypt(&gcm, key, b"data").unwrap(), [0; 0]);
        assert_eq!(session.decrypt(&gcm, key, &sealed).unwrap(), b"data");
        assert_eq!((find("the key"), find("renamed")), (vec![key], none.to_vec()));
        process.start("change", "encrypt").ends_well();
        // On nodes a key is used as of what this program has seen: it looks.
        assert_eq!(find("the key"), [key]);
        session.encrypt_init(&gcm, key).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_eq!(session.decrypt(&gcm, key, &sealed).unwrap(), b"data");
        process.start("change", "decrypt").ends_well();
        assert_eq!(find("the key"), [key]);
        session.decrypt_init(&gcm, key).refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
        process.start("change", "rename").ends_well();
        assert_eq!((find("the key"), find("renamed")), (none.to_vec(), vec![key]));
        assert_eq!(session.encrypt(&gcm, key, b"data").unwrap(), sealed);
    });
}

#[test]
fn a_search_asked_before_is_answered_for_who_asks_now() {
    isolated(|process| {
        if process.part().is_some() {
            return Token::join().public().set_pin("other:secret-2", "secret-3").unwrap();
        }
        let token = Token::shared();
        let session = token.officer();
        session.init_pin("other:secret-2").unwrap();
        session.logout().unwrap();
        let id = template![CKA_ID => b"id"];
        for pin in [USER_PIN, "other:secret-2"] {
            session.login(CKU_USER, pin).unwrap();
            keys::aes(session, template![CKA_TOKEN => true, CKA_ID => b"id", CKA_LABEL => pin]);
            session.logout().unwrap();
        }
        let labels = || -> Vec<Vec<u8>> {
            let found = session.find(&id).unwrap();
            found.into_iter().map(|object| session.get(object, CKA_LABEL).unwrap()).collect()
        };
        for _ in 0..3 {
            for pin in [USER_PIN, "other:secret-2"] {
                assert!(labels().is_empty(), "nobody is logged in");
                session.login(CKU_USER, pin).unwrap();
                assert_eq!((labels(), labels()), (vec![pin.into()], vec![pin.into()]));
                session.logout().unwrap();
            }
            session.login(CKU_SO, SO_PIN).unwrap();
            assert!(labels().is_empty(), "an officer is logged in");
            session.logout().unwrap();
        }
        session.login(CKU_USER, "other:secret-2").unwrap();
        assert_eq!(labels().len(), 1);
        process.start("change the PIN", "").ends_well();
        session.find(&id).refused(CKR_USER_NOT_LOGGED_IN);
    });
}

/// Slots that are in no case on nodes.
fn on_this_machine() -> Folder {
    Folder::with(&format!("data_dir = \"{{folder}}/data\"\nlog = \"off\"\n{CHEAP_PINS}"))
}

#[test]
fn a_token_that_cannot_be_looked_at_answers_no_search() {
    isolated(|_| {
        let token = Token::new_in(on_this_machine());
        let session = token.user();
        keys::aes(session, template![CKA_TOKEN => true, CKA_ID => b"id"]);
        let find = || session.find(&template![CKA_ID => b"id"]);
        assert_eq!(find().unwrap().len(), 1);
        let place = token.folder.as_ref().unwrap().path().join(format!("data/slots/{}", token.slot));
        std::fs::rename(&place, place.with_extension("away")).unwrap();
        // Where the folder was there is a file: that something is beyond it can't be told.
        std::fs::write(&place, b"").unwrap();
        module().token_info(token.slot).refused(CKR_DEVICE_REMOVED);
        for _ in 0..3 {
            find().refused(CKR_DEVICE_REMOVED);
        }
        std::fs::remove_file(&place).unwrap();
        std::fs::rename(place.with_extension("away"), &place).unwrap();
        assert_eq!(find().unwrap().len(), 1);
    });
}

/// Where in this process's memory the key's value is.
fn copies() -> Vec<usize> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let mut found = Vec::new();
    let mut piece = vec![0; 1 << 16];
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (range, _) = line.split_once(' ').unwrap();
        let bounds: Vec<_> = range.split('-').map(|at| usize::from_str_radix(at, 16).unwrap()).collect();
        let own = piece.as_ptr().addr()..piece.as_ptr().addr() + piece.len();
        let mut at = bounds[0];
        while at < bounds[1] {
            let read = memory.read_at(&mut piece, at as u64).unwrap_or(0);
            let is_value =
                |bytes: &[u8]| bytes.iter().zip(MASKED).all(|(byte, masked)| byte ^ MASK == masked);
            let places = piece[..read].windows(32).enumerate().filter(|(_, bytes)| is_value(bytes));
            found.extend(places.map(|(offset, _)| at + offset).filter(|place| !own.contains(place)));
            // Pieces overlap: the value may lie across two.
            at += if read > 31 { read - 31 } else { piece.len() };
            if read < piece.len() {
                at = bounds[1];
            }
        }
    }
    piece.fill(0);
    found
}

#[test]
fn no_copy_of_a_key_that_was_used_is_in_memory_once_it_or_its_login_has_gone() {
    isolated(|process| {
        if process.part().is_some() {
            let session = Token::join().user();
            let label = template![CKA_TOKEN => true, CKA_LABEL => "the key"];
            keys::secret(session, CKK_AES, &value(), label);
            return;
        }
        let token = Token::new_in(on_this_machine());
        process.start("make the key", "").ends_well();
        let session = token.user();
        let use_it = || {
            let key = session.find(&template![CKA_LABEL => "the key"]).unwrap()[0];
            session.encrypt(&Mechanism::plain(CKM_AES_ECB), key, &[1; 32]).unwrap();
            session.encrypt(&Mechanism::bytes(CKM_AES_CBC_PAD, &[1; 16]), key, &[1; 33]).unwrap();
            session.encrypt(&Mechanism::gcm(&[1; 12], b"aad"), key, &[1; 33]).unwrap();
            session.encrypt(&Mechanism::ctr(128, [1; 16]), key, &[1; 33]).unwrap();
            session.decrypt_init(&Mechanism::bytes(CKM_AES_CBC, &[1; 16]), key).unwrap();
            session.decrypt_update(&[1; 33]).unwrap();
        };
        use_it();
        assert_ne!(copies(), [0; 0], "a key in use is in memory: else nothing would be shown here");
        session.logout().unwrap();
        assert_eq!(copies(), [0; 0], "after the logout");
        session.login(CKU_USER, USER_PIN).unwrap();
        use_it();
        session.cancel(CKF_DECRYPT).unwrap();
        let key = session.find(&template![CKA_LABEL => "the key"]).unwrap()[0];
        let copy = session.copy(key, &template![CKA_TOKEN => false]).unwrap();
        session.encrypt(&Mechanism::gcm(&[1; 12], b"aad"), copy, &[1; 33]).unwrap();
        session.destroy(copy).unwrap();
        session.destroy(key).unwrap();
        assert_eq!(copies(), [0; 0], "after it was destroyed");
        process.start("make the key", "").ends_well();
        use_it();
        module().finalize().unwrap();
        assert_eq!(copies(), [0; 0], "after the library's end");
    });
}
