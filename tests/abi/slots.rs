//! Slots and tokens: ids that never change, always a free slot, and descriptions that are right at all times.

use crate::common::*;
use std::ptr::null_mut;

fn flag(slot: CK_SLOT_ID, flag: CK_FLAGS) -> bool {
    module().token_info(slot).unwrap().flags & flag != 0
}

#[test]
fn there_is_always_one_free_slot() {
    isolated(|_| {
        let _folder = Folder::new();
        module().initialize().unwrap();
        for tokens in 0..3 {
            let slots = module().slots(true).unwrap();
            let free = slots.iter().filter(|slot| !flag(**slot, CKF_TOKEN_INITIALIZED)).count();
            assert_eq!((slots.len(), free), (tokens + 1, 1));
            Token::add(&format!("token {tokens}"));
        }
    });
}

#[test]
fn a_slots_id_never_changes() {
    isolated(|process| {
        if process.part().is_some() {
            module().initialize().unwrap();
            process.say(format!("{:?}", module().slots(true).unwrap()));
            return;
        }
        let _folder = Folder::for_tokens(4);
        module().initialize().unwrap();
        let mut known: Vec<CK_SLOT_ID> = Vec::new();
        for number in 0..4 {
            let free = module().slots(true).unwrap();
            assert_eq!(free[..known.len()], known[..], "adding token {number} has moved others");
            known = free;
            let slot = *known.iter().find(|slot| !flag(**slot, CKF_TOKEN_INITIALIZED)).unwrap();
            module().init_token(slot, SO_PIN, &format!("token {number}")).unwrap();
            assert!(flag(slot, CKF_TOKEN_INITIALIZED), "the token is not in the slot it was made in");
        }
        // Initialised anew: still the same place.
        module().init_token(known[1], SO_PIN, "another label").unwrap();
        let slots = module().slots(true).unwrap();
        assert_eq!(slots[..4], known[..4]);
        assert_eq!(process.start("look", "").ends_well().trim(), format!("{slots:?}"));
        module().finalize().unwrap();
        module().initialize().unwrap();
        assert_eq!(module().slots(true).unwrap(), slots);
        assert_eq!(module().slots(false).unwrap(), slots);
    });
}

#[test]
fn listed_slots_have_the_ids_of_the_configuration() {
    isolated(|_| {
        let _folder = Folder::with(&format!(
            "log = \"off\"\n{CHEAP}\n\
             [[slot]]\nid = 7\npath = \"{{folder}}/seven\"\ndescription = \"The seventh\"\n\
             [[slot]]\nid = 3\npath = \"{{folder}}/three\"\n",
            CHEAP = "[token]\nargon2_memory_kib = 64\nargon2_passes = 1"
        ));
        module().initialize().unwrap();
        assert_eq!(module().slots(false).unwrap(), [3, 7]);
        module().init_token(7, SO_PIN, "seven").unwrap();
        assert_eq!(module().slots(false).unwrap(), [3, 7]);
        assert!(flag(7, CKF_TOKEN_INITIALIZED) && !flag(3, CKF_TOKEN_INITIALIZED));
        let mut info = CK_SLOT_INFO::default();
        assert_eq!(raw!(C_GetSlotInfo(7, &mut info)), CKR_OK);
        assert!(info.slotDescription.starts_with(b"The seventh   "));
        assert_eq!(info.flags & CKF_TOKEN_PRESENT, CKF_TOKEN_PRESENT);
        assert_eq!(raw!(C_GetSlotInfo(3, &mut info)), CKR_OK);
        assert!(info.slotDescription.starts_with(b"Cloister slot 3 "));
        module().token_info(4).refused(CKR_SLOT_ID_INVALID);
    });
}

