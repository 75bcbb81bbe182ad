//! One run: what it has opened and made, the next call, and what must be true after each.

use super::call::Call;
use super::functions::{FUNCTIONS, Row, are_all};
use super::memory::Memory;
use super::random::Random;
use crate::common::cases::{self, Case, Keys};
use crate::common::*;
use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

type Any = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> CK_RV;

/// All PINs that are ever used: who must log in tries them all.
pub(super) const PINS: [&str; 4] = [USER_PIN, SO_PIN, "another-1", "another-2"];

/// Kinds of keys that are there at all times.
const KEYS: [Keys; 10] = [
    Keys::Secret(CKK_AES, 32),
    Keys::Secret(CKK_DES3, 24),
    Keys::Secret(CKK_GENERIC_SECRET, 32),
    Keys::Ec(keys::P256),
    Keys::Ec(keys::P384),
    Keys::Edwards(keys::ED25519),
    Keys::Montgomery(keys::X25519),
    Keys::Rsa,
    Keys::Pqc(CKK_ML_DSA, CKP_ML_DSA_44),
    Keys::Pqc(CKK_ML_KEM, CKP_ML_KEM_512),
];

/// Objects that are too many: the oldest are destroyed.
const MANY: usize = 60;

pub struct Run {
    pub(super) random: Random,
    /// Where the number of the call is left for whoever finds the crash.
    place: File,
    functions: Vec<(Any, &'static Row)>,
    weight: usize,
    pub(super) slot: CK_SLOT_ID,
    pub(super) sessions: Vec<CK_SESSION_HANDLE>,
    pub(super) objects: Vec<Handle>,
    pub(super) keys: Vec<(Keys, (Handle, Handle))>,
    /// With the functions that may use them, as flags of `CK_MECHANISM_INFO`.
    pub(super) cases: Vec<(CK_FLAGS, Case)>,
    /// A public key to agree with.
    pub(super) point: Vec<u8>,
    /// Values of keys that must never leave.
    pub(super) marks: Vec<Vec<u8>>,
    /// What the module has put out: it may come back as input.
    pub(super) outputs: Vec<Vec<u8>>,
    pub(super) memory: Memory,
    pub(super) call: Call,
    /// What has just begun ("Sign") in which session: mostly it goes on.
    pub(super) begun: Option<(String, CK_SESSION_HANDLE)>,
    /// Functions that have succeeded.
    succeeded: BTreeSet<&'static str>,
}

impl Run {
    pub fn new(seed: u64, slot: CK_SLOT_ID, place: &Path) -> Run {
        let mut random = Random::new(seed);
        let address = |name: &str| module().symbol(name).unwrap_or_else(|| panic!("{name} is missing"));
        let functions: Vec<(Any, &Row)> = FUNCTIONS
            .iter()
            .map(|row| (unsafe { std::mem::transmute::<usize, Any>(address(row.1)) }, row))
            .collect();
        assert!(are_all());
        Run {
            marks: (0..4).map(|_| random.bytes(32)).collect(),
            random,
            place: File::create(place).unwrap(),
            weight: functions.iter().map(|(_, row)| row.0 as usize).sum(),
            functions,
            slot,
            sessions: Vec::new(),
            objects: Vec::new(),
            keys: Vec::new(),
            cases: cases::all().into_iter().map(|case| (purposes(slot, &case), case)).collect(),
            point: Vec::new(),
            outputs: Vec::new(),
            memory: Memory::default(),
            call: Call::default(),
            begun: None,
            succeeded: BTreeSet::new(),
        }
    }

    /// One call, and now and then some order.
    pub fn step(&mut self, number: usize) {
        if number.is_multiple_of(200) {
            self.tidy();
        } else if self.sessions.is_empty() && self.random.percent(10) {
            self.ensure_login();
        }
        let (function, row) = self.choose();
        self.call.name = row.1;
        self.place.write_all_at(format!("call {number}, {:<28}\n", row.1).as_bytes(), 0).unwrap();
        for kind in row.2 {
            self.argument(*kind);
        }
        self.call.arguments.resize(10, 0);
        let [a, b, c, d, e, f, g, h, i, j] = self.call.arguments[..] else { unreachable!() };
        let rv = unsafe { function(a, b, c, d, e, f, g, h, i, j) };
        if let Some(problem) = self.problem(rv) {
            panic!("call {number}, {} ({:x?}) answers {:?}: {problem}", row.1, self.call.arguments, Rv(rv));
        }
        self.learn(row, rv);
        self.memory.clear();
        self.call = Call::default();
    }

