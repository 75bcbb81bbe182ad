//! Nodes that are not what their cluster thinks they are do not run, and a node that is not taken in leaves nothing behind.

use crate::nodes::Nodes;
use crate::support::{free_address, run};
use cloister::attribute::Bytes;
use cloister_node::clock;
use cloister_node::folder::Folder;
use cloister_node::neighbours::Reply;
use cloister_node::raft::cluster::{Cluster, Settings, Timing};
use cloister_node::raft::machine::{Machine, MachineError};
use cloister_node::raft::neighbour::{Answering, Neighbour, Neighbourly};
use cloister_node::raft::types::{Applied, Committed};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

#[test]
fn a_second_process_with_the_id_of_one_that_runs_does_not_start() {
    let nodes = Nodes::founded();
    let _running = nodes.run("n1");
    nodes.copy("n1", "copy");
    nodes.run_in_vain("n1").failed(2, &["another process runs the node in"]);
    nodes.run_in_vain("copy").failed(2, &["another process runs this node already", "is never to be copied"]);
}

#[test]
fn a_node_that_calls_itself_at_another_address_than_its_cluster_does_not_start() {
    let nodes = Nodes::founded();
    let file = nodes.0.path("n1/node.toml");
    let settings = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{settings}advertise = \"elsewhere.example:7421\"\n")).unwrap();
    nodes
        .run_in_vain("n1")
        .failed(2, &["the cluster knows this node at 127.0.0.1:", "elsewhere.example:7421"]);
    fs::write(&file, settings).unwrap();
    let _running = nodes.run("n1");
}

#[test]
fn a_node_with_the_ca_the_log_or_the_store_of_another_cluster_does_not_start() {
    let nodes = Nodes::founded();
    nodes.found("other");
    for (what, words) in [
        ("ca.pem", &["node.pem"][..]),
        ("raft", &["raft.db belongs to another cluster"]),
        ("token", &["belongs to another cluster", "put this node's own back"]),
    ] {
        nodes.copy("n1", "mixed");
        let (own, other) = (nodes.0.path("mixed").join(what), nodes.0.path("other").join(what));
        if own.is_dir() {
            fs::remove_dir_all(&own).unwrap();
            nodes.copy(&format!("other/{what}"), &format!("mixed/{what}"));
        } else {
            fs::copy(other, own).unwrap();
        }
        nodes.run_in_vain("mixed").failed(2, words);
        fs::remove_dir_all(nodes.0.path("mixed")).unwrap();
    }
    fs::remove_dir_all(nodes.0.path("n1/raft")).unwrap();
    nodes.run_in_vain("n1").failed(2, &["the log is gone", "add a new one"]);
}

#[test]
fn a_node_with_the_store_of_another_node_of_its_cluster_does_not_start() {
    let nodes = Nodes::three();
    fs::remove_dir_all(nodes.0.path("n2/token")).unwrap();
    nodes.copy("n3/token", "n2/token");
    nodes.run_in_vain("n2").failed(2, &["belongs to another node of this cluster"]);
}

#[test]
fn who_is_not_taken_in_leaves_no_folder_and_can_try_again_with_the_same_token() {
    let nodes = Nodes::founded();
    nodes.found("other");
    let token = nodes.invite("token");
    let left = || nodes.0.path("n2").exists();
    nodes.join_with(&token, "n2", &[]).failed(2, &["no node of the cluster takes this one in"]);
    assert!(!left(), "nobody listens there");
    {
        let _other = nodes.run("other");
        let sync = fs::read_to_string(nodes.0.path("other/node.toml")).unwrap();
        let sync =
            sync.lines().find_map(|line| line.strip_prefix("sync = ")).unwrap().trim_matches('"').to_owned();
        nodes.join_with(&token, "n2", &["--via", &sync]).failed(2, &["is it a node of this cluster"]);
        assert!(!left(), "another cluster answers");
    }
    let _running = nodes.run("n1");
    let taken = [
        "cluster",
        "join",
        "--token-file",
        &token,
        "--name",
        "n1",
        "--sync",
        &free_address(),
        "--data",
        &nodes.folder("n2"),
    ];
    nodes.0.run(&taken).failed(2, &["already with that name"]);
    assert!(!left(), "its name is taken");
    let copy = nodes.folder("copy.token");
    std::fs::copy(&token, &copy).unwrap();
    nodes.join_with(&token, "n2", &[]).done();
    assert!(!nodes.0.path(&token).exists(), "a token that was used has the private key of a member");
    nodes.join_with(&copy, "n3", &[]).failed(2, &["has been used before"]);
    assert!(!nodes.0.path("n3").exists());
}

