use crate::support::Machine;

#[test]
fn the_compatibility_page_is_current() {
    let written = include_str!("../../../../docs/compatibility.md");
    let now = Machine::new().run(&["compatibility"]).done().stdout;
    assert!(written == now, "docs/compatibility.md is out of date: run `make docs`");
}
