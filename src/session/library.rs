//! The library between `C_Initialize` and `C_Finalize`.

use super::by_handle::ByHandle;
use super::slots::{self, Slots};
use super::{Handle, Session, Slot};
use crate::apart::Apart;
use crate::config::Config;
use crate::crypto;
use crate::error::{Error, Result};
use parking_lot::RwLock;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Session handles are never used again in a process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The session table is split so that threads with sessions of their own don't meet at one lock.
const SHARDS: usize = 16;

/// No two libraries of a process have the same number.
static LIBRARIES: AtomicU64 = AtomicU64::new(1);

/// All that one process holds open.
pub struct Library {
    number: u64,
    config: Config,
    slots: RwLock<Slots>,
    sessions: [Apart<RwLock<ByHandle<Arc<Session>>>>; SHARDS],
}

impl Library {
    /// Looks at the slots; opens no token yet.
    pub fn new(config: Config) -> Result<Library> {
        let mut slots = Slots::new();
        slots::look(&config, &mut slots);
        let number = LIBRARIES.fetch_add(1, Ordering::Relaxed);
        Ok(Library { number, config, slots: RwLock::new(slots), sessions: Default::default() })
    }

    /// `C_Finalize`: ends all sessions and logins. Threads still at work in one finish their step first; what comes
    /// after is `SessionHandleInvalid`.
    pub fn close(&self) {
        for slot in self.all_slots() {
            self.forget(&slot.end());
        }
        crypto::forget_drawn();
    }

    /// Before a fork; see `Token::pause`.
    pub fn pause(&self) -> Box<dyn Any> {
        let paused: Vec<_> = self.all_slots().iter().map(|slot| slot.token().pause()).collect();
        Box::new(paused)
    }

    /// The ids of all slots, in ascending order; there is a token in each. `look_again`: whether new slots may appear
    /// (`C_GetSlotList` with a NULL list).
    pub fn slots(&self, look_again: bool) -> Vec<u64> {
        if look_again {
            slots::look(&self.config, &mut self.slots.write());
        }
        self.slots.read().keys().copied().collect()
    }

    /// One slot, or `SlotIdInvalid`.
    pub fn slot(&self, id: u64) -> Result<Arc<Slot>> {
        self.slots.read().get(&id).cloned().ok_or(Error::SlotIdInvalid)
    }

    /// `C_OpenSession`.
    pub fn open_session(&self, slot: u64, read_write: bool) -> Result<Handle> {
        let handle = NEXT.fetch_add(1, Ordering::Relaxed);
        let session = self.slot(slot)?.open(handle, read_write)?;
        self.shard(handle).write().insert(handle, session);
        Ok(handle)
    }

    /// `C_CloseSession`.
    pub fn close_session(&self, session: Handle) -> Result<()> {
        let closed = self.shard(session).write().remove(&session).ok_or(Error::SessionHandleInvalid)?;
        closed.slot.close(session);
        Ok(())
    }

    /// `C_CloseAllSessions`.
    pub fn close_all_sessions(&self, slot: u64) -> Result<()> {
        self.forget(&self.slot(slot)?.close_all());
        Ok(())
    }

    /// The session behind a handle, or `SessionHandleInvalid`.
    pub fn session(&self, session: Handle) -> Result<Arc<Session>> {
        self.shard(session).read().get(&session).cloned().ok_or(Error::SessionHandleInvalid)
    }

    /// No other library of this process has or had this number; not 0.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether nobody is at work in any session at this moment: for who sees to it that nobody begins. Waits for no lock; `false` in doubt.
    pub fn is_at_rest(&self) -> bool {
        self.slots.try_read().is_some_and(|slots| slots.values().all(|slot| slot.is_at_rest()))
    }

    fn all_slots(&self) -> Vec<Arc<Slot>> {
        self.slots.read().values().cloned().collect()
    }

    fn forget(&self, sessions: &[Handle]) {
        for session in sessions {
            self.shard(*session).write().remove(session);
        }
    }

