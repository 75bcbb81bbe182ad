use crate::support::{Machine, Run, USER, column, run};

fn with_new_pin(machine: &Machine, arguments: &[&str], pin: &str) -> Run {
    run(machine.command(arguments).env("CLOISTER_NEW_PIN", pin))
}

fn names(machine: &Machine) -> Vec<String> {
    column(&machine.json(&["user", "list"]), "name")
}

fn lists_keys(machine: &Machine, user: &str, pin: &str) -> Run {
    run(machine.command(&["key", "list", "--user", user]).env("CLOISTER_PIN", pin))
}

#[test]
fn users_of_both_roles_are_made_listed_and_deleted() {
    let machine = Machine::with_token();
    with_new_pin(&machine, &["user", "create", "alice"], "alice-pin").done();
    with_new_pin(&machine, &["user", "create", "olga", "--role", "co"], "olga-pin").done();
    let users = machine.json(&["user", "list"]);
    let mut listed: Vec<_> = column(&users, "name").into_iter().zip(column(&users, "role")).collect();
    listed.sort();
    let expected = [("alice", "CU"), ("olga", "CO"), ("so", "CO"), ("user", "CU")];
    assert_eq!(listed, expected.map(|(name, role)| (name.to_owned(), role.to_owned())));

    let olga = ["user", "delete", "alice", "--yes", "--officer", "olga"];
    run(machine.command(&olga).env("CLOISTER_SO_PIN", "olga-pin")).done();
    assert!(!names(&machine).contains(&"alice".to_owned()));
    lists_keys(&machine, "alice", "alice-pin").failed(1, &["CKR_PIN_INCORRECT"]);
}

#[test]
fn a_name_is_given_once() {
    let machine = Machine::with_token();
    with_new_pin(&machine, &["user", "create", "user"], "other-pin")
        .failed(2, &["crypto user user", "exists"]);
    lists_keys(&machine, "user", USER).done();
}

#[test]
fn nobody_is_deleted_without_being_asked_for() {
    let machine = Machine::with_token();
    machine.run(&["user", "delete", "user"]).failed(2, &["--yes"]);
    assert!(names(&machine).contains(&"user".to_owned()));
    machine.run(&["user", "delete", "nobody", "--yes"]).failed(2, &["no crypto user nobody", "user list"]);
    let officer = ["user", "delete", "so", "--role", "co", "--yes"];
    machine.run(&officer).failed(1, &["CKR_ACTION_PROHIBITED", "last officer"]);
}

#[test]
fn users_change_their_own_pins() {
    let machine = Machine::with_token();
    with_new_pin(&machine, &["user", "change-password", "user"], "better-pin").done();
    lists_keys(&machine, "user", USER).failed(1, &["CKR_PIN_INCORRECT"]);
    lists_keys(&machine, "user", "better-pin").done();
    let officer = ["user", "change-password", "so", "--role", "co"];
    with_new_pin(&machine, &officer, "stronger-pin").done();
    machine.run(&["user", "list"]).failed(1, &["CKR_PIN_INCORRECT", "crypto officer so"]);
}

#[test]
fn a_new_pin_that_is_too_short_changes_nothing() {
    let machine = Machine::with_token();
    let change = ["user", "change-password", "user"];
    with_new_pin(&machine, &change, "123").failed(1, &["CKR_PIN_LEN_RANGE", "4 to 255"]);
    lists_keys(&machine, "user", USER).done();
}

#[test]
fn a_locked_user_is_shown_and_unlocked() {
    let machine = Machine::with_token();
    for _ in 0..5 {
        lists_keys(&machine, "user", "wrong-pin").failed(1, &["CKR_PIN_INCORRECT", "crypto user user"]);
    }
    lists_keys(&machine, "user", USER).failed(1, &["CKR_PIN_LOCKED", "cloister user unlock"]);
    let users = machine.json(&["user", "list"]);
    let states: Vec<_> = column(&users, "name").into_iter().zip(column(&users, "pin")).collect();
    assert!(states.contains(&("user".to_owned(), "locked".to_owned())), "{states:?}");
    assert!(machine.run(&["slot", "list"]).done().stdout.contains("user locked"));

    machine.run(&["user", "unlock", "user"]).done();
    lists_keys(&machine, "user", USER).done();
}

#[test]
fn a_forgotten_pin_is_replaced_by_an_officer() {
    let machine = Machine::with_token();
    with_new_pin(&machine, &["user", "unlock", "user", "--reset"], "fresh-pin").done();
    lists_keys(&machine, "user", "fresh-pin").done();
    // It makes no users of mistyped names.
    let mistyped = ["user", "unlock", "usr", "--reset"];
    with_new_pin(&machine, &mistyped, "fresh-pin").failed(2, &["no crypto user usr"]);
    assert!(!names(&machine).contains(&"usr".to_owned()));
}

#[test]
fn names_that_cannot_be_are_refused_before_any_pin_is_read() {
    let machine = Machine::with_token();
    let refused = machine.run(&["user", "create", "a b"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("1 to 31"), "{}", refused.stderr);
}
