//! One run: what it has opened and made, the next call, and what must be true after each.

use super::functions::{FUNCTIONS, Kind, Row, are_all};
use super::memory::Memory;
use super::random::Random;
use super::values;
use crate::common::cases::{self, Case, Job, Keys};
use crate::common::*;
use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::ptr::null_mut;

type Any = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> CK_RV;

/// All PINs that are ever used: who must log in tries them all.
const PINS: [&str; 4] = [USER_PIN, SO_PIN, "another-1", "another-2"];

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
    random: Random,
    /// Where the number of the call is left for whoever finds the crash.
    place: File,
    functions: Vec<(Any, &'static Row)>,
    weight: usize,
    slot: CK_SLOT_ID,
    sessions: Vec<CK_SESSION_HANDLE>,
    objects: Vec<Handle>,
    keys: Vec<(Keys, (Handle, Handle))>,
    /// With the functions that may use them, as flags of `CK_MECHANISM_INFO`.
    cases: Vec<(CK_FLAGS, Case)>,
    /// A public key to agree with.
    point: Vec<u8>,
    /// Values of keys that must never leave.
    marks: Vec<Vec<u8>>,
    /// What the module has put out: it may come back as input.
    outputs: Vec<Vec<u8>>,
    memory: Memory,
    call: Call,
    /// What has just begun ("Sign") in which session: mostly it goes on.
    begun: Option<(String, CK_SESSION_HANDLE)>,
    /// Functions that have succeeded.
    succeeded: BTreeSet<&'static str>,
}

/// The call that is being put together.
#[derive(Default)]
struct Call {
    name: &'static str,
    arguments: Vec<u64>,
    /// Keys and template that fit its mechanism.
    keys: Option<(Handle, Handle)>,
    template: Option<Template>,
    mechanism: Option<Mechanism>,
    /// The last input.
    input: Option<(*mut u8, usize)>,
    /// Places of new objects' and sessions' handles.
    objects: Vec<*const CK_ULONG>,
    session: Option<*const CK_ULONG>,
    /// Output buffers: where, the length told, and where the length is.
    outputs: Vec<(*const u8, CK_ULONG, *const CK_ULONG)>,
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

    fn push<T>(&mut self, at: *mut T) {
        self.call.arguments.push(at as u64);
    }

    fn number(&mut self, number: CK_ULONG) {
        self.call.arguments.push(number);
    }

    fn argument(&mut self, kind: Kind) {
        if let Some(number) = self.by_value(kind) {
            self.number(number);
        } else if !self.answer(kind) {
            self.given(kind);
        }
    }

    /// What is passed as a number; `None` for what is not.
    fn by_value(&mut self, kind: Kind) -> Option<CK_ULONG> {
        const WRITING: CK_ULONG = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        const OPENING: &[CK_ULONG] =
            &[WRITING, WRITING, WRITING, CKF_SERIAL_SESSION, 0, WRITING | 1 << 40, u64::MAX];
        let random = &mut self.random;
        Some(match kind {
            Kind::Session => {
                let begun = self.begun.as_ref().map(|(_, session)| *session);
                match begun {
                    Some(session) if random.percent(97) => session,
                    _ => self.session(),
                }
            }
            Kind::Slot if random.percent(90) => self.slot,
            Kind::Slot | Kind::Number => random.number(),
            Kind::User => *random.pick(&[CKU_USER, CKU_USER, CKU_SO, CKU_CONTEXT_SPECIFIC, 3, u64::MAX]),
            Kind::OpenFlags => *random.pick(OPENING),
            Kind::Flags if random.percent(80) => 0,
            Kind::Flags => random.number(),
            Kind::WaitFlags => random.number() | CKF_DONT_BLOCK,
            Kind::MechanismType => {
                let known = self.cases[random.below(self.cases.len())].1.mechanism.id();
                if random.percent(70) { known } else { random.number() }
            }
            Kind::MessageFlags => *random.pick(&[0, 0, CKF_END_OF_MESSAGE, CKF_END_OF_MESSAGE, 2, u64::MAX]),
            Kind::Callback => 0,
            _ => return None,
        })
    }

