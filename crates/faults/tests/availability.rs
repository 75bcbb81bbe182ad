//! What a cluster still does when nodes are gone, and what it refuses.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod common;

use cloister::attribute::Attributes;
use cloister::error::{Error, Result};
use cloister::mechanism::{Mechanism, Params, Purpose, registry};
use cloister::pin::{Credentials, Role};
use cloister::token::remote::RemoteToken;
use cloister::token::{Begun, Making, ObjectRef, Operation, Ticket, Token};
use cloister_faults::check::Reads;
use cloister_faults::cluster::{Cluster, Settings};
use cryptoki_sys as ck;
use std::sync::Arc;
use std::time::Duration;

/// Far longer than any node takes to answer.
const LONG: Duration = Duration::from_secs(60);

/// Three nodes with these lines in their settings, and a user who is logged in to their token.
struct Fixture {
    cluster: Cluster,
    token: RemoteToken,
    user: Arc<dyn Ticket>,
}

fn mechanism(id: u64) -> Mechanism {
    Mechanism { row: registry::find(id).unwrap(), params: Params::None }
}

impl Fixture {
    fn new(more: &str) -> Fixture {
        Fixture::on_disks(more, false)
    }

    /// The same; `slow_disks`: whether their disks can be slowed down.
    fn on_disks(more: &str, slow_disks: bool) -> Fixture {
        let settings = Settings {
            cloister: common::cloister(),
            nodes: 3,
            reads: Reads::Session,
            faketime: None,
            slow_disks,
            more: more.to_owned(),
        };
        let mut cluster = Cluster::found(settings).unwrap();
        let token = token(&cluster, LONG);
        let officer = Credentials::from_pin(Role::Officer, b"officer-pin");
        token.initialize(&officer, "test").unwrap();
        let officer = token.login(Role::Officer, &officer).unwrap();
        let user = Credentials::from_pin(Role::User, b"user-pin");
        token.init_pin(Some(&officer), &user).unwrap();
        let user = token.login(Role::User, &user).unwrap();
        cluster.await_level().unwrap();
        Fixture { cluster, token, user }
    }

    fn make(&self, label: &[u8]) -> Result<ObjectRef> {
        make(&self.token, &self.user, label)
    }

    fn found(&self, label: &[u8]) -> usize {
        let template = Attributes::from_iter([(ck::CKA_LABEL, label.to_vec())]);
        self.token.find(Some(&self.user), &template).unwrap().len()
    }

    /// Two nodes that do not lead now.
    fn followers(&mut self) -> Vec<usize> {
        let leader = self.cluster.leader().unwrap();
        (0..3).filter(|at| *at != leader).collect()
    }
}

/// A client of all nodes that asks for so long.
fn token(cluster: &Cluster, retry: Duration) -> RemoteToken {
    let mut settings = cluster.client(&[0, 1, 2], retry).unwrap();
    settings.request_timeout = LONG;
    RemoteToken::new(settings)
}

fn make(token: &RemoteToken, user: &Arc<dyn Ticket>, label: &[u8]) -> Result<ObjectRef> {
    let mut template = Attributes::from_iter([(ck::CKA_TOKEN, true), (ck::CKA_SIGN, true)]);
    template.set(ck::CKA_LABEL, label.to_vec());
    template.set(ck::CKA_VALUE_LEN, 32u64);
    let generation = mechanism(ck::CKM_GENERIC_SECRET_KEY_GEN);
    token.make(Some(user), Making::Generate(&generation), &template)
}

fn sign(token: &RemoteToken, user: &Arc<dyn Ticket>, key: &ObjectRef) -> Result<Vec<u8>> {
    match token.begin(Some(user), Purpose::Sign, &mechanism(ck::CKM_SHA256_HMAC), key)? {
        Begun::Ready(Operation::Signer(mut signer), _) => {
            signer.update(b"data")?;
            let mut signature = vec![0; signer.size()];
            signer.finish(&mut signature)?;
            Ok(signature)
        }
        _ => panic!("no signer"),
    }
}

#[test]
fn a_key_that_must_be_on_all_nodes_is_not_made_while_one_is_gone_and_use_goes_on() {
    let _turn = common::turn();
    let mut it = Fixture::new("key-availability = \"all\"\n");
    let key = it.make(b"first").unwrap();
    let signature = sign(&it.token, &it.user, &key).unwrap();
    let gone = it.followers()[0];
    it.cluster.kill(gone);
    assert_eq!(it.make(b"second").err(), Some(Error::TokenWriteProtected));
    assert_eq!(it.found(b"second"), 0, "nothing of it is left");
    assert_eq!(sign(&it.token, &it.user, &key), Ok(signature));
    it.cluster.start(gone).unwrap();
    it.cluster.await_level().unwrap();
    it.make(b"second").unwrap();
    assert_eq!(it.found(b"second"), 1);
}