    fn shard(&self, session: Handle) -> &RwLock<ByHandle<Arc<Session>>> {
        &self.sessions[(session % SHARDS as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Attributes, Value};
    use crate::config::TokenSettings;
    use crate::mechanism::{Mechanism, Params, Purpose, registry};
    use crate::output::Output;
    use crate::session::UserType;
    use crate::token::{Found, ObjectRef};
    use cryptoki_sys as ck;

    /// Slots in a folder, and a PIN check that costs next to nothing.
    fn library(folder: &std::path::Path) -> Library {
        let token = TokenSettings { argon2_memory_kib: 8, argon2_passes: 1, ..TokenSettings::default() };
        Library::new(Config { token, ..Config::with_data_dir(folder.to_owned()) }).unwrap()
    }

    #[test]
    fn opening_a_session_reads_no_user() {
        let folder = tempfile::tempdir().unwrap();
        let library = library(folder.path());
        assert_eq!(library.open_session(0, true), Err(Error::TokenNotRecognized));
        library.slot(0).unwrap().init_token(b"officer-pin", "test").unwrap();
        let file = folder.path().join("slots/0/token.db");
        let damage = "UPDATE user SET argon2_memory = 4294967295";
        assert_eq!(rusqlite::Connection::open(file).unwrap().execute(damage, ()), Ok(1));
        assert_eq!(library.slot(0).unwrap().token_info(), Err(Error::DeviceError));
        library.open_session(0, true).unwrap();
    }

    fn mechanism(id: u64) -> Mechanism {
        Mechanism { row: registry::find(id).unwrap(), params: Params::None }
    }

    /// Signs with a new key in two sessions; the sessions and the key.
    fn two_that_have_signed(library: &Library) -> ([Arc<Session>; 2], Handle) {
        library.slot(0).unwrap().init_token(b"officer-pin", "test").unwrap();
        let open = || library.session(library.open_session(0, true).unwrap()).unwrap();
        let sessions = [open(), open()];
        sessions[0].login(UserType::Officer, b"officer-pin").unwrap();
        sessions[0].init_pin(b"user-pin").unwrap();
        sessions[0].logout().unwrap();
        sessions[0].login(UserType::User, b"user-pin").unwrap();
        let mut template = Attributes::new();
        template.set(ck::CKA_TOKEN, true);
        template.set(ck::CKA_SIGN, true);
        template.set(ck::CKA_VALUE_LEN, 32u64);
        let generation = mechanism(ck::CKM_GENERIC_SECRET_KEY_GEN);
        let key = sessions[0].turn().unwrap().generate_key(&generation, &template.into()).unwrap();
        let hmac = mechanism(ck::CKM_SHA256_HMAC);
        for session in &sessions {
            session.turn().unwrap().begin(Purpose::Sign, &hmac, Some(key)).unwrap();
            let (mut mac, mut length) = ([0; 32], 32);
            session
                .turn()
                .unwrap()
                .whole(Purpose::Sign, b"data", Output::new(Some(&mut mac), &mut length))
                .unwrap();
        }
        (sessions, key)
    }

    /// How many operations with a key a session holds, over or not.
    fn with_keys(session: &Session) -> usize {
        session
            .work
            .lock()
            .as_ref()
            .map_or(0, |work| work.operations.iter().filter(|one| one.has_key()).count())
    }

    #[test]
    fn what_rests_with_a_key_goes_from_all_sessions_with_the_key_and_with_the_login() {
        type Deed = fn(&Library, &[Arc<Session>; 2], Handle);
        let deeds: [Deed; 4] = [
            |_, sessions, key| sessions[0].destroy_object(key).unwrap(),
            |_, sessions, _| sessions[0].logout().unwrap(),
            |library, _, _| library.close_all_sessions(0).unwrap(),
            |library, _, _| library.close(),
        ];
        for (at, deed) in deeds.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let library = library(folder.path());
            let (sessions, key) = two_that_have_signed(&library);
            assert_eq!(sessions.each_ref().map(|session| with_keys(session)), [1, 1], "deed {at}");
            deed(&library, &sessions, key);
            assert_eq!(sessions.each_ref().map(|session| with_keys(session)), [0, 0], "deed {at}");
        }
    }

    /// Makes a session key that only its user may see.
    fn make_private(session: &Session) -> Result<Handle> {
        let template = Attributes::from_iter([
            (ck::CKA_PRIVATE, Value::from(true)),
            (ck::CKA_VALUE_LEN, Value::from(32)),
        ]);
        session.turn()?.generate_key(&mechanism(ck::CKM_AES_KEY_GEN), &template.into())
    }

    #[test]
    fn the_proof_of_a_login_goes_from_all_sessions_with_the_login_and_with_them() {
        type Deed = fn(&Library, &[Arc<Session>; 2]);
        let deeds: [Deed; 4] = [
            |_, sessions| sessions[0].logout().unwrap(),
            |library, sessions| {
                sessions.iter().for_each(|session| library.close_session(session.handle).unwrap());
            },
            |library, _| library.close_all_sessions(0).unwrap(),
            |library, _| library.close(),
        ];
        for (at, deed) in deeds.into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let library = library(folder.path());
            let (sessions, _) = two_that_have_signed(&library);
            for session in &sessions {
                make_private(session).unwrap();
            }
            let ticket = Arc::downgrade(&sessions[0].slot.ticket().unwrap());
            deed(&library, &sessions);
            assert!(ticket.upgrade().is_none(), "deed {at}");
        }
    }