    /// At the end everything must still be as it should.
    pub fn finish(&mut self, calls: usize) {
        let reached = self.succeeded.len();
        assert!(
            calls < 10_000 || reached > 50,
            "only {reached} functions have ever succeeded: {:?}",
            self.succeeded
        );
        let _ = module().finalize();
        let session = self.ensure_login();
        self.check_secrets(session);
        let (public, private) = keys::ec(session, keys::P256, template![]);
        let ecdsa = Mechanism::plain(CKM_ECDSA);
        let signature = session.sign(&ecdsa, private, &[1; 32]).unwrap();
        session.verify(&ecdsa, public, &[1; 32], &signature).unwrap();
        module().finalize().unwrap();
    }

    fn choose(&mut self) -> (Any, &'static Row) {
        if let Some((operation, _)) = self.begun.clone().filter(|_| self.random.percent(75)) {
            let part = operation.trim_start_matches("C_");
            let goes_on =
                |name: &str| name.contains(part) && !name.ends_with("Init") && !name.contains("Message");
            let next: Vec<_> = self.functions.iter().filter(|(_, row)| goes_on(row.1)).collect();
            if !next.is_empty() {
                return **self.random.pick(&next);
            }
        }
        self.begun = None;
        let mut left = self.random.below(self.weight);
        for (function, row) in &self.functions {
            match left.checked_sub(row.0 as usize) {
                Some(rest) => left = rest,
                None => return (*function, row),
            }
        }
        unreachable!("the weights have a sum")
    }

    /// What is wrong about the answer and what the call has written.
    fn problem(&self, rv: CK_RV) -> Option<String> {
        if rv == CKR_GENERAL_ERROR || name_of(rv).is_none() {
            return Some("no answer that says anything".to_owned());
        }
        let too_long = |(_, told, length): &&(_, CK_ULONG, *const CK_ULONG)| {
            rv == CKR_OK && unsafe { length.read_unaligned() } > *told
        };
        if let Some((_, told, _)) = self.call.outputs.iter().find(too_long) {
            return Some(format!("more than the {told} bytes that there was room for"));
        }
        let shows = |mark: &Vec<u8>| {
            let part = &mark[..16];
            self.memory.written().any(|block| block.windows(16).any(|window| window == part))
        };
        if self.marks.iter().any(shows) {
            return Some("the value of a key that can't be extracted".to_owned());
        }
        self.memory.damage()
    }

    /// Keeps what the call has made.
    fn learn(&mut self, row: &Row, rv: CK_RV) {
        let session = self.call.arguments[0];
        match rv {
            CKR_OK => _ = self.succeeded.insert(row.1),
            CKR_SESSION_HANDLE_INVALID => return self.sessions.retain(|known| *known != session),
            CKR_CRYPTOKI_NOT_INITIALIZED => return self.sessions.clear(),
            _ => return,
        }
        if let Some(operation) = row.1.strip_suffix("Init") {
            self.begun = Some((operation.to_owned(), session));
        }
        self.objects.extend(self.call.objects.iter().map(|place| unsafe { place.read_unaligned() }));
        self.sessions.extend(self.call.session.iter().map(|place| unsafe { place.read_unaligned() }));
        for (at, told, length) in &self.call.outputs {
            let length = unsafe { length.read_unaligned() }.min(*told) as usize;
            let bytes = unsafe { std::slice::from_raw_parts(*at, length) };
            self.outputs.push(bytes.to_vec());
        }
        if self.outputs.len() > 40 {
            self.outputs.drain(..20);
        }
    }

