//! Nodes that have lost the majority serve nobody, though they may still hear each other.

use crate::common::certificates::Certificates;
use crate::common::client::Client;
use crate::common::{Node, three, wait_for};
use cloister::attribute::Attributes;
use cloister::error::Error;
use cloister::proto::message::Call;

#[test]
fn a_node_that_hears_but_a_leader_without_a_majority_stops_to_serve_until_the_majority_is_back() {
    let mut nodes = three(&Certificates::new());
    nodes.push(nodes[0].joined("n4"));
    let mut client = Client::of(&nodes[0]);
    let ticket = client.set_up();
    // As one that has seen something: such a client takes what any node in touch with the others has.
    let find = |node: &Node| client.on(node).ask(Some(&ticket), Call::Find { template: Attributes::new() });
    wait_for("all serve", || nodes.iter().all(|node| find(node).is_ok()).then_some(()));
    let leader = nodes[1].leader().expect("a cluster that serves is led");
    nodes.sort_by_key(|node| node.id() != leader);
    nodes[2..].iter_mut().for_each(Node::kill);
    for node in &nodes[..2] {
        let why = wait_for("it notices", || node.not_serving());
        assert_eq!(why, "it does not reach a majority of the nodes");
        assert_eq!(find(node), Err(Error::DeviceRemoved));
    }
    nodes[2].start();
    nodes[..3].iter().for_each(Node::wait_until_it_serves);
}
