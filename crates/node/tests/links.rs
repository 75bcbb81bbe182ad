//! What the module must never link, because it lives in other people's processes.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;

#[test]
fn the_module_links_no_runtime_and_no_consensus() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-p", "cloister", "-e", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("openssl "), "{tree}");
    for package in ["tokio", "openraft", "tracing", "mio", "hyper"] {
        let named = |line: &str| line.split([' ', '-']).next() == Some(package);
        assert!(!tree.lines().any(named), "{package} in\n{tree}");
    }
}
