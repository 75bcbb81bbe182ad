//! A client that speaks with one node, message by message.

use super::{Node, PATIENCE};
use cloister::attribute::{Attributes, Bytes};
use cloister::error::Error;
use cloister::mechanism::{Mechanism, Params, Purpose, registry};
use cloister::pin::{Credentials, Role};
use cloister::proto::frame;
use cloister::proto::message::{Answer, Call, Chosen, Origin, Place, Reply, Request};
use cryptoki_sys as ck;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

pub fn credentials(role: Role, pin: &str) -> Credentials {
    Credentials::from_pin(role, pin.as_bytes())
}

/// Sends one request and takes its answer.
pub fn exchange(stream: &mut (impl Read + Write), request: &Request) -> Answer {
    let message = request.encode().unwrap();
    frame::write(stream, frame::header(&message).unwrap(), &message).unwrap();
    Answer::decode(&frame::read(stream).unwrap()).unwrap()
}

pub struct Client {
    pub stream: UnixStream,
    /// The highest log index that an answer has told.
    pub seen: u64,
}

impl Client {
    pub fn of(node: &Node) -> Client {
        let stream = UnixStream::connect(node.path()).unwrap();
        // Only a test that fails waits so long.
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream, seen: 0 }
    }

    pub fn ask(&mut self, ticket: Option<&Bytes>, call: Call) -> Result<Reply, Error> {
        self.ask_as(ticket, None, call)
    }

    pub fn ask_as(
        &mut self,
        ticket: Option<&Bytes>,
        id: Option<[u8; 16]>,
        call: Call,
    ) -> Result<Reply, Error> {
        let request = Request { ticket: ticket.cloned(), id, seen: self.seen, call };
        self.exchange(&request)
    }

    /// Sends just this request.
    pub fn exchange(&mut self, request: &Request) -> Result<Reply, Error> {
        let answer = exchange(&mut self.stream, request);
        self.seen = self.seen.max(answer.seen);
        answer.result
    }

    /// One of another node, who has seen what this one has.
    pub fn on(&self, node: &Node) -> Client {
        Client { seen: self.seen, ..Client::of(node) }
    }

    pub fn log_in(&mut self, role: Role, pin: &str) -> Bytes {
        let user = (&credentials(role, pin)).into();
        let Ok(Reply::Ticket { sealed: ticket, .. }) = self.ask(None, Call::Login { role, user }) else {
            panic!("no ticket")
        };
        ticket
    }

    /// A token with its user, who is logged in.
    pub fn set_up(&mut self) -> Bytes {
        let officer = (&credentials(Role::Officer, "officer-1")).into();
        let made = self.ask(None, Call::Initialize { officer, label: "test".to_owned() });
        assert_eq!(made, Ok(Reply::Done));
        let officer = self.log_in(Role::Officer, "officer-1");
        let user = (&credentials(Role::User, "user-1234")).into();
        assert_eq!(self.ask(Some(&officer), Call::InitPin { user }), Ok(Reply::Done));
        self.log_in(Role::User, "user-1234")
    }

    /// Whether the node has closed the connection.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]), Ok(0) | Err(_))
    }
}

pub fn aes_key(more: &[(u64, bool)]) -> Call {
    let mut template = Attributes::from_iter([(ck::CKA_TOKEN, true)]);
    template.set(ck::CKA_VALUE_LEN, 32u64);
    more.iter().for_each(|(kind, value)| template.set(*kind, *value));
    let origin = Origin::Generate(mechanism(ck::CKM_AES_KEY_GEN));
    Call::Make { origin, template }
}

/// A mechanism that takes no parameter.
pub fn mechanism(number: u64) -> Chosen {
    let row = registry::find(number).unwrap();
    (&Mechanism { row, params: Params::None }).into()
}

/// A whole operation.
pub fn run(purpose: Purpose, number: u64, key: &Place, input: &[u8]) -> Call {
    Call::Run {
        purpose,
        mechanism: mechanism(number),
        key: key.clone(),
        input: input.into(),
        signature: None,
    }
}

/// A P-256 pair, whose private key wants its PIN for each use.
pub fn ec_pair() -> Call {
    let mut public = Attributes::new();
    public.set(ck::CKA_EC_PARAMS, [6u8, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7].as_slice());
    let private = Attributes::from_iter([(ck::CKA_ALWAYS_AUTHENTICATE, true)]);
    Call::MakePair { mechanism: mechanism(ck::CKM_EC_KEY_PAIR_GEN), public, private }
}
