//! Which members can be removed.

use crate::common::certificates::Certificates;
use crate::common::{three, wait_for};
use cloister_node::admin::{AdminError, Client, Id};

#[test]
fn a_live_voter_stays_while_another_is_dead_and_goes_once_that_is_removed() {
    let mut nodes = three(&Certificates::new());
    let mut admin = Client::connect(&nodes[0].data()).unwrap();
    wait_for("all vote", || admin.status().unwrap().members.iter().all(|member| member.votes).then_some(()));
    nodes[2].kill();
    // The third may have led.
    let why = wait_for("it is refused", || match admin.remove(Id(nodes[1].id())) {
        Err(AdminError::Refused(why)) if why.contains("n2") => Some(why),
        Err(AdminError::Refused(_)) => None,
        other => panic!("{other:?}"),
    });
    assert_eq!(
        why,
        "n3 does not answer, and without n2 the rest would be no majority: remove n3 first, or bring it back"
    );
    admin.remove(Id(nodes[2].id())).unwrap();
    admin.remove(Id(nodes[1].id())).unwrap();
    assert_eq!(admin.status().unwrap().members.len(), 1);
    nodes[0].wait_until_it_serves();
}