#[test]
fn a_tokens_description_follows_its_life() {
    isolated(|_| {
        let _folder = Folder::new();
        module().initialize().unwrap();
        let slot = module().slots(true).unwrap()[0];
        assert!(!flag(slot, CKF_TOKEN_INITIALIZED));
        module().init_token(slot, SO_PIN, "Bücher").unwrap();
        let info = module().token_info(slot).unwrap();
        assert!(info.label.starts_with("Bücher ".as_bytes()) && info.label.ends_with(b"  "));
        let set = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED | CKF_RNG;
        assert_eq!(info.flags & set, set);
        let clear = CKF_USER_PIN_INITIALIZED
            | CKF_WRITE_PROTECTED
            | CKF_USER_PIN_COUNT_LOW
            | CKF_USER_PIN_FINAL_TRY
            | CKF_USER_PIN_LOCKED
            | CKF_SO_PIN_COUNT_LOW
            | CKF_SO_PIN_FINAL_TRY
            | CKF_SO_PIN_LOCKED;
        assert_eq!(info.flags & clear, 0);
        assert_eq!((info.ulMinPinLen, info.ulMaxPinLen >= 255), (4, true));
        assert!(info.serialNumber.iter().all(u8::is_ascii_graphic), "{:?}", info.serialNumber);
        for text in [&info.manufacturerID[..], &info.model[..]] {
            assert!(!text.contains(&0) && text[0] != b' ');
        }

        let session = module().open(slot, CKF_RW_SESSION).unwrap();
        session.login(CKU_USER, USER_PIN).refused(CKR_USER_PIN_NOT_INITIALIZED);
        session.login(CKU_SO, SO_PIN).unwrap();
        session.init_pin(USER_PIN).unwrap();
        assert!(flag(slot, CKF_USER_PIN_INITIALIZED));
        session.logout().unwrap();
        module().open(slot, 0).unwrap();
        let info = module().token_info(slot).unwrap();
        assert_eq!((info.ulSessionCount, info.ulRwSessionCount), (2, 1));
        assert_eq!(raw!(C_CloseAllSessions(slot)), CKR_OK);
        let info = module().token_info(slot).unwrap();
        assert_eq!((info.ulSessionCount, info.ulRwSessionCount), (0, 0));
    });
}

/// A configuration under which only errors are logged, to the file `log`.
fn logging_folder() -> Folder {
    Folder::with(&format!(
        "data_dir = \"{{folder}}/data\"\nlog = \"error\"\nlog_file = \"{{folder}}/log\"\n{CHEAP_PINS}"
    ))
}

/// The lines in the log so far.
fn logged(folder: &std::path::Path) -> Vec<String> {
    std::fs::read_to_string(folder.join("log")).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_trouble_that_every_call_meets_is_one_line_in_the_log() {
    isolated(|_| {
        let token = Token::new_in(logging_folder());
        let folder = token.folder.as_ref().unwrap().path();
        let file = folder.join(format!("data/slots/{}/token.db", token.slot));
        let session = token.public();
        std::fs::remove_file(&file).unwrap();
        for _ in 0..5 {
            session.find(&template![]).refused(CKR_DEVICE_REMOVED);
        }
        let lines = logged(folder);
        assert!(lines.len() == 1 && lines[0].contains(file.to_str().unwrap()), "{lines:?}");
    });
}

#[test]
fn a_folder_of_slots_that_cannot_be_read_is_told_once_and_a_missing_one_is_not() {
    isolated(|_| {
        let folder = logging_folder();
        let slots = folder.path().join("data/slots");
        module().initialize().unwrap();
        module().slots(true).unwrap();
        assert_eq!(logged(folder.path()), [""; 0]);
        // Something that nobody can list, whoever asks.
        std::fs::create_dir_all(slots.parent().unwrap()).unwrap();
        std::fs::write(&slots, "").unwrap();
        for _ in 0..3 {
            module().slots(true).unwrap();
        }
        let lines = logged(folder.path());
        assert!(lines.len() == 1 && lines[0].contains(slots.to_str().unwrap()), "{lines:?}");
    });
}

#[test]
fn each_token_has_a_serial_number_of_its_own() {
    isolated(|_| {
        let token = Token::new();
        let other = Token::add("another");
        let other = module().token_info(other).unwrap().serialNumber;
        assert_ne!(token.info().serialNumber, other);
    });
}

#[test]
fn a_token_is_initialised_anew_only_by_its_officer() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        session.create(&keys::data_template("old")).unwrap();
        module().init_token(token.slot, SO_PIN, "new").refused(CKR_SESSION_EXISTS);
        session.close().unwrap();
        module().init_token(token.slot, "not the PIN", "new").refused(CKR_PIN_INCORRECT);
        let session = token.user();
        assert_eq!(session.find(&template![CKA_LABEL => "old"]).unwrap().len(), 1);
        session.close().unwrap();

        module().init_token(token.slot, SO_PIN, "new").unwrap();
        assert!(token.info().label.starts_with(b"new "));
        let session = token.public();
        assert!(session.find(&template![]).unwrap().is_empty(), "objects outlive their token");
        session.login(CKU_USER, USER_PIN).refused(CKR_USER_PIN_NOT_INITIALIZED);
        session.login(CKU_SO, SO_PIN).unwrap();
    });
}

