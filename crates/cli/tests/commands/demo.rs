use crate::support::Machine;

#[test]
fn the_demo_runs_to_its_end_and_touches_no_other_token() {
    let machine = Machine::new();
    let steps = machine.json(&["demo"]);
    assert!(steps.as_array().unwrap().len() > 5, "{steps}");
    assert!(!machine.path("data").exists());
}

#[test]
fn the_demo_says_what_each_step_shows() {
    let told = Machine::new().run(&["demo"]).done().stdout;
    for word in ["1. ", "   -> ", "P-256", "CKR_ATTRIBUTE_SENSITIVE", "AES-256-GCM"] {
        assert!(told.contains(word), "\"{word}\" is missing in:\n{told}");
    }
}