    /// A place for what the function answers; `false` for what is not one.
    fn answer(&mut self, kind: Kind) -> bool {
        match kind {
            Kind::Query => {
                let (at, count) = values::query(&mut self.random, &mut self.memory);
                self.counted(at, count);
            }
            Kind::Output => self.output(),
            Kind::Fill => {
                let length = self.random.length();
                let at = self.memory.output(&vec![0; length]);
                self.counted(at, length as CK_ULONG);
            }
            Kind::List(size) => self.list(size),
            Kind::Found => {
                let room = self.random.below(40);
                let at = self.memory.output(&vec![0; room * size_of::<CK_OBJECT_HANDLE>()]);
                self.counted(at, room as CK_ULONG);
                let count = self.memory.output(&[0; 8]);
                self.maybe(count);
            }
            Kind::Structure(size) => {
                let at = self.memory.output(&vec![0; size]);
                self.maybe(at);
            }
            Kind::NewObject => {
                let at = self.memory.output(&[0; 8]);
                if self.maybe(at) {
                    self.call.objects.push(at.cast());
                }
            }
            Kind::NewSession => {
                let at = self.memory.output(&[0; 8]);
                if self.maybe(at) {
                    self.call.session = Some(at.cast());
                }
            }
            _ => return false,
        }
        true
    }

    /// What the function is given in memory.
    fn given(&mut self, kind: Kind) {
        match kind {
            Kind::Object => self.object(),
            Kind::Mechanism if self.call.name.ends_with("KeyAuthenticated") => {
                let (at, length, id) = values::message(&mut self.random, &mut self.memory);
                let id = if self.random.percent(90) { id } else { CKM_AES_CBC };
                let mechanism = CK_MECHANISM { mechanism: id, pParameter: at.cast(), ulParameterLen: length };
                let at = self.memory.structure(mechanism);
                self.push(at);
            }
            Kind::Mechanism => self.mechanism(),
            Kind::Message => {
                let (at, length, _) = values::message(&mut self.random, &mut self.memory);
                self.counted(at, length);
            }
            Kind::Template => self.template(),
            Kind::Input => self.input(),
            Kind::Pin => {
                let pin = *self.random.pick(&PINS);
                let good = self.random.percent(85);
                let pin = if good { pin.as_bytes() } else { &[0xFF; 70][..self.random.below(70)] };
                let at = self.memory.input(pin);
                self.counted(at, pin.len() as CK_ULONG);
            }
            Kind::Label => self.bytes(&[b'x'; 32]),
            Kind::Text => {
                let text = *self.random.pick(&[&b"PKCS 11\0"[..], b"\0", b"other\0", b"C_Sign\0"]);
                self.bytes(text);
            }
            Kind::Version => {
                let version = *self.random.pick(&[[3, 2], [3, 0], [2, 40], [9, 9]]);
                self.bytes(&version);
            }
            Kind::Arguments => {
                let flags = *self.random.pick(&[CKF_OS_LOCKING_OK, 0, 1, 3, 4, u64::MAX]);
                let wild = std::ptr::without_provenance_mut(8);
                let reserved = if self.random.percent(80) { null_mut() } else { wild };
                let arguments = CK_C_INITIALIZE_ARGS { flags, pReserved: reserved, ..Default::default() };
                let at = self.memory.structure(arguments);
                self.maybe(at);
            }
            Kind::Reserved => {
                let other = self.memory.input(&[0; 8]);
                let at = if self.random.percent(90) { null_mut() } else { other };
                self.push(at);
            }
            other => unreachable!("{other:?} is passed in another way"),
        }
    }

    /// Bytes whose length the function knows.
    fn bytes(&mut self, bytes: &[u8]) {
        let at = self.memory.input(bytes);
        self.maybe(at);
    }

    /// A pointer, or sometimes NULL; whether it is the pointer.
    fn maybe<T>(&mut self, at: *mut T) -> bool {
        let there = !self.random.percent(2);
        self.push(if there { at } else { null_mut() });
        there
    }

