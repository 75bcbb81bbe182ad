use crate::support::{Machine, Run, free_address};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// The findings that are wrong, of one area.
fn wrong(answer: &Value, area: &str) -> Vec<String> {
    let of_area = |finding: &&Value| finding["ok"] == false && finding["area"] == area;
    let text = |finding: &Value| {
        assert!(finding["advice"].is_string(), "no advice: {finding}");
        finding["what"].as_str().unwrap().to_owned()
    };
    answer["findings"].as_array().unwrap().iter().filter(of_area).map(text).collect()
}

fn doctor(machine: &Machine, more: &[&str]) -> (Run, Value) {
    let run = machine.run(&[&["doctor", "--json"], more].concat());
    let answer = run.json();
    (run, answer)
}

/// The module that was built along with the program.
fn module() -> String {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_cloister"));
    program.with_file_name("deps").join("libcloister.so").to_str().unwrap().to_owned()
}

#[test]
fn a_sound_machine_is_found_sound() {
    let machine = Machine::with_token();
    for more in [&[][..], &["--with-pin"]] {
        let (run, answer) = doctor(&machine, &[more, &["--module", &module()]].concat());
        assert_eq!((run.code, &answer["wrong"]), (0, &0.into()), "{answer}");
        assert!(answer["findings"].as_array().unwrap().len() >= 4, "{answer}");
    }
}

#[test]
fn a_module_that_is_none_is_told() {
    let machine = Machine::new();
    let none = machine.file("libcloister.so", "no library");
    let (run, answer) = doctor(&machine, &["--module", &none]);
    assert_eq!(run.code, 1);
    assert!(wrong(&answer, "installation")[0].contains("doesn't load"), "{answer}");
}

#[test]
fn a_bad_configuration_is_a_finding_with_its_line() {
    let machine = Machine::new();
    machine.configure("colour = 1");
    let (run, answer) = doctor(&machine, &[]);
    assert_eq!(run.code, 1);
    assert!(wrong(&answer, "configuration")[0].contains("cloister.toml:1: "), "{answer}");
}

#[test]
fn a_folder_that_others_can_write_is_told() {
    let machine = Machine::with_token();
    fs::set_permissions(machine.path("data"), fs::Permissions::from_mode(0o777)).unwrap();
    let (run, answer) = doctor(&machine, &[]);
    assert_eq!(run.code, 1);
    assert!(wrong(&answer, "configuration")[0].contains("777"), "{answer}");
}

/// Puts something else in the place of slot 0's store.
fn damage(machine: &Machine) -> std::path::PathBuf {
    let folder = machine.path("data/slots/0");
    // What was written last is in SQLite's log.
    for log in ["token.db-wal", "token.db-shm"] {
        fs::remove_file(folder.join(log)).unwrap();
    }
    fs::write(folder.join("token.db"), "this was a token once").unwrap();
    folder
}

#[test]
fn a_store_that_is_none_is_told_with_its_path() {
    let machine = Machine::with_token();
    let folder = damage(&machine);
    let (run, answer) = doctor(&machine, &[]);
    assert_eq!(run.code, 1);
    assert!(wrong(&answer, "store")[0].contains(folder.to_str().unwrap()), "{answer}");
}

#[test]
fn a_damaged_token_keeps_nobody_from_a_sound_one() {
    let machine = Machine::with_token();
    machine.run(&["token", "init", "sound", "--with-user"]).done();
    damage(&machine);
    machine.run(&["key", "list", "--label", "sound"]).done();
    machine.run(&["key", "list"]).done();
    machine.run(&["key", "list", "--slot", "0"]).failed(1, &["slot 0", "cloister doctor"]);
    assert!(machine.run(&["slot", "list"]).done().stdout.contains("unreadable"));
    assert_eq!(machine.run(&["doctor", "--slot", "0"]).code, 1);
    assert_eq!(machine.run(&["doctor", "--label", "sound", "--with-pin", "--module", &module()]).code, 0);
}

#[test]
fn a_wrong_pin_is_a_finding_and_not_a_damaged_store() {
    let machine = Machine::with_token();
    let mut command = machine.command(&["doctor", "--with-pin", "--json"]);
    let answer = crate::support::run(command.env("CLOISTER_PIN", "wrong-pin")).json();
    assert!(wrong(&answer, "store")[0].contains("CKR_PIN_INCORRECT"), "{answer}");
}

#[test]
fn people_read_what_is_wrong_and_what_to_do() {
    let machine = Machine::new();
    machine.configure("colour = 1");
    let told = machine.run(&["doctor"]).stdout;
    assert!(told.contains("WRONG") && told.contains("-> "), "{told}");
}

/// The folder of a node that has founded a cluster.
fn founded(machine: &Machine) -> String {
    let folder = machine.path("n1").to_str().unwrap().to_owned();
    machine.json(&["cluster", "init", "--data", &folder, "--name", "n1", "--sync", &free_address()]);
    folder
}

#[test]
fn a_nodes_folder_is_looked_at_whether_it_has_run_or_not() {
    let machine = Machine::new();
    let folder = founded(&machine);
    let (run, answer) = doctor(&machine, &["--data", &folder]);
    assert_eq!((run.code, &answer["wrong"]), (0, &0.into()), "{answer}");
    let told = answer.to_string();
    assert!(
        told.contains("the certificate holds for 36") && told.contains("no token has been made"),
        "{told}"
    );

    fs::set_permissions(machine.path("n1/node.key"), fs::Permissions::from_mode(0o640)).unwrap();
    let (run, answer) = doctor(&machine, &["--data", &folder]);
    assert_eq!(run.code, 1);
    assert!(wrong(&answer, "node")[0].contains("chmod go= "), "{answer}");
}

#[test]
fn a_nodes_damaged_store_is_told() {
    let machine = Machine::new();
    let folder = founded(&machine);
    for file in ["token.db-wal", "token.db-shm"] {
        // Not there where all of it has come into the database.
        let _ = fs::remove_file(machine.path("n1/token").join(file));
    }
    fs::write(machine.path("n1/token/token.db"), b"no database, however long one looks at it").unwrap();
    let (run, answer) = doctor(&machine, &["--data", &folder]);
    assert_eq!(run.code, 1);
    assert!(!wrong(&answer, "node").is_empty(), "{answer}");
}
