use crate::support::{Machine, USER, column};
use cloister::attribute::{AttributeType, Attributes, Value};
use cloister::config::Config;
use cloister::mechanism::{Mechanism, Params, registry};
use cloister::session::{Library, Session, UserType};
use cryptoki_sys as ck;
use std::sync::Arc;

/// A session of the token's default user, as any program has one.
fn as_user(machine: &Machine, work: impl FnOnce(&Arc<Session>)) {
    let config = Config::from_file(&machine.path("cloister.toml")).unwrap();
    let library = Library::new(config).unwrap();
    let session = library.session(library.open_session(0, true).unwrap()).unwrap();
    session.login(UserType::User, USER.as_bytes()).unwrap();
    work(&session);
    library.close();
}

fn mechanism(id: u64) -> Mechanism {
    Mechanism { row: registry::find(id).unwrap(), params: Params::None }
}

fn template(attributes: &[(AttributeType, Value)]) -> Attributes {
    attributes.iter().cloned().collect()
}

const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// A token with an AES key, an EC pair and a data object.
fn machine_with_keys() -> Machine {
    let machine = Machine::with_token();
    as_user(&machine, |session| {
        let own = |label: &str, id: u8| {
            template(&[
                (ck::CKA_TOKEN, true.into()),
                (ck::CKA_LABEL, label.as_bytes().into()),
                (ck::CKA_ID, vec![id].into()),
            ])
        };
        let mut aes = own("disk", 0x0a);
        aes.set(ck::CKA_VALUE_LEN, 32);
        aes.set(ck::CKA_SENSITIVE, true);
        aes.set(ck::CKA_EXTRACTABLE, false);
        session.turn().unwrap().generate_key(&mechanism(ck::CKM_AES_KEY_GEN), &aes.into()).unwrap();
        let mut public = own("tls", 0x0b);
        public.set(ck::CKA_EC_PARAMS, P256);
        public.set(ck::CKA_PRIVATE, false);
        let pair = mechanism(ck::CKM_EC_KEY_PAIR_GEN);
        let (public, private) = (public.into(), own("tls", 0x0b).into());
        session.turn().unwrap().generate_key_pair(&pair, &public, &private).unwrap();
        let mut data = own("note", 0x0c);
        data.remove(ck::CKA_ID);
        data.set(ck::CKA_CLASS, ck::CKO_DATA);
        session.create_object(&data).unwrap();
    });
    machine
}

#[test]
fn keys_are_listed_with_what_they_are_and_may_do() {
    let machine = machine_with_keys();
    let keys = machine.json(&["key", "list"]);
    assert_eq!(column(&keys, "label"), ["disk", "tls", "tls"]);
    let disk = &keys[0];
    assert_eq!(
        (&disk["class"], &disk["type"], &disk["size"]),
        (&"secret".into(), &"AES".into(), &"256".into())
    );
    assert_eq!(
        (&disk["id"], &disk["sensitive"], &disk["extractable"]),
        (&"0a".into(), &true.into(), &false.into())
    );
    assert!(disk["usage"].as_array().unwrap().contains(&"encrypt".into()), "{disk}");
    assert_eq!(disk["owner"], "user");
    let mut classes = column(&keys, "class")[1..].to_vec();
    classes.sort();
    assert_eq!(classes, ["private", "public"]);
    assert_eq!(column(&keys, "size")[1..], ["secp256r1", "secp256r1"]);
    let shown = machine.run(&["key", "list"]).done().stdout;
    assert!(shown.contains("never leaves") && !shown.contains("note"), "{shown}");
}

#[test]
fn without_a_login_only_public_keys_are_listed() {
    let machine = machine_with_keys();
    let keys = machine.json(&["key", "list", "--public"]);
    assert_eq!(column(&keys, "class"), ["public"]);
    assert_eq!(keys[0]["owner"], serde_json::Value::Null);
}

#[test]
fn users_see_their_own_private_keys_only() {
    let machine = machine_with_keys();
    let mut create = machine.command(&["user", "create", "alice"]);
    crate::support::run(create.env("CLOISTER_NEW_PIN", "alice-pin")).done();
    let mut list = machine.command(&["key", "list", "--user", "alice", "--json"]);
    let seen = crate::support::run(list.env("CLOISTER_PIN", "alice-pin")).done().json();
    assert_eq!(column(&seen, "class"), ["public"]);
}

#[test]
fn a_key_is_shown_by_label_or_id_with_all_that_is_no_secret() {
    let machine = machine_with_keys();
    let disk = machine.json(&["key", "show", "disk"]);
    assert_eq!(disk.as_array().unwrap().len(), 1);
    assert_eq!(disk[0]["CKA_CLASS"], "CKO_SECRET_KEY");
    assert_eq!(disk[0]["CKA_KEY_TYPE"], "CKK_AES");
    assert_eq!(disk[0]["CKA_KEY_GEN_MECHANISM"], "CKM_AES_KEY_GEN");
    assert_eq!(disk[0]["CKA_VALUE"], serde_json::Value::Null);
    assert_eq!(machine.json(&["key", "show", "--id", "0B"]).as_array().unwrap().len(), 2);
    let shown = machine.run(&["key", "show", "tls"]).done().stdout;
    assert!(shown.contains("CKA_EC_POINT") && !shown.contains("CKA_VALUE "), "{shown}");
}

#[test]
fn a_key_that_is_not_there_is_bad_input() {
    let machine = machine_with_keys();
    machine.run(&["key", "show", "none"]).failed(2, &["no such key", "key list"]);
    assert_eq!(machine.run(&["key", "show", "--id", "xyz"]).code, 2);
    assert_eq!(machine.run(&["key", "show"]).code, 2);
}

#[test]
fn a_reader_that_stops_early_is_no_failure() {
    let machine = machine_with_keys();
    let mut child = machine.command(&["key", "list"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}