    #[test]
    fn a_session_that_made_a_key_makes_the_next_for_whoever_is_logged_in_then() {
        let folder = tempfile::tempdir().unwrap();
        let library = library(folder.path());
        let (sessions, _) = two_that_have_signed(&library);
        make_private(&sessions[0]).unwrap();
        sessions[1].logout().unwrap();
        assert_eq!(make_private(&sessions[0]), Err(Error::UserNotLoggedIn));
        sessions[1].login(UserType::Officer, b"officer-pin").unwrap();
        assert_eq!(make_private(&sessions[0]), Err(Error::UserNotLoggedIn), "officers make none");
        sessions[1].logout().unwrap();
        sessions[1].login(UserType::User, b"user-pin").unwrap();
        make_private(&sessions[0]).unwrap();
        sessions[1].set_pin(b"user-pin", b"other-pin").unwrap();
        make_private(&sessions[0]).unwrap();
    }

    #[test]
    fn a_library_is_at_rest_while_nobody_has_a_turn() {
        let folder = tempfile::tempdir().unwrap();
        let library = library(folder.path());
        library.slot(0).unwrap().init_token(b"officer-pin", "test").unwrap();
        let open = || library.session(library.open_session(0, true).unwrap()).unwrap();
        let sessions = [open(), open()];
        assert!(library.is_at_rest());
        for session in &sessions {
            let turn = session.turn().unwrap();
            assert!(!library.is_at_rest());
            drop(turn);
        }
        assert!(library.is_at_rest());
    }

    #[test]
    fn a_session_at_work_forgets_a_key_that_goes_meanwhile_when_it_begins_again() {
        let folder = tempfile::tempdir().unwrap();
        let library = library(folder.path());
        let (sessions, key) = two_that_have_signed(&library);
        let working = sessions[1].turn().unwrap();
        sessions[0].destroy_object(key).unwrap();
        drop(working);
        let hmac = mechanism(ck::CKM_SHA256_HMAC);
        assert_eq!(
            sessions[1].turn().unwrap().begin(Purpose::Sign, &hmac, Some(key)),
            Err(Error::KeyHandleInvalid)
        );
        assert_eq!(with_keys(&sessions[1]), 0);
    }

    #[test]
    fn an_operation_that_was_under_way_when_its_key_went_does_not_rest_when_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let library = library(folder.path());
        let (sessions, key) = two_that_have_signed(&library);
        sessions[1].turn().unwrap().begin(Purpose::Sign, &mechanism(ck::CKM_SHA256_HMAC), Some(key)).unwrap();
        sessions[0].destroy_object(key).unwrap();
        let (mut mac, mut length) = ([0; 32], 32);
        sessions[1]
            .turn()
            .unwrap()
            .whole(Purpose::Sign, b"data", Output::new(Some(&mut mac), &mut length))
            .unwrap();
        assert_eq!(with_keys(&sessions[1]), 0);
    }

    #[test]
    fn a_search_that_goes_on_while_the_login_ends_leaves_no_handle_of_a_private_object() {
        let folder = tempfile::tempdir().unwrap();
        let library = library(folder.path());
        let (sessions, key) = two_that_have_signed(&library);
        let slot = &sessions[0].slot;
        let ObjectRef::Stored(id) = slot.objects.get(key).unwrap() else { panic!("not a token object") };
        let searching = sessions[1].turn().unwrap();
        std::thread::scope(|scope| {
            let logout = scope.spawn(|| sessions[0].logout().unwrap());
            while slot.ticket().is_some() {
                std::thread::yield_now();
            }
            // It may come as far as it can without that turn. Whether it does decides nothing.
            (0..1000).for_each(|_| std::thread::yield_now());
            let late = slot.objects.of_found(Found { id, private: true });
            drop(searching);
            logout.join().unwrap();
            assert_eq!(slot.objects.get(late).err(), Some(Error::ObjectHandleInvalid));
        });
    }

    #[test]
    fn nothing_that_rests_is_begun_again_once_the_token_is_known_to_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let library = library(folder.path());
        let (sessions, key) = two_that_have_signed(&library);
        // Its own copy: the counters stand where they stood.
        let slot = folder.path().join("slots/0");
        for name in ["token.db", "token.seq", "token.db-wal", "token.db-shm"] {
            std::fs::copy(slot.join(name), slot.join("copy")).unwrap();
            std::fs::rename(slot.join("copy"), slot.join(name)).unwrap();
        }
        library.slot(0).unwrap().token_info().unwrap();
        let hmac = mechanism(ck::CKM_SHA256_HMAC);
        for session in &sessions {
            assert_eq!(
                session.turn().unwrap().begin(Purpose::Sign, &hmac, Some(key)),
                Err(Error::UserNotLoggedIn)
            );
            assert_eq!(with_keys(session), 0);
        }
    }
}
