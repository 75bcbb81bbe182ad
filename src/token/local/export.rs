//! What a node hands out so that it need not remember it: logins as tickets, session objects as capsules.
//!
//! Both are sealed (AES-256-GCM) and opened again with each request that brings them, by any node of the cluster. A ticket is sealed under
//! the cluster key, which only nodes hold: it contains the token key. A private session object is sealed under the token key, so it opens
//! only beside a ticket; a public one under the cluster key, so it outlives a logout as the standard has it.

use super::LocalToken;
use super::object::LocalObject;
use super::objects::local;
use super::ticket::{Identity, LocalTicket, ticket_of};
use crate::attribute::{Attributes, Bytes};
use crate::codec::Codec;
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use crate::pin::Role;
use crate::store::TokenKey;
use crate::store::keys::derive;
use crate::store::seal::{self, Secret};
use crate::token::{Caller, HeldObject, ObjectId, ObjectRef, Ticket};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Version 1 of the claims in a ticket.
const TICKETS: Codec = Codec::new(1, 4096);
/// Version 1 of the objects in capsules.
const CAPSULES: Codec = Codec::new(1, 16 << 20);

/// The key that the nodes of one cluster share, in the two halves it is used in.
pub struct ClusterKey {
    tickets: Secret,
    capsules: Secret,
}

impl ClusterKey {
    /// From 256 random bits.
    pub fn new(master: &Zeroizing<[u8; 32]>) -> Result<Self> {
        let half = |label| derive(master, label).map_err(unexpected);
        Ok(ClusterKey { tickets: half("cloister 1 tickets")?, capsules: half("cloister 1 open capsules")? })
    }
}

/// A login as it travels.
#[derive(Serialize, Deserialize)]
struct Claims {
    name: String,
    role: Role,
    number: i64,
    epoch: u64,
    /// Serial number of the token.
    token: String,
    key: Bytes,
    /// Seconds since 1970.
    expiry: u64,
    nonce: [u8; 16],
    confirmed: bool,
}

/// A session object as it travels.
#[derive(Serialize, Deserialize)]
struct Content {
    id: ObjectId,
    owner: Option<i64>,
    attributes: Attributes,
}

/// A ticket opened.
pub struct Opened {
    /// As [`crate::token::Token`] takes it.
    pub ticket: Arc<dyn Ticket>,
    /// Seconds since 1970 from which on it is void.
    pub expiry: u64,
    /// If it is good for one operation with a key that asks for the PIN each time: its own random number, to be remembered until the expiry
    /// by those who let it be used.
    pub confirmed: Option<[u8; 16]>,
}

impl Opened {
    /// Takes the confirmation away: it has been used before.
    pub fn spend(&self) -> Result<()> {
        ticket_of(&self.ticket)?.take_confirmation();
        Ok(())
    }
}

impl LocalToken {
    /// How far this token's records have come: it moves with each change. 0 while that can't be told.
    pub fn seen(&self) -> u64 {
        self.store().ok().and_then(|store| store.counter()).unwrap_or(0)
    }

    /// Seals a login. `expiry`: seconds since 1970 from which on it is void.
    pub fn export_ticket(
        &self,
        ticket: &Arc<dyn Ticket>,
        cluster: &ClusterKey,
        expiry: u64,
    ) -> Result<Bytes> {
        let ticket = ticket_of(ticket)?;
        let claims = Claims {
            name: ticket.name.clone(),
            role: ticket.role,
            number: ticket.number,
            epoch: ticket.epoch,
            token: ticket.serial.clone(),
            key: ticket.key.master()[..].into(),
            expiry,
            nonce: seal::random().map_err(unexpected)?,
            confirmed: ticket.is_confirmed(),
        };
        let claims = TICKETS.encode(&claims).map_err(|_| Error::FunctionFailed)?;
        let sealed = seal::seal(&cluster.tickets, b"cloister 1 ticket", &claims).map_err(unexpected)?;
        Ok(sealed.into())
    }

