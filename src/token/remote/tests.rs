//! What a token on nodes asks, and what it need not ask.

use super::*;
use crate::attribute::Attributes;
use crate::config::NodeAddress;
use crate::mechanism::{Mechanism, Params, Purpose, registry};
use crate::pin::{Credentials, Role};
use crate::proto::frame;
use crate::proto::message::{Answer, Changed, Place, Request};
use crate::token::{Begun, ObjectId, ObjectInfo, Operation, Ticket, Token};
use cryptoki_sys as ck;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;

const KEY: ObjectId = ObjectId([1; 16]);
const OTHER: ObjectId = ObjectId([2; 16]);

/// So long that a test which waits for it never ends.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// A node with one secret key, as far as it is asked here.
#[derive(Default)]
struct Fake {
    asked: Mutex<Vec<Request>>,
    /// The log: which object each entry has changed.
    log: Mutex<Vec<ObjectId>>,
    /// Seconds that logins are good for.
    lifetime: u64,
    /// What it answers instead of anything else.
    refusal: Mutex<Option<Error>>,
}

impl Fake {
    fn serve(&self, mut stream: UnixStream) {
        while let Ok(message) = frame::read(&mut stream) {
            let request = Request::decode(&message).unwrap();
            let log = self.log.lock().unwrap().clone();
            let changed = Changed::Only(log[request.seen as usize..].to_vec());
            let result = self.refusal.lock().unwrap().map_or_else(|| self.reply(&request), Err);
            self.asked.lock().unwrap().push(request);
            let answer = Answer { seen: log.len() as u64, changed, result }.encode();
            frame::write(&mut stream, frame::header(&answer).unwrap(), &answer).unwrap();
        }
    }

    fn reply(&self, request: &Request) -> Result<Reply> {
        match &request.call {
            Call::Login { .. } => {
                Ok(Reply::Ticket { sealed: b"login".as_slice().into(), lifetime: self.lifetime })
            }
            Call::Renew => Ok(Reply::Ticket { sealed: b"renewed".as_slice().into(), lifetime: 1 << 32 }),
            Call::Confirm { .. } => Ok(Reply::Ticket { sealed: b"once".as_slice().into(), lifetime: 0 }),
            Call::InfoOf { object } => {
                Ok(Reply::Object { info: key(*object == Place::Stored(OTHER)), may_keep: false })
            }
            Call::Run { .. } => Ok(Reply::Bytes(vec![7; 16].into())),
            Call::Holds => Ok(Reply::Flag(true)),
            other => panic!("{other:?}"),
        }
    }

    /// What has been asked since this was asked last: names of calls.
    fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        let name = |request: &Request| {
            format!("{:?}", request.call).chars().take_while(|c| c.is_alphabetic()).collect()
        };
        asked.iter().map(name).collect()
    }

    fn tickets(&self) -> Vec<Option<Bytes>> {
        std::mem::take(&mut *self.asked.lock().unwrap()).into_iter().map(|request| request.ticket).collect()
    }

    /// Others change an object.
    fn change(&self, id: ObjectId) {
        self.log.lock().unwrap().push(id);
    }
}

/// An AES key; `always`: it wants its PIN each time.
fn key(always: bool) -> ObjectInfo {
    let mut attributes = Attributes::from_iter([(ck::CKA_CLASS, ck::CKO_SECRET_KEY)]);
    attributes.set(ck::CKA_KEY_TYPE, ck::CKK_AES);
    attributes.set(ck::CKA_VALUE_LEN, 16u64);
    attributes.set(ck::CKA_ENCRYPT, true);
    attributes.set(ck::CKA_ALWAYS_AUTHENTICATE, always);
    ObjectInfo { id: if always { OTHER } else { KEY }, attributes }
}

/// A token on one node, and a user logged in.
struct Fixture {
    _folder: TempDir,
    fake: Arc<Fake>,
    token: RemoteToken,
    ticket: Arc<dyn Ticket>,
}

fn fixture(lifetime: u64) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node");
    let listener = UnixListener::bind(&path).unwrap();
    let fake = Arc::new(Fake { lifetime, ..Fake::default() });
    fake.change(KEY);
    let node = fake.clone();
    std::thread::spawn(move || listener.incoming().for_each(|stream| node.serve(stream.unwrap())));
    let token = RemoteToken::new(ClusterSettings {
        nodes: vec![NodeAddress::Unix(path)],
        tls: None,
        connect_timeout: LONG,
        probe: LONG,
        request_timeout: LONG,
        retry: Duration::ZERO,
    });
    let user = Credentials::from_pin(Role::User, b"user-1234");
    let ticket = token.login(Role::User, &user).unwrap();
    fake.asked();
    Fixture { _folder: folder, fake, token, ticket }
}

impl Fixture {
    /// `C_EncryptInit`.
    fn begin(&self) -> Result<Operation> {
        self.begin_with(&self.ticket, KEY)
    }

