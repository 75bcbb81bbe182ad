//! A cluster is looked after through a node on this machine.

use crate::support::{Machine, Run, column};
use cloister_node::admin::{
    self, Administration, ClusterReport, Id, MemberReport, NodeReport, Refused, Role, SOCKET,
};
use cloister_node::raft::types::NodeId;
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// A node whose cluster has one leader, one voter that does not serve, one that is not reached, and a learner of the same name.
#[derive(Default)]
struct Node {
    removed: Mutex<Vec<NodeId>>,
}

fn report(id: NodeId, name: &str, role: Role) -> NodeReport {
    NodeReport {
        id: Id(id),
        name: name.to_owned(),
        software: "1.2.3".to_owned(),
        protocol: 1,
        sync_address: format!("{name}:7001"),
        client_address: format!("{name}:7002"),
        uptime: 60,
        role,
        leader: Some(Id(1)),
        term: 7,
        last: Some(120),
        applied: Some(119),
        lags: Vec::new(),
        objects: 42,
        users: 3,
        connections: 5,
        operations: 1000,
        rate: 12.25,
        not_serving: None,
        clock: 0,
        token: None,
        certified_until: 2_000_000_000,
    }
}

fn member(id: NodeId, name: &str, report: Option<NodeReport>) -> MemberReport {
    let skew = report.as_ref().map(|_| -30);
    let address = format!("{name}:7001");
    MemberReport { id: Id(id), name: name.to_owned(), address, votes: id != 4, lag: Some(id), report, skew }
}

impl Administration for Node {
    fn report(&self) -> NodeReport {
        report(1, "one", Role::Leader)
    }

    async fn cluster(&self) -> ClusterReport {
        let waiting = Some("it waits for\u{1b}[2J a leader".to_owned());
        let two = NodeReport { not_serving: waiting, ..report(2, "two", Role::Voter) };
        let members = vec![
            member(1, "one", Some(self.report())),
            member(2, "two", Some(two)),
            member(3, "three", None),
            member(4, "three", Some(report(4, "three", Role::Learner))),
        ];
        ClusterReport { asked: Id(1), leader: Some(Id(1)), term: 7, members, not_serving: None }
    }

    async fn remove(&self, id: NodeId) -> Result<(), Refused> {
        if id == 1 {
            return Err(Refused("the leader can't remove itself: ask another".to_owned()));
        }
        self.removed.lock().unwrap().push(id);
        Ok(())
    }
}

/// A machine on which the node runs, in the folder `node`.
struct Running {
    machine: Machine,
    node: Arc<Node>,
    _runtime: Runtime,
}

impl Running {
    fn start() -> Running {
        let (machine, node, runtime) = (Machine::new(), Arc::<Node>::default(), Runtime::new().unwrap());
        std::fs::create_dir(machine.path("node")).unwrap();
        let _inside = runtime.enter();
        runtime.spawn(admin::serve(admin::listen(&machine.path("node")).unwrap(), node.clone()));
        drop(_inside);
        Running { machine, node, _runtime: runtime }
    }

    fn cluster(&self, arguments: &[&str]) -> Run {
        let folder = self.machine.path("node");
        let data = ["--data", folder.to_str().unwrap()];
        self.machine.run(&[&["cluster"], arguments, &data[..]].concat())
    }
}

#[test]
fn the_status_shows_leader_term_and_each_node() {
    let shown = Running::start().cluster(&["status"]).done().stdout;
    assert!(shown.starts_with("Leader one (0000000000000001), term 7\n"), "{shown}");
    let row = |name: &str| {
        let line = shown.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("NAME"), "NAME ID ADDRESS PART SERVES APPLIED LAG OBJECTS CLIENTS OPS/S VERSION CLOCK");
    assert_eq!(row("one"), "one 0000000000000001 one:7001 leader yes 119 1 42 5 12.2 1.2.3 -30 ms");
    assert_eq!(row("two"), "two 0000000000000002 two:7001 voter no 119 2 42 5 12.2 1.2.3 -30 ms");
    assert_eq!(row("three"), "three 0000000000000003 three:7001 - not reached - 3 - - - - -");
    assert!(shown.contains("\ntwo: it waits for\\u{1b}[2J a leader\nthree: was not reached\n"), "{shown}");
}

#[test]
fn programs_get_all_that_is_known() {
    let status = Running::start().cluster(&["status", "--json"]).done().json();
    assert_eq!(status["leader"], "0000000000000001");
    assert_eq!(status["term"], 7);
    assert_eq!(column(&status["members"], "name"), ["one", "two", "three", "three"]);
    assert_eq!(status["members"][0]["report"]["objects"], 42);
    assert!(status["members"][2]["report"].is_null());
}

#[test]
fn members_are_listed_with_their_parts() {
    let running = Running::start();
    let shown = running.cluster(&["members"]).done().stdout;
    let parts: Vec<_> = shown.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(parts, ["PART", "leader", "voter", "voter", "learner"]);
    let listed = running.cluster(&["members", "--json"]).done().json();
    assert_eq!(column(&listed, "votes"), ["true", "true", "true", "false"]);
    assert_eq!(column(&listed, "leads"), ["true", "false", "false", "false"]);
}

#[test]
fn a_member_is_removed_by_name_or_id() {
    let running = Running::start();
    running.cluster(&["remove", "two"]).done();
    let removed = running.cluster(&["remove", "0000000000000004", "--json"]).done().json();
    assert_eq!((&removed["removed"], &removed["name"]), (&"0000000000000004".into(), &"three".into()));
    assert_eq!(*running.node.removed.lock().unwrap(), [2, 4]);
}

#[test]
fn nothing_is_removed_that_was_not_clearly_meant() {
    let running = Running::start();
    running.cluster(&["remove", "four"]).failed(2, &["no member four", "cluster members"]);
    running.cluster(&["remove", "0000000000000009"]).failed(2, &["no member"]);
    running.cluster(&["remove", "three"]).failed(2, &["several", "0000000000000003, 0000000000000004"]);
    running.cluster(&["remove", "one"]).failed(1, &["the leader can't remove itself: ask another"]);
    assert!(running.node.removed.lock().unwrap().is_empty());
}

#[test]
fn a_node_that_does_not_run_is_told_as_that() {
    let machine = Machine::new();
    let folder = machine.path("data");
    let data = folder.to_str().unwrap();
    machine.run(&["cluster", "status", "--data", data]).failed(2, &["no folder", data]);
    std::fs::create_dir(&folder).unwrap();
    // What a killed node leaves behind is no node either.
    for _ in 0..2 {
        for verb in [&["status"][..], &["members"], &["remove", "one"]] {
            let advice = format!("is not running: start it with `cloister node run --data {data}`");
            machine.run(&[&["cluster"], verb, &["--data", data]].concat()).failed(1, &[&advice]);
        }
        let _ = std::os::unix::net::UnixListener::bind(folder.join(SOCKET));
    }
}