    /// Opens a login. One that was altered, that another cluster sealed, that is void at `now` (seconds since 1970), or whose user has gone
    /// or changed its PIN since, is `UserNotLoggedIn`.
    pub fn import_ticket(&self, sealed: &[u8], cluster: &ClusterKey, now: u64) -> Result<Opened> {
        let refused = Error::UserNotLoggedIn;
        let claims = seal::open(&cluster.tickets, b"cloister 1 ticket", sealed).ok_or(refused)?;
        let claims: Claims = TICKETS.decode(&claims).ok_or(refused)?;
        let key: &[u8; 32] = (*claims.key).try_into().map_err(|_| refused)?;
        if now >= claims.expiry {
            return Err(refused);
        }
        let store = self.store()?;
        let key = TokenKey::new(&Zeroizing::new(*key), &claims.token).map_err(unexpected)?;
        let Claims { name, role, number, epoch, token, expiry, nonce, confirmed, .. } = claims;
        let user = Identity { name, role, number, epoch };
        let ticket = LocalTicket::new(user, key, (&self.store, &store), token, confirmed);
        ticket.check(&store)?;
        Ok(Opened { ticket: Arc::new(ticket), expiry, confirmed: confirmed.then_some(nonce) })
    }

    /// Seals a session object for its caller to keep.
    pub fn export_object(
        &self,
        caller: Caller<'_>,
        held: &Arc<dyn HeldObject>,
        cluster: &ClusterKey,
    ) -> Result<Bytes> {
        let object = local(held)?;
        let content = Content { id: object.id, owner: object.owner, attributes: object.all()? };
        let encoded = CAPSULES.encode(&content).map_err(|_| Error::DeviceMemory)?;
        let kind = Kind::of(object.owner);
        let serial = self.store()?.meta()?.serial;
        let sealed = seal::seal(kind.key(caller, cluster)?, &kind.bind(&serial), &encoded);
        let mut capsule = vec![kind as u8];
        capsule.extend_from_slice(&sealed.map_err(unexpected)?);
        Ok(capsule.into())
    }

    /// Opens a session object. A capsule that was altered, or is of another token or cluster, or private and brought without its user's
    /// ticket, is `ObjectHandleInvalid`.
    pub fn import_object(
        &self,
        caller: Caller<'_>,
        capsule: &[u8],
        cluster: &ClusterKey,
    ) -> Result<ObjectRef> {
        let refused = Error::ObjectHandleInvalid;
        let (kind, sealed) = capsule.split_first().ok_or(refused)?;
        let kind = Kind::from_byte(*kind).ok_or(refused)?;
        let serial = self.store()?.meta()?.serial;
        let key = kind.key(caller, cluster).map_err(|_| refused)?;
        let encoded = seal::open(key, &kind.bind(&serial), sealed).ok_or(refused)?;
        let Content { id, owner, attributes } = CAPSULES.decode(&encoded).ok_or(refused)?;
        Ok(ObjectRef::Held(Arc::new(LocalObject::from_attributes(id, owner, 0, attributes))))
    }
}

/// Which key a capsule is sealed under.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    /// The cluster's.
    Public = 0,
    /// The token's.
    Private = 1,
}

impl Kind {
    fn of(owner: Option<i64>) -> Kind {
        if owner.is_some() { Kind::Private } else { Kind::Public }
    }

    fn from_byte(byte: u8) -> Option<Kind> {
        [Kind::Public, Kind::Private].into_iter().find(|kind| *kind as u8 == byte)
    }

    fn key<'a>(self, caller: Caller<'a>, cluster: &'a ClusterKey) -> Result<&'a Secret> {
        match (self, caller) {
            (Kind::Public, _) => Ok(&cluster.capsules),
            (Kind::Private, Some(ticket)) => Ok(ticket_of(ticket)?.key.capsules()),
            (Kind::Private, None) => Err(Error::UserNotLoggedIn),
        }
    }

