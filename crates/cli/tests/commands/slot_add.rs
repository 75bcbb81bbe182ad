//! `cloister slot add`: one slot more, and nothing else changed.

use crate::support::{Machine, free_address, run};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

const NODE: &str = "unix:/run/cloister.sock";

fn configuration(machine: &Machine) -> String {
    fs::read_to_string(machine.path("cloister.toml")).unwrap()
}

/// A machine, and the arguments that name the files of a client called `web`.
fn with_client() -> (Machine, Vec<String>) {
    let machine = Machine::new();
    let path = |name: &str| machine.path(name).to_str().unwrap().to_owned();
    machine
        .run(&["cluster", "init", "--data", &path("n1"), "--name", "n1", "--sync", &free_address()])
        .done();
    machine.run(&["cluster", "client", "web", "--data", &path("n1"), "--out", &path("web")]).done();
    let files = [("--ca", "ca.pem"), ("--certificate", "client.pem"), ("--key", "client.key")];
    let files = files.map(|(option, file)| [option.to_owned(), path(&format!("web/{file}"))]);
    (machine, files.concat())
}

fn add(machine: &Machine, node: &str, files: &[String]) -> crate::support::Run {
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    machine.run(&[&["slot", "add", "--cluster", node][..], &files].concat())
}

#[test]
fn a_slot_is_added_at_the_end_and_the_rest_stays_as_it_is() {
    let (machine, files) = with_client();
    // Without an end of line, with a comment, and closed to others.
    machine.configure("data_dir = 'data' # mine\n[token]\nargon2_passes = 1");
    fs::set_permissions(machine.path("cloister.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    let before = configuration(&machine);
    add(&machine, "tls:n1.example:7420,tls:[::1]:7420", &files).done();
    assert!(configuration(&machine).starts_with(&before), "{}", configuration(&machine));
    assert_eq!(machine.path("cloister.toml").metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let slot = &machine.json(&["config", "show"])["slot"][0];
    assert_eq!((&slot["id"], &slot["nodes"][1]), (&0.into(), &"tls:[::1]:7420".into()));
    assert_eq!(slot["key"], machine.path("web/client.key").to_str().unwrap());
    let more = ["slot", "add", "--cluster", NODE, "--description", "The \"other\"\\one"];
    assert_eq!(machine.json(&more)["slot"], 1);
    assert_eq!(machine.json(&["config", "show"])["slot"][1]["description"], "The \"other\"\\one");
}

#[test]
fn tokens_on_this_machine_are_not_lost_to_a_file_that_lists_slots() {
    let machine = Machine::new();
    let home = machine.path("home");
    let at_home = |arguments: &[&str]| {
        let mut command = machine.command(arguments);
        run(command.env_remove("CLOISTER_CONF").env("HOME", &home))
    };
    // A machine may well have a configuration in /etc.
    if std::path::Path::new("/etc/cloister/cloister.toml").exists() {
        return;
    }
    at_home(&["token", "init", "box", "--with-user"]).done();
    let added = at_home(&["slot", "add", "--cluster", NODE, "--json"]).done().json();
    assert_eq!(added["slot"], 1);
    assert_eq!(added["file"], home.join(".config/cloister/cloister.toml").to_str().unwrap());
    let shown = at_home(&["config", "show", "--json"]).done().json();
    assert_eq!(shown["data_dir"], home.join(".local/share/cloister").to_str().unwrap());
    assert!(at_home(&["slot", "list"]).done().stdout.contains("box"));
}

#[test]
fn a_number_that_a_token_has_is_not_given_again() {
    let machine = Machine::with_token();
    let with_id = |id: &str| machine.run(&["slot", "add", "--cluster", NODE, "--id", id]);
    with_id("0").failed(2, &["there is a slot 0 already"]);
    with_id("5").done();
    with_id("5").failed(2, &["there is a slot 5 already"]);
    with_id("4294967295").failed(2, &["cloister.toml:", "id"]);
}

#[test]
fn files_that_do_not_fit_together_leave_the_configuration_as_it_is() {
    let (machine, files) = with_client();
    let before = configuration(&machine);
    let node = "tls:n1.example:7420";
    add(&machine, node, &[]).failed(2, &["--ca, --certificate and --key"]);
    let with = |place: usize, file: &str| {
        let mut files = files.clone();
        files[place] = machine.path(file).to_str().unwrap().to_owned();
        add(&machine, node, &files)
    };
    with(5, "n1/node.key").failed(2, &["client.pem", "another private key"]);
    with(5, "web/ca.pem").failed(2, &["is no PEM file"]);
    with(1, "n1/node.pem").failed(2, &["is not signed by this CA"]);
    with(1, "missing.pem").failed(2, &["missing.pem"]);
    let mut nodes_own = files.clone();
    nodes_own[3] = machine.path("n1/node.pem").to_str().unwrap().to_owned();
    nodes_own[5] = machine.path("n1/node.key").to_str().unwrap().to_owned();
    add(&machine, node, &nodes_own).failed(2, &["which is not what is needed here"]);
    for node in ["host", "tls:host", "unix:"] {
        assert_eq!(add(&machine, node, &files).code, 2, "{node}");
    }
    assert_eq!(configuration(&machine), before);
    let left = fs::read_dir(machine.path("")).unwrap().count();
    assert_eq!(left, 3, "the configuration, and two folders");
}

#[test]
fn a_configuration_that_takes_no_slot_at_its_end_is_left_as_it_is() {
    let machine = Machine::new();
    let inline = "data_dir = 'data'\nslot = [{ id = 1, path = 'one' }]\n";
    machine.configure(inline);
    machine.run(&["slot", "add", "--cluster", NODE]).failed(2, &["cloister.toml:"]);
    assert_eq!(configuration(&machine), inline);
    machine.configure("speed = 1");
    machine.run(&["slot", "add", "--cluster", NODE]).failed(2, &["cloister.toml:1: ", "speed"]);
}

#[test]
fn a_link_to_a_configuration_stays_a_link() {
    let machine = Machine::new();
    fs::rename(machine.path("cloister.toml"), machine.path("real.toml")).unwrap();
    symlink("real.toml", machine.path("cloister.toml")).unwrap();
    machine.run(&["slot", "add", "--cluster", NODE]).done();
    assert!(machine.path("cloister.toml").is_symlink());
    assert!(fs::read_to_string(machine.path("real.toml")).unwrap().contains("[[slot]]"));
}
