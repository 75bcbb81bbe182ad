//! What is refused of a folder, and that a new one is whole or gone.

use super::*;
use crate::settings::NewSettings;
use std::fs;
use tempfile::TempDir;

const YEAR: u64 = 365 * 24 * 3600;

fn settings(id: NodeId) -> NewSettings {
    NewSettings {
        name: "n1".to_owned(),
        id,
        sync: "127.0.0.1:7421".to_owned(),
        advertise: None,
        client: None,
        metrics: None,
    }
}

fn create(path: &Path, ca: &Identity) -> Result<NewFolder, FolderError> {
    NewFolder::create(path, &settings(5), &ca.certificate, ca.issue(&Role::Node(5)).unwrap())
}

/// A CA, and the folder `n` of a node of it.
fn founded() -> (Identity, TempDir, PathBuf) {
    let ca = Identity::new_ca("test").unwrap();
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("n");
    let new = create(&path, &ca).unwrap();
    new.keep_ca_key(&ca).unwrap();
    new.keep().unwrap();
    (ca, parent, path)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// One line, with the words.
#[track_caller]
fn told(error: &FolderError, words: &[&str]) {
    let text = error.to_string();
    assert!(!text.contains('\n') && words.iter().all(|word| text.contains(word)), "{text}");
}

#[test]
fn what_was_made_can_be_opened_and_is_closed_to_others() {
    let (ca, _parent, path) = founded();
    let folder = Folder::open(&path).unwrap();
    assert_eq!((folder.id(), folder.settings().name.as_str()), (5, "n1"));
    assert_eq!(folder.settings().client_socket, path.join("client.sock"));
    assert_eq!(folder.cluster().unwrap(), fingerprint(&ca.certificate).unwrap());
    assert!(folder.ca_with_key(None).unwrap().key.public_eq(&ca.key));
    assert_eq!((mode(&path), mode(&path.join(KEY)), mode(&path.join(CA_KEY))), (0o700, 0o600, 0o600));
}

#[test]
fn one_process_at_a_time_runs_a_node_and_others_may_look() {
    let (_ca, _parent, path) = founded();
    let running = Folder::open(&path).unwrap();
    let error = Folder::open(&path).unwrap_err();
    assert!(matches!(error, FolderError::Locked(_)));
    told(&error, &["another process runs the node"]);
    Folder::look(&path).unwrap();
    drop(running);
    Folder::open(&path).unwrap();
}

#[test]
fn a_new_folder_is_gone_unless_it_is_kept() {
    let ca = Identity::new_ca("test").unwrap();
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("deep/n");
    let new = create(&path, &ca).unwrap();
    assert!(matches!(Folder::look(&path), Err(FolderError::NotANodes(_))), "not before it is kept");
    fs::create_dir(new.folder().raft()).unwrap();
    fs::write(new.folder().raft().join("log.db"), "x").unwrap();
    drop(new);
    assert!(!path.exists());
    // One that was there before stays, empty.
    fs::create_dir(&path).unwrap();
    drop(create(&path, &ca).unwrap());
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    create(&path, &ca).unwrap().keep().unwrap();
    assert_eq!(mode(&path), 0o700);
    Folder::open(&path).unwrap();
}

#[test]
fn a_folder_that_another_process_is_filling_is_left_alone() {
    let ca = Identity::new_ca("test").unwrap();
    let parent = tempfile::tempdir().unwrap();
    // The other has locked it and written nothing yet.
    let other = lock(parent.path()).unwrap();
    assert!(matches!(create(parent.path(), &ca), Err(FolderError::Locked(_))));
    assert!(parent.path().join(LOCK).exists());
    drop(other);
    create(parent.path(), &ca).unwrap().keep().unwrap();
}

#[test]
fn a_folder_that_is_in_use_is_left_alone() {
    let ca = Identity::new_ca("test").unwrap();
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("mine"), "x").unwrap();
    let error = create(parent.path(), &ca).unwrap_err();
    assert!(matches!(error, FolderError::NotEmpty(_)));
    told(&error, &["is not empty"]);
    assert_eq!(fs::read_to_string(parent.path().join("mine")).unwrap(), "x");
    assert!(matches!(create(&parent.path().join("mine"), &ca), Err(FolderError::NoFolder(_))));
}

