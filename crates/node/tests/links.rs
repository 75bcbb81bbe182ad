//! What the loadable module must never link: nothing that starts threads or a runtime in a foreign process.

use std::process::Command;

#[test]
fn the_module_links_neither_a_runtime_nor_consensus() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "cloister", "--edges", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"openssl"), "the tree was read");
    for never in ["tokio", "tokio-openssl", "openraft", "tracing", "hyper", "axum"] {
        assert!(!names.contains(&never), "the module links {never}");
    }
}
