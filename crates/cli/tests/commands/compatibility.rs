use crate::support::Machine;

#[test]
fn the_compatibility_page_is_current() {
    let written = include_str!("../../../../docs/compatibility.md");
    let now = Machine::new().run(&["compatibility"]).done().stdout;
    assert!(written == now, "docs/compatibility.md is out of date: run `make docs`");
}

#[test]
fn the_readme_counts_what_the_page_counts() {
    let readme = include_str!("../../../../README.md");
    let page = include_str!("../../../../docs/compatibility.md");
    let number = |what: &str| {
        let (before, _) = page.split_once(what).unwrap();
        before.rsplit_once(['\n', ' ']).unwrap().1.to_owned()
    };
    let (functions, mechanisms) = (number(" functions of PKCS#11 3.2"), number(" mechanisms. "));
    let told = format!("All {functions} functions of PKCS#11 3.2 are there, and {mechanisms} mechanisms:");
    assert!(readme.contains(&told), "README.md does not say: {told}");
}