    /// A pointer with its length: sometimes NULL, or a length that must be refused.
    fn counted<T>(&mut self, at: *mut T, length: CK_ULONG) {
        let (at, length) = match self.random.below(200) {
            0 => (null_mut(), length),
            1 => (null_mut(), self.random.absurd()),
            2 => (at, self.random.absurd()),
            3 => (at, length.saturating_sub(1)),
            _ => (at, length),
        };
        self.push(at);
        self.number(length);
    }

    fn session(&mut self) -> CK_SESSION_HANDLE {
        if self.sessions.is_empty() || self.random.percent(2) {
            return self.random.number();
        }
        *self.random.pick(&self.sessions)
    }

    fn object(&mut self) {
        let fitting = self.call.keys.filter(|_| self.random.percent(85));
        let object = match fitting {
            Some((public, private)) => *self.random.pick(&[public, private, private]),
            None => {
                let made: Vec<Handle> =
                    self.keys.iter().flat_map(|(_, (one, other))| [*one, *other]).collect();
                if self.random.percent(40) {
                    *self.random.pick(&made)
                } else {
                    let objects = self.objects.clone();
                    if objects.is_empty() { 0 } else { self.random_object(&objects) }
                }
            }
        };
        self.number(object);
    }

    fn random_object(&mut self, objects: &[Handle]) -> Handle {
        if self.random.percent(5) { self.random.number() } else { *self.random.pick(objects) }
    }

    fn mechanism(&mut self) {
        if self.random.percent(3) {
            return self.push(null_mut::<CK_MECHANISM>());
        }
        let wanted = if self.random.percent(90) { purpose_of(self.call.name) } else { 0 };
        let fitting: Vec<_> =
            (0..self.cases.len()).filter(|at| self.cases[*at].0 & wanted == wanted).collect();
        let at = *self.random.pick(&fitting);
        let id = self.cases[at].1.mechanism.id();
        if self.random.percent(10) {
            let id = if self.random.percent(80) { id } else { self.random.number() };
            let mechanism = values::nonsense(&mut self.random, &mut self.memory, id);
            let at = self.memory.structure(mechanism);
            return self.push(at);
        }
        let case = &self.cases[at].1;
        let kind = match &case.job {
            Job::Use(kind, _)
            | Job::Agree(kind)
            | Job::Derive(kind)
            | Job::DeriveFixed(kind)
            | Job::Encapsulate(kind) => Some(*kind),
            Job::Elsewhere => None,
            Job::Generate(template) | Job::GeneratePair(template) => {
                self.call.template = Some(template.clone());
                None
            }
        };
        let same = |kind, made| {
            kind == made || secret_type(kind).is_some() && secret_type(kind) == secret_type(made)
        };
        let fits = |made| kind.is_some_and(|kind| same(kind, made));
        self.call.keys = self.keys.iter().find(|(made, _)| fits(*made)).map(|(_, pair)| *pair);
        let variant = self.random.percent(40) || matches!(case.job, Job::Agree(_));
        let variant = variant.then(|| values::variant(&mut self.random, case, &self.point)).flatten();
        let at = match variant {
            Some(mechanism) => self.call.mechanism.insert(mechanism).as_ptr(),
            None => case.mechanism.as_ptr(),
        };
        self.push(at);
    }

    fn template(&mut self) {
        let fitting = self.call.template.take().filter(|_| self.random.percent(80));
        let template = match fitting {
            Some(template) => template.and(&values::changes(&mut self.random, 1)),
            None => match self.random.below(10) {
                0..=3 => values::template(&mut self.random, 3),
                4 => {
                    let at = self.random.below(self.marks.len());
                    let mark = self.marks[at].clone();
                    values::marked_key(&mut self.random, &mark)
                }
                5 => keys::data_template("x").and(&values::changes(&mut self.random, 1)),
                _ => {
                    let changes = values::changes(&mut self.random, 2);
                    let extractable = template![CKA_EXTRACTABLE => self.random.percent(70)];
                    let length = *self.random.pick(&[16, 24, 32]);
                    let template = keys::aes_template(length).and(&extractable);
                    let template = if self.call.name == "C_UnwrapKey" {
                        template.without(CKA_VALUE_LEN)
                    } else {
                        template
                    };
                    template.and(&changes)
                }
            },
        };
        let (at, count) = values::place(&mut self.random, &mut self.memory, &template);
        self.counted(at, count);
    }