    fn begin_with(&self, ticket: &Arc<dyn Ticket>, key: ObjectId) -> Result<Operation> {
        let mechanism = Mechanism { row: registry::find(ck::CKM_AES_ECB).unwrap(), params: Params::None };
        let begun = self.token.begin(Some(ticket), Purpose::Encrypt, &mechanism, &ObjectRef::Stored(key));
        match begun? {
            Begun::Ready(operation, _) => Ok(operation),
            Begun::PinFirst => panic!("a PIN is wanted"),
        }
    }

    fn encrypt(&self) -> Result<()> {
        whole(self.begin()?)
    }
}

/// `C_Encrypt`.
fn whole(operation: Operation) -> Result<()> {
    let Operation::Cipher(mut cipher) = operation else { panic!("no cipher") };
    cipher.whole(&[0; 16], &mut [0; 16]).map(|_| ())
}

#[test]
fn an_operation_with_a_known_key_is_one_round_trip_although_others_write() {
    let it = fixture(1 << 32);
    it.encrypt().unwrap();
    assert_eq!(it.fake.asked(), ["InfoOf", "Run"]);
    for _ in 0..3 {
        it.fake.change(OTHER);
        it.encrypt().unwrap();
        assert_eq!(it.fake.asked(), ["Run"]);
    }
}

#[test]
fn a_key_that_was_changed_is_asked_for_again_once_an_answer_has_told_of_it() {
    let it = fixture(1 << 32);
    it.encrypt().unwrap();
    it.fake.change(KEY);
    it.encrypt().unwrap();
    assert_eq!(it.fake.asked(), ["InfoOf", "Run", "Run"]);
    it.encrypt().unwrap();
    assert_eq!(it.fake.asked(), ["InfoOf", "Run"]);
}

#[test]
fn a_key_that_was_destroyed_is_refused_when_an_operation_begins_once_an_answer_has_told_of_it() {
    let it = fixture(1 << 32);
    it.encrypt().unwrap();
    it.fake.change(KEY);
    *it.fake.refusal.lock().unwrap() = Some(Error::ObjectHandleInvalid);
    assert!(it.token.size_of(Some(&it.ticket), &ObjectRef::Stored(OTHER)).is_err());
    assert_eq!(it.begin().err(), Some(Error::KeyHandleInvalid));
}

#[test]
fn a_key_that_a_node_refuses_is_no_longer_believed_to_be_fit() {
    let it = fixture(1 << 32);
    it.encrypt().unwrap();
    *it.fake.refusal.lock().unwrap() = Some(Error::KeyFunctionNotPermitted);
    assert_eq!(it.encrypt(), Err(Error::KeyFunctionNotPermitted));
    it.fake.asked();
    *it.fake.refusal.lock().unwrap() = None;
    it.encrypt().unwrap();
    assert_eq!(it.fake.asked(), ["InfoOf", "Run"]);
}

#[test]
fn a_login_half_over_is_renewed_before_it_is_used() {
    let it = fixture(0);
    for _ in 0..2 {
        assert!(it.token.holds(&it.ticket));
    }
    let sealed = |text: &str| Some(Bytes::from(text.as_bytes()));
    assert_eq!(it.fake.tickets(), [sealed("login"), sealed("renewed"), sealed("renewed")]);
}

#[test]
fn a_login_that_can_not_be_renewed_goes_on() {
    let it = fixture(0);
    *it.fake.refusal.lock().unwrap() = Some(Error::DeviceRemoved);
    assert!(it.token.holds(&it.ticket));
    *it.fake.refusal.lock().unwrap() = None;
    it.encrypt().unwrap();
    let login = Some(Bytes::from(b"login".as_slice()));
    assert!(it.fake.tickets().into_iter().all(|ticket| ticket == login));
}

#[test]
fn what_changes_something_and_what_uses_up_a_confirmation_is_numbered() {
    let it = fixture(1 << 32);
    it.encrypt().unwrap();
    let confirmed = it.token.confirm(&it.ticket, b"user-1234").unwrap();
    whole(it.begin_with(&confirmed, OTHER).unwrap()).unwrap();
    let asked = std::mem::take(&mut *it.fake.asked.lock().unwrap());
    let numbered: Vec<bool> = asked.iter().map(|request| request.id.is_some()).collect();
    // InfoOf, Run; Confirm; InfoOf, Run.
    assert_eq!(numbered, [false, false, true, false, true]);
}

#[test]
fn a_confirmation_is_not_renewed() {
    let it = fixture(1 << 32);
    let confirmed = it.token.confirm(&it.ticket, b"user-1234").unwrap();
    it.fake.asked();
    assert!(it.token.holds(&confirmed));
    assert_eq!(it.fake.tickets(), [Some(Bytes::from(b"once".as_slice()))]);
}
