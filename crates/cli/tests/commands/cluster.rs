//! What of a cluster needs no running node: folders, certificates, tokens, and what is refused.

use crate::support::{Machine, free_address, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// A machine, the folder of a founder on it, and what it was told.
fn founded() -> (Machine, String, serde_json::Value) {
    let machine = Machine::new();
    let folder = machine.path("n1").to_str().unwrap().to_owned();
    let facts =
        machine.json(&["cluster", "init", "--data", &folder, "--name", "n1", "--sync", &free_address()]);
    (machine, folder, facts)
}

#[test]
fn a_founder_has_a_folder_of_its_own_with_a_ca() {
    let (machine, folder, facts) = founded();
    assert_eq!(facts["name"], "n1");
    assert_eq!(facts["folder"], folder);
    let settings = fs::read_to_string(machine.path("n1/node.toml")).unwrap();
    let id = facts["node"].as_str().unwrap();
    assert!(id.len() == 16 && settings.contains(&format!("id = \"{id}\"")), "{settings}");
    assert_eq!(mode(&machine.path("n1")), 0o700);
    for secret in ["n1/node.key", "n1/ca.key"] {
        assert_eq!(mode(&machine.path(secret)), 0o600, "{secret}");
    }
    assert!(machine.path("n1/ca.pem").exists() && machine.path("n1/node.pem").exists());
}

#[test]
fn a_folder_that_holds_something_is_left_as_it_is() {
    let (machine, folder, _) = founded();
    let before = fs::read(machine.path("n1/ca.key")).unwrap();
    let again = ["cluster", "init", "--data", &folder, "--name", "n1", "--sync", "localhost:7421"];
    machine.run(&again).failed(2, &["is not empty"]);
    assert_eq!(fs::read(machine.path("n1/ca.key")).unwrap(), before);
}

#[test]
fn addresses_and_names_that_are_none_are_refused_and_nothing_is_left() {
    let machine = Machine::new();
    let folder = machine.path("n1");
    let init = |name: &str, sync: &str| {
        let folder = folder.to_str().unwrap();
        machine.run(&["cluster", "init", "--data", folder, "--name", name, "--sync", sync])
    };
    init("n1", "0.0.0.0:7421").failed(2, &["--advertise HOST:PORT"]);
    init("n1", "[::]:7421").failed(2, &["--advertise HOST:PORT"]);
    for (name, sync) in
        [("n1", "host"), ("n1", "host:0"), ("n1", "::1:7421"), ("a b", "host:7421"), ("", "host:1")]
    {
        let refused = init(name, sync);
        assert_eq!(refused.code, 2, "{name} {sync}");
        assert!(refused.stderr.contains("invalid value"), "{}", refused.stderr);
    }
    assert!(!folder.exists());
}

#[test]
fn an_invitation_is_a_secret_file_for_one_new_node() {
    let (machine, folder, founder) = founded();
    let file = machine.path("token").to_str().unwrap().to_owned();
    let first = machine.json(&["cluster", "invite", "--data", &folder, "--out", &file, "--hours", "1"]);
    assert_eq!(mode(&machine.path("token")), 0o600);
    assert!(fs::read_to_string(&file).unwrap().starts_with("cloister-join-1:"));
    machine.run(&["cluster", "invite", "--data", &folder, "--out", &file]).failed(2, &["token"]);
    let via = ["--via", "n1.example:7421,n2.example:7421"];
    let second = machine.json(&[&["cluster", "invite", "--data", &folder][..], &via].concat());
    assert_eq!(second["via"][1], "n2.example:7421");
    assert!(second["token"].as_str().unwrap().starts_with("cloister-join-1:"));
    let ids = [&founder["node"], &first["node"], &second["node"]];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    for hours in ["0", "9000"] {
        assert_eq!(machine.run(&["cluster", "invite", "--data", &folder, "--hours", hours]).code, 2);
    }
}

#[test]
fn a_token_that_is_none_or_was_damaged_makes_no_folder() {
    let (machine, folder, _) = founded();
    let text = machine.run(&["cluster", "invite", "--data", &folder]).done().stdout;
    let (start, end) = text.trim().split_at(100);
    let swapped = if end.starts_with('A') { "B" } else { "A" };
    let changed = format!("{start}{swapped}{}", &end[1..]);
    let new = machine.path("n2");
    let join = |file: &str| {
        let new = new.to_str().unwrap();
        let node = ["--name", "n2", "--sync", &free_address(), "--data", new];
        machine.run(&[&["cluster", "join", "--token-file", file][..], &node].concat())
    };
    for (text, words) in [
        ("hello", &["no join token"][..]),
        ("cloister-join-7:AAAA", &["version 7"]),
        (start, &["changed or cut short"]),
        (&changed, &["changed or cut short"]),
    ] {
        join(&machine.file("token", text)).failed(2, words);
    }
    join("/nowhere/token").failed(2, &["/nowhere/token"]);
    assert!(!new.exists());
}

#[test]
fn a_client_gets_three_files_and_the_ca_may_be_kept_elsewhere() {
    let (machine, folder, _) = founded();
    let client = |name: &str, out: &str, more: &[&str]| {
        let out = machine.path(out).to_str().unwrap().to_owned();
        machine.run(&[&["cluster", "client", name, "--data", &folder, "--out", &out][..], more].concat())
    };
    client("web-1", "web", &[]).done();
    assert_eq!(mode(&machine.path("web/client.key")), 0o600);
    assert_eq!(fs::read(machine.path("web/ca.pem")).unwrap(), fs::read(machine.path("n1/ca.pem")).unwrap());
    client("web-2", "web", &[]).failed(2, &["ca.pem is there already"]);
    assert_eq!(client("web/2", "web2", &[]).code, 2);

    fs::rename(machine.path("n1/ca.key"), machine.path("safe.key")).unwrap();
    client("web-2", "web2", &[]).failed(2, &["--ca-key FILE"]);
    machine.run(&["cluster", "invite", "--data", &folder]).failed(2, &["--ca-key FILE"]);
    let wrong = machine.path("n1/node.key");
    client("web-2", "web2", &["--ca-key", wrong.to_str().unwrap()])
        .failed(2, &["is not the key of this cluster's CA"]);
    assert!(!machine.path("web2").exists());
    client("web-2", "web2", &["--ca-key", machine.path("safe.key").to_str().unwrap()]).done();
}

#[test]
fn a_node_does_not_run_on_a_folder_that_is_wrong() {
    let (machine, folder, _) = founded();
    machine.run(&["node", "run", "--data", "/nowhere/n1"]).failed(2, &["there is no folder /nowhere/n1"]);
    fs::set_permissions(machine.path("n1/node.key"), fs::Permissions::from_mode(0o644)).unwrap();
    machine.run(&["node", "run", "--data", &folder]).failed(2, &["chmod go= ", "node.key"]);
    fs::set_permissions(machine.path("n1/node.key"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(machine.path("n1/node.toml"), "name = 'n1'\nspeed = 1\n").unwrap();
    machine.run(&["node", "run", "--data", &folder]).failed(2, &["node.toml:2: ", "speed"]);
}

#[test]
fn an_unknown_level_of_the_log_is_told_the_known_ones() {
    let (machine, folder, _) = founded();
    let mut command = machine.command(&["node", "run", "--data", &folder]);
    let refused = run(command.env("CLOISTER_LOG", "loud"));
    assert!(refused.code == 2 && refused.stderr.contains("trace"), "{}", refused.stderr);
}
