//! What a thief finds on the disks of all nodes: nothing to read.

use crate::common::certificates::Certificates;
use crate::common::client::Client;
use crate::common::secrets::Secrets;
use crate::common::{Node, three};
use cloister::attribute::Attributes;
use cloister::proto::message::{Call, Origin, Reply};
use cloister_node::folder::Folder;
use cloister_node::node::Alone;
use cryptoki_sys as ck;
use std::path::{Path, PathBuf};

const VALUE: &[u8; 32] = b"a known AES key, of 32 bytes: 42";
const LABEL: &str = "a label that is private";

fn import() -> Call {
    let mut template = Attributes::from_iter([(ck::CKA_TOKEN, true), (ck::CKA_PRIVATE, true)]);
    template.set(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
    template.set(ck::CKA_KEY_TYPE, ck::CKK_AES);
    template.set(ck::CKA_VALUE, VALUE.as_slice());
    template.set(ck::CKA_LABEL, LABEL.as_bytes());
    Call::Make { origin: Origin::Create, template }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files(&entry.path(), found),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

/// No file of a node has any of the secrets, as it is or in hexadecimal digits.
fn assert_sealed(node: &Node, secrets: &[(&str, Vec<u8>)]) {
    let mut found = Vec::new();
    files(&node.data(), &mut found);
    for path in found {
        // Those beside a database come and go.
        let Ok(bytes) = std::fs::read(&path) else { continue };
        for (what, secret) in secrets {
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            for form in [secret.as_slice(), hex.as_bytes()] {
                let is_there = bytes.windows(form.len()).any(|window| window == form);
                assert!(!is_there, "{} has {what}", path.display());
            }
        }
    }
}

#[test]
fn no_log_snapshot_or_store_of_any_node_holds_a_key_a_pin_a_ticket_a_cluster_key_or_a_token_key() {
    let mut nodes = three(&Certificates::new());
    let mut client = Client::of(&nodes[0]);
    let ticket = client.set_up();
    let made = client.ask(Some(&ticket), import());
    assert!(matches!(made, Ok(Reply::Made(_))), "{made:?}");
    let known = Secrets::of(&nodes[0], &ticket);
    let mut secrets = vec![
        ("a key", VALUE.to_vec()),
        ("a private label", LABEL.as_bytes().to_vec()),
        ("the user's PIN", b"user-1234".to_vec()),
        ("the officer's PIN", b"officer-1".to_vec()),
        ("a ticket", ticket.to_vec()),
        ("the token key", known.token_key().to_vec()),
    ];
    secrets.extend(known.masters.iter().map(|master| ("a cluster key", master.to_vec())));
    // While they run: with what is in the logs beside the databases.
    nodes.iter().for_each(|node| assert_sealed(node, &secrets));
    nodes.iter_mut().for_each(Node::kill);
    nodes.iter().for_each(|node| assert_sealed(node, &secrets));
    // This takes a snapshot.
    let folder = Folder::open(&nodes[0].data()).unwrap();
    Alone::look(&folder).unwrap().begin().unwrap();
    let snapshot = nodes[0].data().join("raft/snapshots/current");
    assert!(snapshot.metadata().unwrap().len() > 0);
    assert_sealed(&nodes[0], &secrets);
}