#[test]
fn what_is_no_nodes_folder_is_told() {
    let parent = tempfile::tempdir().unwrap();
    told(&Folder::open(&parent.path().join("x")).unwrap_err(), &["there is no folder", "cluster init"]);
    told(&Folder::open(parent.path()).unwrap_err(), &["no node.toml"]);
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    told(&Folder::open(&file).unwrap_err(), &["is no folder"]);
    let (_ca, _parent, path) = founded();
    fs::write(path.join(SETTINGS), "name = 3").unwrap();
    told(&Folder::open(&path).unwrap_err(), &["node.toml:1: "]);
}

#[test]
fn secrets_that_others_can_read_are_refused() {
    let (_ca, _parent, path) = founded();
    for name in [KEY, CA_KEY] {
        set_mode(&path.join(name), 0o640);
        let error = Folder::open(&path).unwrap_err();
        assert!(matches!(&error, FolderError::OpenToOthers(file, _) if *file == path.join(name)));
        told(&error, &["chmod go= ", name]);
        set_mode(&path.join(name), 0o600);
    }
    set_mode(&path, 0o720);
    told(&Folder::open(&path).unwrap_err(), &["chmod go-w "]);
    set_mode(&path, 0o700);
    Folder::open(&path).unwrap();
}

#[test]
fn certificates_and_keys_that_do_not_fit_together_are_refused() {
    let (ca, _parent, path) = founded();
    let put = |identity: &Identity| {
        for name in [CERTIFICATE, KEY] {
            fs::remove_file(path.join(name)).unwrap();
        }
        identity.write(&path.join(CERTIFICATE), &path.join(KEY)).unwrap();
        Folder::open(&path)
    };
    let own = Folder::look(&path).unwrap().identity().clone();
    let other_ca = Identity::new_ca("test").unwrap();
    let refused = |opened: Result<Folder, FolderError>, flaw: Flaw| match opened {
        Err(FolderError::Certificate(file, found)) => {
            assert_eq!((file, found), (path.join(CERTIFICATE), flaw));
        }
        other => panic!("{other:?}"),
    };
    refused(put(&other_ca.issue(&Role::Node(5)).unwrap()), Flaw::OtherCa);
    let other = ca.issue(&Role::Node(6)).unwrap();
    refused(put(&Identity { key: other.key.clone(), ..own.clone() }), Flaw::OtherKey);
    refused(put(&ca), Flaw::NoRole);
    let client = Role::Client("web".to_owned());
    refused(put(&ca.issue(&client).unwrap()), Flaw::OtherRole(client));
    let error = put(&other).unwrap_err();
    assert!(matches!(error, FolderError::OtherId { written: 5, certified: 6, .. }));
    told(&error, &["0000000000000006"]);
    put(&own).unwrap();
}

#[test]
fn a_certificate_that_does_not_hold_now_is_refused() {
    let (_ca, _parent, path) = founded();
    let now = clock::now();
    Folder::look_at(&path, now + 9 * YEAR).unwrap();
    told(&Folder::look_at(&path, now + 11 * YEAR).unwrap_err(), &["held until", "clock"]);
    told(&Folder::look_at(&path, now - YEAR).unwrap_err(), &["does not hold before", "clock"]);
}

#[test]
fn the_cas_key_may_be_kept_elsewhere_but_must_be_the_cas() {
    let (ca, parent, path) = founded();
    let elsewhere = parent.path().join("safe.key");
    fs::rename(path.join(CA_KEY), &elsewhere).unwrap();
    let folder = Folder::open(&path).unwrap();
    told(&folder.ca_with_key(None).unwrap_err(), &["--ca-key FILE"]);
    assert!(folder.ca_with_key(Some(&elsewhere)).unwrap().key.public_eq(&ca.key));
    told(&folder.ca_with_key(Some(&path.join(KEY))).unwrap_err(), &["is not the key of this cluster's CA"]);
    told(&folder.ca_with_key(Some(&path.join(CA))).unwrap_err(), &["chmod go="]);
}
