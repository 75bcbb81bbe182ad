use crate::support::{Machine, run};

#[test]
fn a_bad_configuration_is_told_with_file_and_line() {
    let machine = Machine::new();
    machine.configure("log = 'info'\nspeed = 'high'\n");
    for command in [&["config", "check"][..], &["config", "show"], &["slot", "list"]] {
        machine.run(command).failed(2, &["cloister.toml:2: ", "speed"]);
    }
}

#[test]
fn a_file_can_be_checked_before_it_is_used() {
    let machine = Machine::new();
    let good = machine.file("good.toml", "log = 'debug'\ndata_dir = 'd'");
    let bad = machine.file("bad.toml", "[token]\nmax_pin_failures = 0");
    assert!(machine.run(&["config", "check", &good]).done().stdout.contains("good.toml"));
    machine.run(&["config", "check", &bad]).failed(2, &["bad.toml:2: ", "from 1 to 100"]);
}

#[test]
fn what_is_in_use_is_shown_in_words_and_in_json() {
    let machine = Machine::new();
    let shown = machine.run(&["config", "show"]).done().stdout;
    let source = machine.path("cloister.toml").display().to_string();
    assert!(shown.contains(&source) && shown.contains("argon2_memory_kib"), "{shown}");
    let json = machine.json(&["config", "show"]);
    assert_eq!(json["source"], source.as_str());
    assert_eq!(json["token"]["argon2_memory_kib"], 8);
    assert_eq!(json["data_dir"], machine.path("data").to_str().unwrap());
}

#[test]
fn a_named_file_that_is_missing_is_not_passed_over() {
    let machine = Machine::new();
    let mut command = machine.command(&["slot", "list"]);
    run(command.env("CLOISTER_CONF", "/nowhere/cloister.toml")).failed(2, &["/nowhere/cloister.toml"]);
}

#[test]
fn without_a_home_it_says_what_to_do() {
    let machine = Machine::new();
    let mut command = machine.command(&["config", "show"]);
    let shown = run(command.env_remove("CLOISTER_CONF"));
    // A machine may well have a configuration in /etc.
    if !std::path::Path::new("/etc/cloister/cloister.toml").exists() {
        shown.failed(2, &["HOME", "CLOISTER_CONF"]);
    }
}

#[test]
fn a_slot_on_nodes_is_shown_with_its_nodes() {
    let machine = Machine::new();
    machine.configure(
        "[[slot]]\nid = 3\nnodes = ['unix:/n.sock', 'tls:a:1']\nca = 'c'\ncertificate = 'c'\nkey = 'k'",
    );
    let shown = machine.run(&["config", "show"]).done().stdout;
    assert!(shown.contains("unix:/n.sock, tls:a:1"), "{shown}");
    let slot = &machine.json(&["config", "show"])["slot"][0];
    assert_eq!((&slot["id"], &slot["nodes"][1]), (&3.into(), &"tls:a:1".into()));
    assert!(slot["ca"].as_str().is_some_and(|ca| ca.ends_with("/c")) && slot["retry_ms"] == 3000, "{slot}");
}