/// A state that does not matter.
struct Nothing;

impl Machine for Nothing {
    fn applied(&self) -> Result<Applied, MachineError> {
        Ok(Applied::default())
    }

    fn apply(&self, entries: &[Committed]) -> Result<Vec<Vec<u8>>, MachineError> {
        Ok(vec![Vec::new(); entries.len()])
    }

    fn snapshot(&self, _into: &Path) -> Result<Applied, MachineError> {
        Err(MachineError::Storage("there is nothing".to_owned()))
    }

    fn install(&self, _from: &Path, _applied: &Applied) -> Result<(), MachineError> {
        Ok(())
    }
}

/// A node whose clock goes wrong by so many milliseconds.
struct Wrong(i64);

impl Neighbourly for Wrong {
    fn answer(&self, _from: Neighbour, _question: Bytes) -> Answering {
        let time = clock::now_ms().saturating_add_signed(self.0);
        Box::pin(async move { Some(Reply::Clock(time).to_bytes()) })
    }
}

/// Answers in the place of the node in `folder`.
fn with_a_wrong_clock(folder: &Path, by: i64, log: &Path) -> (Runtime, Cluster) {
    let folder = Folder::look(folder).unwrap();
    let runtime = Runtime::new().unwrap();
    let cluster = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(&folder.settings().sync).await.unwrap();
        let settings = Settings {
            id: folder.id(),
            folder: log.to_owned(),
            ca: folder.ca().clone(),
            identity: folder.identity().clone(),
            timing: Timing::default(),
            source: None,
            snapshot_every: 10_000,
        };
        Cluster::start(settings, listener, Arc::new(Nothing), Arc::new(Wrong(by))).await.unwrap()
    });
    (runtime, cluster)
}

#[test]
fn a_node_whose_clock_is_far_from_the_others_neither_joins_nor_starts() {
    let nodes = Nodes::founded();
    {
        let _running = nodes.run("n1");
        nodes.join("n2", &[]).done();
        let _second = nodes.run("n2");
        nodes.wait_until_it_serves("n2");
    }
    for (by, words) in
        [(3_600_000, "is 3600 s behind that of the node at"), (-120_000, "s ahead of that of the node at")]
    {
        let log = nodes.0.path(format!("log{by}"));
        let (runtime, cluster) = with_a_wrong_clock(&nodes.0.path("n1"), by, &log);
        let told = nodes.join(&format!("late{by}").replace('-', "x"), &[]);
        told.failed(2, &["this machine's clock", words, "NTP"]);
        assert!(!nodes.0.path(format!("late{by}").replace('-', "x")).exists());
        nodes.run_in_vain("n2").failed(2, &["this machine's clock", words]);
        runtime.block_on(cluster.shutdown());
        runtime.shutdown_timeout(std::time::Duration::from_secs(10));
    }
    // A minute is nothing that a node need not start for.
    let (_runtime, _cluster) = with_a_wrong_clock(&nodes.0.path("n1"), 30_000, &nodes.0.path("log"));
    let _running = nodes.run("n2");
}

#[test]
fn a_node_that_may_open_too_few_files_says_so_and_does_not_start() {
    let nodes = Nodes::founded();
    let program = nodes.0.command(&["node", "run", "--data", &nodes.folder("n1")]);
    let mut limited = std::process::Command::new("/bin/sh");
    limited
        .args(["-c", "ulimit -n 300 && exec \"$0\" \"$@\""])
        .arg(program.get_program())
        .args(program.get_args());
    run(&mut limited).failed(2, &["only 300 files may be open at once", "ulimit -n"]);
}