    /// Associated data of the seal: the token, and that a public object is one.
    fn bind(self, serial: &str) -> Vec<u8> {
        seal::frame(&[b"cloister 1 capsule", serial.as_bytes(), &[self as u8]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TokenSettings;
    use crate::pin::Credentials;
    use crate::token::{Making, Token};
    use cryptoki_sys as ck;
    use tempfile::TempDir;

    const NOW: u64 = 1_000_000;

    fn user(password: &str) -> Credentials {
        Credentials::from_pin(Role::User, password.as_bytes())
    }

    fn cluster(byte: u8) -> ClusterKey {
        ClusterKey::new(&Zeroizing::new([byte; 32])).unwrap()
    }

    struct Fixture {
        _folder: TempDir,
        token: LocalToken,
        cluster: ClusterKey,
        officer: Arc<dyn Ticket>,
    }

    impl Fixture {
        fn new() -> Fixture {
            let folder = tempfile::tempdir().unwrap();
            let cheap = TokenSettings { argon2_memory_kib: 8, argon2_passes: 1, ..TokenSettings::default() };
            let token = LocalToken::new(folder.path().to_owned(), cheap);
            let pin = Credentials::from_pin(Role::Officer, b"officer-pin");
            token.initialize(&pin, "test").unwrap();
            let officer = token.login(Role::Officer, &pin).unwrap();
            token.init_pin(Some(&officer), &user("user-pin")).unwrap();
            token.init_pin(Some(&officer), &user("other:other-pin")).unwrap();
            Fixture { _folder: folder, token, cluster: cluster(1), officer }
        }

        fn ticket(&self) -> Arc<dyn Ticket> {
            self.token.login(Role::User, &user("user-pin")).unwrap()
        }

        fn sealed(&self) -> Bytes {
            self.token.export_ticket(&self.ticket(), &self.cluster, NOW + 60).unwrap()
        }

        fn refusal(&self, sealed: &[u8], now: u64) -> Option<Error> {
            self.token.import_ticket(sealed, &self.cluster, now).err()
        }

        /// A session object of `ticket`'s user, in its capsule.
        fn capsule(&self, ticket: Caller<'_>, private: bool) -> Bytes {
            let mut template = Attributes::from_iter([(ck::CKA_CLASS, ck::CKO_DATA)]);
            template.set(ck::CKA_PRIVATE, private);
            template.set(ck::CKA_VALUE, b"the content".as_slice());
            let made = self.token.make(ticket, Making::Create, &template).unwrap();
            let ObjectRef::Held(held) = made else { panic!("not a session object") };
            self.token.export_object(ticket, &held, &self.cluster).unwrap()
        }
    }

    #[test]
    fn a_ticket_opens_to_the_same_login() {
        let it = Fixture::new();
        let opened = it.token.import_ticket(&it.sealed(), &it.cluster, NOW).unwrap();
        assert_eq!((opened.ticket.user(), opened.ticket.role()), ("user", Role::User));
        assert_eq!((opened.expiry, opened.confirmed), (NOW + 60, None));
        let mut template = Attributes::from_iter([(ck::CKA_CLASS, ck::CKO_DATA)]);
        template.set(ck::CKA_TOKEN, true);
        template.set(ck::CKA_PRIVATE, true);
        it.token.make(Some(&opened.ticket), Making::Create, &template).unwrap();
        assert_eq!(it.token.find(Some(&it.ticket()), &Attributes::new()).map(|found| found.len()), Ok(1));
    }

    #[test]
    fn a_ticket_altered_by_one_bit_is_refused() {
        let it = Fixture::new();
        let sealed = it.sealed();
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(it.refusal(&altered, NOW), Some(Error::UserNotLoggedIn), "bit {bit}");
        }
        assert_eq!(it.refusal(&sealed[..sealed.len() - 1], NOW), Some(Error::UserNotLoggedIn));
        assert_eq!(it.refusal(&[], NOW), Some(Error::UserNotLoggedIn));
    }

    #[test]
    fn a_ticket_of_another_cluster_or_token_is_refused() {
        let (it, other) = (Fixture::new(), Fixture::new());
        let foreign = it.token.export_ticket(&it.ticket(), &cluster(2), NOW + 60).unwrap();
        assert_eq!(it.refusal(&foreign, NOW), Some(Error::UserNotLoggedIn));
        assert_eq!(it.refusal(&other.sealed(), NOW), Some(Error::UserNotLoggedIn));
    }

    #[test]
    fn an_expired_ticket_is_refused() {
        let it = Fixture::new();
        let sealed = it.sealed();
        assert_eq!(it.refusal(&sealed, NOW + 59), None);
        assert_eq!(it.refusal(&sealed, NOW + 60), Some(Error::UserNotLoggedIn));
    }

    #[test]
    fn a_ticket_from_before_a_change_of_the_pin_is_refused() {
        let it = Fixture::new();
        let sealed = it.sealed();
        it.token.set_pin(Role::User, &user("user-pin"), b"second-pin").unwrap();
        assert_eq!(it.refusal(&sealed, NOW), Some(Error::UserNotLoggedIn));
        let gone = {
            let ticket = it.token.login(Role::User, &user("other:other-pin")).unwrap();
            it.token.export_ticket(&ticket, &it.cluster, NOW + 60).unwrap()
        };
        it.token.delete_user(Some(&it.officer), Role::User, "other").unwrap();
        assert_eq!(it.refusal(&gone, NOW), Some(Error::UserNotLoggedIn));
    }

    #[test]
    fn a_confirmation_travels_with_a_number_of_its_own() {
        let it = Fixture::new();
        let confirmed = it.token.confirm(&it.ticket(), b"user-pin").unwrap();
        let number = || {
            let sealed = it.token.export_ticket(&confirmed, &it.cluster, NOW + 60).unwrap();
            it.token.import_ticket(&sealed, &it.cluster, NOW).unwrap().confirmed.unwrap()
        };
        assert_ne!(number(), number());
    }

    #[test]
    fn what_was_opened_for_one_client_stays_closed_for_one_who_has_not_logged_in() {
        let it = Fixture::new();
        let ticket = it.ticket();
        let mut template = Attributes::from_iter([(ck::CKA_CLASS, ck::CKO_SECRET_KEY)]);
        template.set(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET);
        template.set(ck::CKA_VALUE, b"the content".as_slice());
        for (kind, value) in [
            (ck::CKA_TOKEN, true),
            (ck::CKA_PRIVATE, false),
            (ck::CKA_SENSITIVE, false),
            (ck::CKA_EXTRACTABLE, true),
        ] {
            template.set(kind, value);
        }
        let key = it.token.make(Some(&ticket), Making::Create, &template).unwrap();
        let reveal = |caller: Caller<'_>| it.token.reveal(caller, &key, &[ck::CKA_VALUE]);
        let closed = reveal(None).err();
        assert!(closed.is_some());
        assert_eq!(reveal(Some(&ticket)).unwrap().bytes(ck::CKA_VALUE), Some(&b"the content"[..]));
        assert_eq!(reveal(None).err(), closed);
    }

    #[test]
    fn a_capsule_opens_to_the_same_object() {
        let it = Fixture::new();
        let ticket = it.ticket();
        for private in [true, false] {
            let capsule = it.capsule(Some(&ticket), private);
            assert!(!capsule.windows(11).any(|window| window == b"the content"));
            let object = it.token.import_object(Some(&ticket), &capsule, &it.cluster).unwrap();
            let info = it.token.info_of(Some(&ticket), &object).unwrap();
            assert_eq!(info.attributes.bytes(ck::CKA_VALUE), Some(&b"the content"[..]));
        }
    }

    #[test]
    fn a_public_capsule_outlives_the_logout_and_a_private_one_does_not() {
        let it = Fixture::new();
        let ticket = it.ticket();
        let open = |private| it.token.import_object(None, &it.capsule(Some(&ticket), private), &it.cluster);
        assert!(open(false).is_ok());
        assert_eq!(open(true).err(), Some(Error::ObjectHandleInvalid));
    }

    #[test]
    fn a_capsule_altered_by_one_bit_is_refused() {
        let it = Fixture::new();
        let ticket = it.ticket();
        for private in [true, false] {
            let capsule = it.capsule(Some(&ticket), private);
            for bit in 0..capsule.len() * 8 {
                let mut altered = capsule.clone();
                altered[bit / 8] ^= 1 << (bit % 8);
                let opened = it.token.import_object(Some(&ticket), &altered, &it.cluster);
                assert_eq!(opened.err(), Some(Error::ObjectHandleInvalid), "bit {bit}");
            }
        }
    }

    #[test]
    fn a_capsule_of_another_cluster_or_token_is_refused_and_anothers_can_not_be_seen() {
        let (it, strange) = (Fixture::new(), Fixture::new());
        let (ticket, stranger) = (it.ticket(), strange.ticket());
        let refused = Some(Error::ObjectHandleInvalid);
        for private in [true, false] {
            let foreign = strange.capsule(Some(&stranger), private);
            assert_eq!(it.token.import_object(Some(&ticket), &foreign, &it.cluster).err(), refused);
        }
        let public = it.capsule(Some(&ticket), false);
        assert_eq!(it.token.import_object(Some(&ticket), &public, &cluster(2)).err(), refused);
        let other = it.token.login(Role::User, &user("other:other-pin")).unwrap();
        let capsule = it.capsule(Some(&ticket), true);
        let object = it.token.import_object(Some(&other), &capsule, &it.cluster).unwrap();
        assert_eq!(it.token.info_of(Some(&other), &object).err(), refused);
    }
}
