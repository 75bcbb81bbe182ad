//! What holds on all nodes of a cluster alike: tickets, capsules, confirmations, lockout, and what is done once.

use crate::common::certificates::Certificates;
use crate::common::client::{Client, aes_key, credentials, ec_pair, mechanism, run};
use crate::common::secrets::Secrets;
use crate::common::{Node, three, wait_for};
use cloister::attribute::{Attributes, Bytes};
use cloister::error::Error;
use cloister::mechanism::Purpose;
use cloister::pin::Role;
use cloister::proto::message::{Call, Made, Origin, Place, Reply, Request};
use cryptoki_sys as ck;

/// As many as a node forwards at once.
const WRITERS: usize = 64;

const REFUSED: Result<Reply, Error> = Err(Error::UserNotLoggedIn);

fn find() -> Call {
    Call::Find { template: Attributes::new() }
}

fn pin(role: Role, text: &str) -> cloister::proto::message::Pin {
    (&credentials(role, text)).into()
}

/// Three nodes, and a client of the first whose user is logged in.
fn set_up() -> (Vec<Node>, Client, Bytes) {
    let nodes = three(&Certificates::new());
    let mut client = Client::of(&nodes[0]);
    let ticket = client.set_up();
    (nodes, client, ticket)
}

/// What each node says to the same call.
fn everywhere(nodes: &[Node], client: &Client, ticket: &Bytes, call: &Call) -> Vec<Result<Reply, Error>> {
    nodes.iter().map(|node| client.on(node).ask(Some(ticket), call.clone())).collect()
}

#[track_caller]
fn refused_everywhere(nodes: &[Node], client: &Client, ticket: &Bytes) {
    for call in [find(), aes_key(&[]), Call::Renew] {
        assert_eq!(everywhere(nodes, client, ticket, &call), vec![REFUSED; nodes.len()]);
    }
}

#[test]
fn a_ticket_altered_by_one_bit_is_refused_on_every_node() {
    let (nodes, client, ticket) = set_up();
    assert!(everywhere(&nodes, &client, &ticket, &find()).iter().all(Result::is_ok));
    let mut clients: Vec<Client> = nodes.iter().map(|node| client.on(node)).collect();
    for at in 0..ticket.len() {
        let mut altered = ticket.clone();
        altered[at] ^= 1 << (at % 8);
        for client in &mut clients {
            assert_eq!(client.ask(Some(&altered), find()), REFUSED, "byte {at}");
        }
    }
}

#[test]
fn a_ticket_of_another_cluster_or_past_its_time_is_refused_on_every_node() {
    let (nodes, client, ticket) = set_up();
    let other = Node::new();
    let strange = Client::of(&other).set_up();
    refused_everywhere(&nodes, &client, &strange);
    // The same login, sealed with the same key, but over since a second.
    let secrets = Secrets::of(&nodes[0], &ticket);
    refused_everywhere(&nodes, &client, &secrets.expired());
    assert!(everywhere(&nodes, &client, &ticket, &find()).iter().all(Result::is_ok));
}

#[test]
fn a_pin_changed_on_one_node_ends_the_logins_of_before_on_every_node() {
    let (nodes, client, ticket) = set_up();
    // Every node has opened it before.
    assert!(everywhere(&nodes, &client, &ticket, &find()).iter().all(Result::is_ok));
    let mut other = client.on(&nodes[1]);
    let change =
        Call::SetPin { role: Role::User, old: pin(Role::User, "user-1234"), new: b"user-5678"[..].into() };
    assert_eq!(other.ask(None, change), Ok(Reply::Done));
    refused_everywhere(&nodes, &other, &ticket);
    let again = other.log_in(Role::User, "user-5678");
    assert!(everywhere(&nodes, &other, &again, &find()).iter().all(Result::is_ok));
}

#[test]
fn a_user_deleted_on_one_node_is_logged_in_on_none() {
    let (nodes, mut client, ticket) = set_up();
    assert!(everywhere(&nodes, &client, &ticket, &find()).iter().all(Result::is_ok));
    let officer = client.log_in(Role::Officer, "officer-1");
    let mut other = client.on(&nodes[2]);
    let gone = Call::DeleteUser { role: Role::User, name: "user".to_owned() };
    assert_eq!(other.ask(Some(&officer), gone), Ok(Reply::Done));
    refused_everywhere(&nodes, &other, &ticket);
}