#[test]
fn an_officers_first_pin_has_the_allowed_length() {
    isolated(|_| {
        let _folder = Folder::new();
        module().initialize().unwrap();
        let slot = module().slots(true).unwrap()[0];
        let wrong = [CKR_PIN_LEN_RANGE, CKR_PIN_INCORRECT, CKR_PIN_INVALID];
        module().init_token(slot, "abc", "x").refused_by_one_of(&wrong);
        module().init_token(slot, &"a".repeat(256), "x").refused_by_one_of(&wrong);
        assert!(!flag(slot, CKF_TOKEN_INITIALIZED), "a refused call has made a token");
        module().init_token(slot, "abcd", "x").unwrap();
    });
}

#[test]
fn a_token_that_is_none_yet_takes_no_session() {
    isolated(|_| {
        let _folder = Folder::new();
        module().initialize().unwrap();
        let slot = module().slots(true).unwrap()[0];
        module().open(slot, CKF_RW_SESSION).refused(CKR_TOKEN_NOT_RECOGNIZED);
    });
}

#[test]
fn every_function_of_slots_refuses_an_unknown_slot() {
    isolated(|_| {
        let token = Token::new();
        for slot in [token.slot + 1000, CK_SLOT_ID::MAX, 1 << 40] {
            module().token_info(slot).refused(CKR_SLOT_ID_INVALID);
            module().open(slot, 0).refused(CKR_SLOT_ID_INVALID);
            module().mechanisms(slot).refused(CKR_SLOT_ID_INVALID);
            module().mechanism_info(slot, CKM_SHA256).refused(CKR_SLOT_ID_INVALID);
            module().init_token(slot, SO_PIN, "x").refused(CKR_SLOT_ID_INVALID);
            assert_eq!(raw!(C_CloseAllSessions(slot)), CKR_SLOT_ID_INVALID);
            let mut info = CK_SLOT_INFO::default();
            assert_eq!(raw!(C_GetSlotInfo(slot, &mut info)), CKR_SLOT_ID_INVALID);
        }
    });
}

#[test]
fn lists_that_are_too_short_are_told_the_length() {
    isolated(|_| {
        let token = Token::new();
        Token::add("second");
        let mut short = [0; 1];
        let mut count = 1;
        assert_eq!(raw!(C_GetSlotList(1, short.as_mut_ptr(), &mut count)), CKR_BUFFER_TOO_SMALL);
        assert_eq!(count as usize, module().slots(true).unwrap().len());
        let mut count = 1;
        let list = raw!(C_GetMechanismList(token.slot, short.as_mut_ptr(), &mut count));
        assert_eq!(list, CKR_BUFFER_TOO_SMALL);
        assert_eq!(count as usize, module().mechanisms(token.slot).unwrap().len());
    });
}

#[test]
fn no_slot_event_is_pending() {
    isolated(|_| {
        let _token = Token::new();
        let mut slot = 0;
        let rv = raw!(C_WaitForSlotEvent(CKF_DONT_BLOCK, &mut slot, null_mut()));
        assert_eq!(Rv(rv), Rv(CKR_NO_EVENT));
    });
}

#[test]
fn sessions_are_serial() {
    isolated(|_| {
        let token = Token::new();
        let mut session = 0;
        let rv = raw!(C_OpenSession(token.slot, CKF_RW_SESSION, null_mut(), None, &mut session));
        assert_eq!(Rv(rv), Rv(CKR_SESSION_PARALLEL_NOT_SUPPORTED));
    });
}

#[test]
fn mechanisms_are_listed_once_and_each_is_described() {
    isolated(|_| {
        let token = Token::new();
        let mut list = module().mechanisms(token.slot).unwrap();
        let count = list.len();
        list.sort_unstable();
        list.dedup();
        assert_eq!(list.len(), count, "a mechanism is listed twice");
        for id in list {
            let info = module().mechanism_info(token.slot, id).unwrap();
            assert_ne!(info.flags & !CKF_HW, 0, "mechanism {id:#x} can do nothing");
            assert!(info.ulMinKeySize <= info.ulMaxKeySize, "mechanism {id:#x}");
        }
        module().mechanism_info(token.slot, 0x7FFF_FFFF).refused(CKR_MECHANISM_INVALID);
    });
}
