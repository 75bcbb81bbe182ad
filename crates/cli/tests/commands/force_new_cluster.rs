//! One node goes on alone when the quorum is lost: with all it has, once and for all, wherever it is killed meanwhile.

use crate::nodes::{Nodes, Running, wait_for};
use crate::support::Run;
use std::process::Stdio;
use std::time::{Duration, Instant};

const KEYS: [&str; 3] = ["first", "second", "third"];

/// Three nodes that have kept keys and do not run any more.
fn with_keys() -> Nodes {
    let nodes = Nodes::three();
    let running = ["n1", "n2", "n3"].map(|name| nodes.run(name));
    nodes.wait_until_it_serves("n1");
    nodes.use_token_of("n1");
    nodes.make_token(&KEYS);
    drop(running);
    nodes
}

fn force(nodes: &Nodes, name: &str, more: &[&str]) -> Run {
    nodes.cluster(&[&["force-new-cluster"], more].concat(), name)
}

/// Runs the node, which must serve alone with all keys.
#[track_caller]
fn serves_alone(nodes: &Nodes, name: &str) -> Running {
    let running = nodes.run(name);
    nodes.wait_until_it_serves(name);
    let members = nodes.cluster(&["members", "--json"], name).done().json();
    assert_eq!(members.as_array().unwrap().len(), 1, "{members}");
    nodes.use_token_of(name);
    assert_eq!(nodes.labels(), KEYS);
    running
}

#[test]
fn a_node_goes_on_alone_with_all_it_has_and_new_ones_join_it() {
    let nodes = with_keys();
    let before = {
        let _running = [nodes.run("n1"), nodes.run("n2")];
        nodes.wait_until_it_serves("n1");
        nodes.report("n1")
    };
    force(&nodes, "n1", &["--yes"]).done();
    let _running = serves_alone(&nodes, "n1");
    let after = nodes.report("n1");
    for forward in ["applied", "term"] {
        assert!(after[forward].as_u64() > before[forward].as_u64(), "{forward}: {before} {after}");
    }
    nodes.join("n4", &[]).done();
    let _new = nodes.run("n4");
    nodes.wait_until_it_serves("n4");
    nodes.use_token_of("n4");
    assert_eq!(nodes.labels(), KEYS);
}

#[test]
fn nodes_left_behind_that_run_after_all_change_nothing_and_can_not_come_back() {
    let nodes = with_keys();
    force(&nodes, "n1", &["--yes"]).done();
    // They are a majority of what they think the cluster is, and call the third.
    let _left_behind = ["n2", "n3"].map(|name| nodes.run(name));
    let stands = |name: &str| {
        ["candidate", "leader"].contains(&nodes.report(name)["role"].as_str().unwrap_or_default())
    };
    wait_for("one of them stands for election", || stands("n2") || stands("n3"));
    let members = nodes.cluster(&["members"], "n2").done().stdout;
    assert!(members.contains("n1") && members.contains("n3"), "{members}");
    let _running = serves_alone(&nodes, "n1");
    let term = nodes.report("n1")["term"].clone();
    // They hear from it that they are members no more.
    let hears =
        |name: &str| nodes.report(name)["not_serving"].as_str().is_some_and(|why| why.contains("removed"));
    wait_for("both know", || hears("n2") && hears("n3"));
    assert_eq!(nodes.report("n1")["term"], term);
    let members = nodes.cluster(&["members", "--json"], "n1").done().json();
    assert_eq!(members.as_array().unwrap().len(), 1);
    // The token with which the second came is of no more use.
    nodes.join_with(&nodes.folder("n2.token.copy"), "n5", &[]).failed(2, &["was removed from the cluster"]);
}

#[test]
fn it_is_refused_while_any_node_runs_where_nothing_is_kept_and_without_consent() {
    let nodes = with_keys();
    force(&nodes, "n1", &[])
        .failed(2, &["give --yes", "n2 (127.0.0.1:", "n3 (127.0.0.1:", "ends at term ", "is lost"]);
    {
        let _second = nodes.run("n2");
        force(&nodes, "n2", &["--yes"]).failed(2, &["another process runs the node"]);
        force(&nodes, "n1", &["--yes"]).failed(2, &["n2 still runs at"]);
    }
    let _running = ["n1", "n2"].map(|name| nodes.run(name));
    nodes.wait_until_it_serves("n1");
    nodes.join("n4", &[]).done();
    drop(_running);
    force(&nodes, "n4", &["--yes"]).failed(2, &["has never run"]);
    // Nothing of all that has changed anything.
    let _running = ["n1", "n3"].map(|name| nodes.run(name));
    nodes.wait_until_it_serves("n3");
}

/// Numbers that look random, the same for the same seed.
struct Draws(u64);

impl Draws {
    fn new() -> Draws {
        let given = std::env::var("CLOISTER_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let mut bytes = [0; 8];
            openssl::rand::rand_bytes(&mut bytes).unwrap();
            u64::from_be_bytes(bytes) | 1
        });
        println!("CLOISTER_TEST_SEED={seed}");
        Draws(seed)
    }

    /// Xorshift.
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

#[test]
fn killed_at_any_moment_it_is_done_by_the_next_try() {
    let nodes = with_keys();
    nodes.copy("n1", "whole");
    let began = Instant::now();
    force(&nodes, "n1", &["--yes"]).done();
    let takes = u64::try_from(began.elapsed().as_micros()).unwrap();
    let mut draws = Draws::new();
    for round in 0..12 {
        std::fs::remove_dir_all(nodes.0.path("n1")).unwrap();
        nodes.copy("whole", "n1");
        for _ in 0..=draws.below(2) {
            let mut command =
                nodes.0.command(&["cluster", "force-new-cluster", "--yes", "--data", &nodes.folder("n1")]);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_micros(draws.below(takes + takes / 8)));
            let _ = child.kill();
            child.wait().unwrap();
        }
        if draws.below(2) == 0 {
            // Whatever state that has left is one that a node runs in.
            drop(nodes.run("n1"));
        }
        // The kernel lets go of the port in its own time.
        wait_for("the next try does it", || force(&nodes, "n1", &["--yes"]).code == 0);
        println!("round {round}");
        drop(serves_alone(&nodes, "n1"));
    }
}