/// How many wrong PINs it takes until a user is locked out, tried on each node in turn.
fn wrong_pins_until_locked(nodes: &[Node]) -> usize {
    let mut client = Client::of(&nodes[0]);
    client.set_up();
    let wrong =
        |number: usize| Call::Login { role: Role::User, user: pin(Role::User, &format!("wrong-{number}")) };
    for tried in 1..100 {
        client = client.on(&nodes[tried % nodes.len()]);
        match client.ask(None, wrong(tried)) {
            Err(Error::PinIncorrect) => {}
            Err(Error::PinLocked) => {
                let right = || Call::Login { role: Role::User, user: pin(Role::User, "user-1234") };
                let told: Vec<_> = nodes.iter().map(|node| client.on(node).ask(None, right())).collect();
                assert_eq!(told, vec![Err(Error::PinLocked); nodes.len()], "the right one is too late");
                return tried;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("never locked");
}

#[test]
fn wrong_pins_spread_over_three_nodes_lock_after_as_many_as_on_one() {
    let three = wrong_pins_until_locked(&three(&Certificates::new()));
    assert_eq!(three, wrong_pins_until_locked(&[Node::new()]));
}

#[test]
fn a_create_tried_again_on_another_node_makes_one_key() {
    let (nodes, mut client, ticket) = set_up();
    let request =
        Request { ticket: Some(ticket.clone()), id: Some([7; 16]), seen: client.seen, call: aes_key(&[]) };
    let told: Vec<_> = nodes.iter().map(|node| client.on(node).exchange(&request)).collect();
    assert!(told[0].is_ok() && told.iter().all(|other| *other == told[0]), "{told:?}");
    let Ok(Reply::Found(found)) = client.ask(Some(&ticket), find()) else { panic!("nothing found") };
    assert_eq!(found.len(), 1);
    let other = Request { call: aes_key(&[(ck::CKA_PRIVATE, true)]), ..request };
    for node in &nodes {
        let told = client.on(node).exchange(&other);
        assert_eq!(told, Err(Error::ArgumentsBad), "its id brings nobody another's answer");
    }
}

/// The ciphertext, and what a derivation tells, are in the answer only: what was made with them is of no use to who has lost it.
#[test]
fn a_key_whose_answer_was_lost_with_more_than_the_key_is_made_anew_and_once() {
    let (mut nodes, mut client, ticket) = set_up();
    let mut public = Attributes::from_iter([(ck::CKA_TOKEN, true), (ck::CKA_ENCAPSULATE, true)]);
    public.set(ck::CKA_PARAMETER_SET, ck::CKP_ML_KEM_512);
    let private = Attributes::from_iter([(ck::CKA_TOKEN, true), (ck::CKA_DECAPSULATE, true)]);
    let pair = Call::MakePair { mechanism: mechanism(ck::CKM_ML_KEM_KEY_PAIR_GEN), public, private };
    let Ok(Reply::Pair(public, _)) = client.ask(Some(&ticket), pair) else { panic!("no pair") };
    let base = client.ask(Some(&ticket), aes_key(&[(ck::CKA_DERIVE, true)]));
    let Ok(Reply::Made(base)) = base else { panic!("{base:?}") };
    // One that may not be destroyed is taken back as well.
    let template = Attributes::from_iter([(ck::CKA_TOKEN, true), (ck::CKA_DESTROYABLE, false)]);
    let encapsulate = Call::Encapsulate {
        mechanism: mechanism(ck::CKM_ML_KEM),
        key: public.place,
        template: template.clone(),
    };
    let derive = Call::Derive {
        mechanism: mechanism(ck::CKM_SHA256_KEY_DERIVATION),
        keys: vec![base.place],
        templates: vec![template],
    };
    let requests = [(21, encapsulate), (22, derive)].map(|(id, call)| Request {
        ticket: Some(ticket.clone()),
        id: Some([id; 16]),
        seen: client.seen,
        call,
    });
    let first = requests.each_ref().map(|request| client.exchange(request).unwrap());
    // Who leads next has not answered before, but knows what was made.
    nodes[0].kill();
    let again = requests.each_ref().map(|request| {
        wait_for("another node leads", || match client.on(&nodes[1]).exchange(request) {
            Err(Error::DeviceRemoved) => None,
            answer => Some(answer.unwrap()),
        })
    });
    assert!(first[0] != again[0] && first[1] != again[1], "{again:?}");
    let mut kept = Attributes::new();
    kept.set(ck::CKA_DESTROYABLE, false);
    let found = client.on(&nodes[1]).ask(Some(&ticket), Call::Find { template: kept });
    let Ok(Reply::Found(found)) = found else { panic!("{found:?}") };
    assert_eq!(found.len(), 2);
}

#[test]
fn a_confirmation_can_not_be_used_on_two_nodes() {
    let (nodes, mut client, ticket) = set_up();
    let made = client.ask(Some(&ticket), ec_pair());
    let Ok(Reply::Pair(_, private)) = made else { panic!("{made:?}") };
    let asked = client.ask(Some(&ticket), Call::Confirm { password: b"user-1234"[..].into() });
    let Ok(Reply::Ticket { sealed: confirmed, .. }) = asked else { panic!("{asked:?}") };
    let sign = |id: Option<u8>, input: &[u8]| Request {
        ticket: Some(confirmed.clone()),
        id: id.map(|id| [id; 16]),
        seen: 0,
        call: run(Purpose::Sign, ck::CKM_ECDSA_SHA256, &private.place, input),
    };
    assert!(client.exchange(&sign(Some(1), b"pay 1")).is_ok());
    assert!(client.on(&nodes[1]).exchange(&sign(Some(1), b"pay 1")).is_ok(), "the same, tried again");
    for (id, input) in [(Some(2), b"pay 1"), (Some(3), b"pay 2"), (None, b"pay 1"), (None, b"pay 2")] {
        assert_eq!(client.on(&nodes[2]).exchange(&sign(id, input)), REFUSED, "another request");
    }
    let stolen = client.on(&nodes[2]).exchange(&sign(Some(1), b"pay 2"));
    assert_eq!(stolen, Err(Error::ArgumentsBad), "its id is another's");
}

#[test]
fn public_and_private_capsules_open_on_another_node() {
    let (nodes, mut client, ticket) = set_up();
    let Call::Make { origin, mut template } = aes_key(&[(ck::CKA_PRIVATE, true)]) else { panic!() };
    template.set(ck::CKA_TOKEN, false);
    let made = client.ask(Some(&ticket), Call::Make { origin, template });
    let Ok(Reply::Made(Made { place: private @ Place::Capsule(_), .. })) = made else { panic!("{made:?}") };
    let encrypt = run(Purpose::Encrypt, ck::CKM_AES_ECB, &private, &[0; 16]);
    let told = everywhere(&nodes, &client, &ticket, &encrypt);
    assert!(told[0].is_ok() && told.iter().all(|other| *other == told[0]), "{told:?}");

    let mut template = Attributes::from_iter([(ck::CKA_TOKEN, false), (ck::CKA_PRIVATE, false)]);
    template.set(ck::CKA_CLASS, ck::CKO_DATA);
    template.set(ck::CKA_VALUE, b"for all".as_slice());
    let made = client.ask(Some(&ticket), Call::Make { origin: Origin::Create, template });
    let Ok(Reply::Made(Made { place: public @ Place::Capsule(_), .. })) = made else { panic!("{made:?}") };
    for node in &nodes {
        let mut nobody = Client::of(node);
        let told = nobody.ask(None, Call::InfoOf { object: public.clone() });
        assert!(matches!(told, Ok(Reply::Object { .. })), "{told:?}");
        assert!(
            nobody.ask(None, encrypt.clone()).is_err(),
            "a private one opens beside its user's ticket only"
        );
    }
}

#[test]
fn more_forwarded_writers_than_consensus_has_threads_do_not_keep_it_from_applying() {
    let (nodes, client, ticket) = set_up();
    let barrier = std::sync::Barrier::new(2 * WRITERS);
    let (nodes, write) = (&nodes, &|node: &Node| {
        let mut client = client.on(node);
        barrier.wait();
        client.ask(Some(&ticket), aes_key(&[]))
    });
    std::thread::scope(|scope| {
        let all: Vec<_> =
            (0..2 * WRITERS).map(|number| scope.spawn(move || write(&nodes[1 + number % 2]))).collect();
        for writer in all {
            let made = writer.join().unwrap();
            assert!(matches!(made, Ok(Reply::Made(_))), "{made:?}");
        }
    });
}
