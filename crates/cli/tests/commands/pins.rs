use crate::support::{Machine, OFFICER, USER, run, run_with_input};

#[test]
fn no_command_takes_a_pin_as_an_argument() {
    let machine = Machine::with_token();
    for arguments in [["key", "list", "--pin", USER], ["user", "list", "--so-pin", OFFICER]] {
        assert_eq!(machine.run(&arguments).code, 2);
    }
}

#[test]
fn a_pin_comes_from_a_file_before_the_environment() {
    let machine = Machine::with_token();
    let file = machine.file("pin", "user-pin\nsecond line\n");
    let mut command = machine.command(&["key", "list", "--pin-file", &file]);
    run(command.env("CLOISTER_PIN", "wrong-pin")).done();
    let missing = machine.path("none");
    machine.run(&["key", "list", "--pin-file", missing.to_str().unwrap()]).failed(2, &["none"]);
}

#[test]
fn several_pins_come_line_by_line_from_standard_input() {
    let machine = Machine::with_token();
    let create = ["user", "create", "alice", "--so-pin-file", "-", "--new-pin-file", "-"];
    run_with_input(&mut machine.command_without_pins(&create), "officer-pin\nalice-pin\n").done();
    let list = ["key", "list", "--user", "alice", "--pin-file", "-"];
    run_with_input(&mut machine.command_without_pins(&list), "alice-pin").done();
}

#[test]
fn a_pin_may_begin_with_the_users_name() {
    let machine = Machine::with_token();
    let mut command = machine.command(&["user", "create", "alice"]);
    run(command.env("CLOISTER_NEW_PIN", "alice-pin")).done();
    run(machine.command(&["key", "list"]).env("CLOISTER_PIN", "alice:alice-pin")).done();
}

#[test]
fn without_a_pin_and_without_a_terminal_it_says_where_pins_come_from() {
    let machine = Machine::with_token();
    let list = &mut machine.command_without_pins(&["key", "list"]);
    run(list).failed(2, &["CLOISTER_PIN", "crypto user user"]);
}

#[test]
fn a_wrong_pin_is_never_repeated_in_a_message() {
    let machine = Machine::with_token();
    let mut command = machine.command(&["key", "list"]);
    let answer = run(command.env("CLOISTER_PIN", "a-wrong-secret").env("CLOISTER_LOG", "trace"));
    assert_eq!(answer.code, 1);
    assert!(!answer.stderr.contains("a-wrong-secret") && !answer.stdout.contains("a-wrong-secret"));
}