#[test]
fn what_is_left_of_a_cluster_makes_no_keys_on_one_node_and_uses_those_it_has() {
    let _turn = common::turn();
    let mut it = Fixture::new("");
    let key = it.make(b"first").unwrap();
    let signature = sign(&it.token, &it.user, &key).unwrap();
    for gone in it.followers() {
        it.cluster.remove(gone).unwrap();
    }
    assert_eq!(it.make(b"second").err(), Some(Error::TokenWriteProtected));
    assert_eq!((it.found(b"first"), it.found(b"second")), (1, 0));
    assert_eq!(sign(&it.token, &it.user, &key), Ok(signature));
}

#[test]
fn the_only_node_left_serves_nothing_by_default_and_all_is_there_when_another_is_back() {
    let _turn = common::turn();
    let mut it = Fixture::new("");
    let key = it.make(b"first").unwrap();
    let gone = it.followers();
    gone.iter().for_each(|at| it.cluster.kill(*at));
    let impatient = token(&it.cluster, Duration::from_secs(1));
    let refused = |error: Error| matches!(error, Error::DeviceError | Error::DeviceRemoved);
    // For a moment it can't know that the others are gone.
    while !sign(&impatient, &it.user, &key).is_err_and(refused) {}
    assert!(make(&impatient, &it.user, b"second").is_err_and(refused));
    it.cluster.start(gone[0]).unwrap();
    sign(&it.token, &it.user, &key).unwrap();
    it.make(b"third").unwrap();
    assert_eq!((it.found(b"first"), it.found(b"third")), (1, 1));
}

#[test]
fn the_only_node_left_goes_on_to_use_keys_where_that_is_allowed_and_makes_none() {
    let _turn = common::turn();
    let mut it = Fixture::new("serve-alone = true\n");
    let key = it.make(b"first").unwrap();
    let signature = sign(&it.token, &it.user, &key).unwrap();
    let gone = it.followers();
    gone.iter().for_each(|at| it.cluster.kill(*at));
    while !it.token.info().unwrap().write_protected {}
    assert_eq!(sign(&it.token, &it.user, &key), Ok(signature));
    assert_eq!(it.make(b"second").err(), Some(Error::TokenWriteProtected));
    assert_eq!(it.found(b"first"), 1);
    it.cluster.start(gone[0]).unwrap();
    while it.token.info().unwrap().write_protected {}
    it.make(b"third").unwrap();
    assert_eq!(it.found(b"second"), 0);
}

/// Longer than an election takes where disks are quick, and than a leader waits for a node that writes.
const LATE: Duration = Duration::from_millis(400);

#[test]
fn after_the_leaders_death_keys_are_made_though_no_disk_is_as_quick_as_an_election() {
    let _turn = common::turn();
    let mut it = Fixture::on_disks("", true);
    it.make(b"first").unwrap();
    let leader = it.cluster.leader().unwrap();
    for at in it.followers() {
        it.cluster.slow_disk(at, LATE).unwrap();
    }
    it.cluster.kill(leader);
    it.make(b"second").unwrap();
    assert_eq!((it.found(b"first"), it.found(b"second")), (1, 1));
}

/// Syncs that a node needs for another leader and its first entries, and a few more; far fewer than it would have had to catch up with.
const FEW: u64 = 16;

#[test]
fn a_node_whose_disk_could_not_keep_up_follows_the_next_leader_without_writing_all_that_the_last_one_sent() {
    let _turn = common::turn();
    let mut it = Fixture::on_disks("", true);
    let slow = it.followers()[0];
    let leader = it.cluster.leader().unwrap();
    it.cluster.slow_disk(slow, LATE * 5).unwrap();
    // The others are a majority, and far ahead of it.
    for number in 0..400 {
        it.make(format!("before-{number}").as_bytes()).unwrap();
    }
    let before = it.cluster.slow_syncs(slow).unwrap();
    it.cluster.kill(leader);
    it.make(b"after").unwrap();
    let took = it.cluster.slow_syncs(slow).unwrap() - before;
    assert!(took < FEW, "{took} syncs");
    assert_eq!(it.found(b"after"), 1);
}