    /// A library, a session, a user logged in, keys of all kinds; few objects.
    fn tidy(&mut self) {
        let session = self.ensure_login();
        self.check_secrets(session);
        self.keys = KEYS.iter().map(|kind| (*kind, kept_pair(session, *kind))).collect();
        let kept: Vec<Handle> = self.keys.iter().flat_map(|(_, (one, other))| [*one, *other]).collect();
        let mut all = session.find(&template![]).unwrap();
        all.retain(|object| !kept.contains(object));
        for object in all.drain(..all.len().saturating_sub(MANY)) {
            let _ = session.destroy(object);
        }
        self.objects = all;
        let (public, _) = self.keys.iter().find(|(kind, _)| *kind == Keys::Ec(keys::P256)).unwrap().1;
        self.point = session.get(public, CKA_EC_POINT).unwrap();
    }

    /// A session of the default user, whatever the run has done to PINs, token and library.
    fn ensure_login(&mut self) -> Session {
        match module().initialize() {
            Ok(()) | Err(Rv(CKR_CRYPTOKI_ALREADY_INITIALIZED)) => (),
            Err(other) => panic!("C_Initialize: {other:?}"),
        }
        let state = |session: &CK_SESSION_HANDLE| Session(*session).info().ok().map(|info| info.state);
        self.sessions.retain(|session| state(session).is_some());
        if let Some(session) = self.sessions.iter().find(|one| state(one) == Some(CKS_RW_USER_FUNCTIONS)) {
            let _ = Session(*session).find_final();
            return Session(*session);
        }
        raw!(C_CloseAllSessions(self.slot));
        let session = module().open(self.slot, CKF_RW_SESSION).unwrap();
        if !PINS.iter().any(|pin| session.login(CKU_USER, pin).is_ok()) {
            let found = PINS.iter().any(|pin| session.login(CKU_SO, pin).is_ok());
            assert!(found, "neither user nor officer can log in any more");
            session.init_pin(USER_PIN).unwrap();
            session.logout().unwrap();
            session.login(CKU_USER, USER_PIN).unwrap();
        }
        let flags = if self.random.percent(50) { CKF_RW_SESSION } else { 0 };
        self.sessions = vec![session.0, module().open(self.slot, flags).unwrap().0];
        session
    }

    /// No object that can't be extracted shows a secret.
    fn check_secrets(&self, session: Session) {
        for object in session.find(&template![CKA_EXTRACTABLE => false]).unwrap() {
            let class = session.get_ulong(object, CKA_CLASS).unwrap();
            assert!([CKO_SECRET_KEY, CKO_PRIVATE_KEY].contains(&class), "{class} has CKA_EXTRACTABLE");
            for secret in [CKA_VALUE, CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_COEFFICIENT] {
                assert!(session.get(object, secret).is_err(), "object {object} shows {secret:#x}");
            }
        }
    }
}

/// Keys of that kind in the token: those made before, if they are still there.
fn kept_pair(session: Session, kind: Keys) -> (Handle, Handle) {
    let label = format!("{kind:?}");
    let labelled = |class| session.find(&template![CKA_LABEL => label.clone(), CKA_CLASS => class]).unwrap();
    let secret = matches!(kind, Keys::Secret(..));
    let one = labelled(if secret { CKO_SECRET_KEY } else { CKO_PUBLIC_KEY });
    let other = labelled(if secret { CKO_SECRET_KEY } else { CKO_PRIVATE_KEY });
    if let (Some(one), Some(other)) = (one.first(), other.first()) {
        return (*one, *other);
    }
    let (one, other) = kind.make(session);
    let keep = |key| session.copy(key, &template![CKA_TOKEN => true, CKA_LABEL => label.clone()]).unwrap();
    let kept = if secret { [keep(other); 2] } else { [keep(one), keep(other)] };
    let _ = (session.destroy(one), session.destroy(other));
    (kept[0], kept[1])
}

/// What a mechanism may be used for.
fn purposes(slot: CK_SLOT_ID, case: &Case) -> CK_FLAGS {
    module().mechanism_info(slot, case.mechanism.id()).map_or(0, |info| info.flags)
}