    fn input(&mut self) {
        let bytes = if !self.outputs.is_empty() && self.random.percent(35) {
            self.random.pick(&self.outputs).clone()
        } else {
            let length = self.random.length();
            self.random.bytes(length)
        };
        let at =
            if self.random.percent(10) { self.memory.misaligned(&bytes) } else { self.memory.input(&bytes) };
        self.call.input = Some((at, bytes.len()));
        self.counted(at, bytes.len() as CK_ULONG);
    }

    fn output(&mut self) {
        let length = if self.random.percent(60) { 6000 } else { self.random.length() };
        let (mut at, mut length) = (self.memory.output(&vec![0; length]), length as CK_ULONG);
        // In place: over the input, which may be longer or shorter than what comes out.
        if let Some((input, taken)) = self.call.input
            && self.random.percent(15)
        {
            (at, length) = (input, taken as CK_ULONG);
            self.memory.open(at, taken);
        }
        let told = self.memory.output(&length.to_ne_bytes());
        match self.random.below(100) {
            0 => {
                self.push(null_mut::<u8>());
                self.push(null_mut::<u8>());
            }
            1..=10 => {
                self.push(null_mut::<u8>());
                self.push(told);
            }
            11 => {
                self.push(at);
                self.push(null_mut::<u8>());
            }
            _ => {
                self.push(at);
                self.push(told);
                self.call.outputs.push((at, length, told.cast()));
            }
        }
    }

    fn list(&mut self, size: usize) {
        let room = *self.random.pick(&[0, 1, 2, 100, 200]);
        let list = self.memory.output(&vec![0; room * size]);
        let count = self.memory.output(&(room as CK_ULONG).to_ne_bytes());
        let list = if self.random.percent(20) { null_mut() } else { list };
        self.push(list);
        self.maybe(count);
    }
}

/// The key type of a secret key, whatever its length.
fn secret_type(kind: Keys) -> Option<CK_KEY_TYPE> {
    match kind {
        Keys::Secret(key_type, _) => Some(key_type),
        _ => None,
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

/// What a mechanism must be good for to be used with a function.
fn purpose_of(function: &str) -> CK_FLAGS {
    match function {
        "C_EncryptInit" => CKF_ENCRYPT,
        "C_DecryptInit" => CKF_DECRYPT,
        "C_DigestInit" => CKF_DIGEST,
        "C_SignInit" => CKF_SIGN,
        "C_SignRecoverInit" => CKF_SIGN_RECOVER,
        "C_VerifyInit" => CKF_VERIFY,
        "C_VerifyRecoverInit" => CKF_VERIFY_RECOVER,
        "C_GenerateKey" => CKF_GENERATE,
        "C_GenerateKeyPair" => CKF_GENERATE_KEY_PAIR,
        "C_MessageEncryptInit" => CKF_MESSAGE_ENCRYPT,
        "C_MessageDecryptInit" => CKF_MESSAGE_DECRYPT,
        "C_MessageSignInit" => CKF_MESSAGE_SIGN,
        "C_MessageVerifyInit" => CKF_MESSAGE_VERIFY,
        "C_WrapKey" => CKF_WRAP,
        "C_UnwrapKey" => CKF_UNWRAP,
        "C_DeriveKey" => CKF_DERIVE,
        "C_EncapsulateKey" => CKF_ENCAPSULATE,
        "C_DecapsulateKey" => CKF_DECAPSULATE,
        "C_VerifySignatureInit" => CKF_VERIFY,
        _ => 0,
    }
}
