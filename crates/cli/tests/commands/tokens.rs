use crate::support::{Machine, column, run};

#[test]
fn a_fresh_machine_has_one_free_slot() {
    let slots = Machine::new().json(&["slot", "list"]);
    assert_eq!(column(&slots, "slot"), ["0"]);
    assert_eq!(slots[0]["initialized"], false);
}

#[test]
fn tokens_are_made_in_the_first_free_slot() {
    let machine = Machine::new();
    let first = machine.json(&["token", "init", "one"]);
    let second = machine.json(&["token", "init", "two", "--with-user"]);
    assert_eq!((&first["slot"], &second["slot"]), (&0.into(), &1.into()));
    assert_eq!((&first["user"], &second["user"]), (&serde_json::Value::Null, &"user".into()));
    let slots = machine.json(&["slot", "list"]);
    assert_eq!(column(&slots, "initialized"), ["true", "true", "false"]);
    assert_eq!(column(&slots, "serial")[0], first["serial"].as_str().unwrap());
    let shown = machine.run(&["slot", "list"]).done().stdout;
    assert!(shown.contains("no user yet") && shown.contains("ready") && shown.contains("free"), "{shown}");
}

#[test]
fn a_token_is_made_anew_only_if_that_is_said_and_its_officer_is_there() {
    let machine = Machine::with_token();
    machine.run(&["token", "init", "new", "--slot", "0"]).failed(2, &["\"box\"", "--erase"]);
    let again = ["token", "init", "new", "--slot", "0", "--erase"];
    let mut wrong = machine.command(&again);
    run(wrong.env("CLOISTER_SO_PIN", "not-the-pin")).failed(1, &["CKR_PIN_INCORRECT"]);
    assert_eq!(column(&machine.json(&["slot", "list"]), "label")[0], "box");
    machine.run(&again).done();
    let slots = machine.json(&["slot", "list"]);
    assert_eq!((&slots[0]["label"], &slots[0]["user_pin_initialized"]), (&"new".into(), &false.into()));
}

#[test]
fn nothing_is_made_with_a_pin_that_cannot_be_one() {
    let machine = Machine::new();
    let mut short = machine.command(&["token", "init", "box", "--with-user"]);
    run(short.env("CLOISTER_PIN", "123")).failed(1, &["CKR_PIN_LEN_RANGE", "4 to 255"]);
    assert_eq!(column(&machine.json(&["slot", "list"]), "initialized"), ["false"]);
}

#[test]
fn labels_that_do_not_fit_are_refused() {
    let machine = Machine::new();
    let long = "x".repeat(33);
    for label in ["", "ends in a blank ", &long] {
        assert_eq!(machine.run(&["token", "init", label]).code, 2, "{label:?}");
    }
}

#[test]
fn a_choice_among_tokens_is_asked_for() {
    let machine = Machine::with_token();
    machine.run(&["token", "init", "other", "--with-user"]).done();
    machine.run(&["user", "list"]).failed(2, &["--slot 0", "\"box\"", "--slot 1", "\"other\""]);
    machine.run(&["user", "list", "--label", "other"]).done();
    machine.run(&["user", "list", "--slot", "0"]).done();
    machine.run(&["user", "list", "--label", "none"]).failed(2, &["\"none\"", "slot list"]);
    machine.run(&["user", "list", "--slot", "77"]).failed(1, &["CKR_SLOT_ID_INVALID"]);
    machine.run(&["user", "list", "--slot", "2"]).failed(2, &["token init LABEL --slot 2"]);
}

#[test]
fn without_a_token_it_says_how_to_make_one() {
    Machine::new().run(&["user", "list"]).failed(2, &["cloister token init"]);
}

#[test]
fn listed_slots_keep_their_numbers_and_descriptions() {
    let machine = Machine::new();
    machine.configure("[[slot]]\nid = 9\npath = 'nine'\ndescription = 'The ninth'\n");
    let slots = machine.json(&["slot", "list"]);
    assert_eq!(column(&slots, "slot"), ["9"]);
    assert_eq!(column(&slots, "description"), ["The ninth"]);
    assert_eq!(machine.json(&["token", "init", "nine"])["slot"], 9);
    machine.run(&["token", "init", "ten"]).failed(2, &["[[slot]]"]);
}
