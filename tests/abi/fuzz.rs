//! Arbitrary calls in arbitrary order: whatever a program does with its handles, lengths and NULLs, it gets the
//! standard's answers and never a crash.
//!
//! A run is a seed. `CLOISTER_FUZZ_SEED` repeats one, `CLOISTER_FUZZ_CALLS` makes it longer, and `CLOISTER_FUZZ_TRACE` prints
//! each call before it is made. Pointers are NULL or point to memory that is there: a wild one is not the module's fault.

use crate::common::cases::{self, Case};
use crate::common::functions::NAMES;
use crate::common::*;

/// Calls of a run, unless the environment says more.
const CALLS: u64 = 40_000;
/// Bytes behind each pointer: more than any length that is not absurd.
const MEMORY: usize = 1 << 18;
/// Lengths that are not absurd end here.
const LONGEST: u64 = 1 << 16;

/// The arguments of each function, one letter each:
/// session, sLot, Object, Mechanism, template and coUnt, data in and its length (`d`, `n`), data Out and a pointer to
/// its length (`o`, `p`), a place for a Handle, a place for anything else (`i`), flags, user type, boolean, NULL (`0`).
#[rustfmt::skip]
const ARGUMENTS: &[(&str, &str)] = &[
    ("C_GetInfo", "i"), ("C_GetFunctionList", "i"), ("C_GetSlotList", "bop"), ("C_GetSlotInfo", "Li"),
    ("C_GetTokenInfo", "Li"), ("C_GetMechanismList", "Lop"), ("C_GetMechanismInfo", "LKi"),
    ("C_InitToken", "Ldnd"), ("C_InitPIN", "Sdn"), ("C_SetPIN", "Sdndn"), ("C_OpenSession", "Lf00H"),
    ("C_CloseSession", "S"), ("C_CloseAllSessions", "L"), ("C_GetSessionInfo", "Si"),
    ("C_GetOperationState", "Sop"), ("C_SetOperationState", "SdnOO"), ("C_Login", "Sudn"), ("C_Logout", "S"),
    ("C_CreateObject", "STUH"), ("C_CopyObject", "SOTUH"), ("C_DestroyObject", "SO"), ("C_GetObjectSize", "SOi"),
    ("C_GetAttributeValue", "SOGU"), ("C_SetAttributeValue", "SOTU"), ("C_FindObjectsInit", "STU"),
    ("C_FindObjects", "Somp"), ("C_FindObjectsFinal", "S"),
    ("C_EncryptInit", "SMO"), ("C_Encrypt", "Sdnop"), ("C_EncryptUpdate", "Sdnop"), ("C_EncryptFinal", "Sop"),
    ("C_DecryptInit", "SMO"), ("C_Decrypt", "Sdnop"), ("C_DecryptUpdate", "Sdnop"), ("C_DecryptFinal", "Sop"),
    ("C_DigestInit", "SM"), ("C_Digest", "Sdnop"), ("C_DigestUpdate", "Sdn"), ("C_DigestKey", "SO"),
    ("C_DigestFinal", "Sop"), ("C_SignInit", "SMO"), ("C_Sign", "Sdnop"), ("C_SignUpdate", "Sdn"),
    ("C_SignFinal", "Sop"), ("C_SignRecoverInit", "SMO"), ("C_SignRecover", "Sdnop"), ("C_VerifyInit", "SMO"),
    ("C_Verify", "Sdndn"), ("C_VerifyUpdate", "Sdn"), ("C_VerifyFinal", "Sdn"), ("C_VerifyRecoverInit", "SMO"),
    ("C_VerifyRecover", "Sdnop"), ("C_DigestEncryptUpdate", "Sdnop"), ("C_DecryptDigestUpdate", "Sdnop"),
    ("C_SignEncryptUpdate", "Sdnop"), ("C_DecryptVerifyUpdate", "Sdnop"), ("C_GenerateKey", "SMTUH"),
    ("C_GenerateKeyPair", "SMTUTUHH"), ("C_WrapKey", "SMOOop"), ("C_UnwrapKey", "SMOdnTUH"),
    ("C_DeriveKey", "SMOTUH"), ("C_SeedRandom", "Sdn"), ("C_GenerateRandom", "Son"), ("C_GetFunctionStatus", "S"),
    ("C_CancelFunction", "S"), ("C_GetInterfaceList", "op"), ("C_LoginUser", "Sudndn"), ("C_SessionCancel", "Sf"),
    ("C_MessageEncryptInit", "SMO"), ("C_EncryptMessage", "Sdndndnop"), ("C_EncryptMessageBegin", "Sdndn"),
    ("C_EncryptMessageNext", "Sdndnopf"), ("C_MessageEncryptFinal", "S"), ("C_MessageDecryptInit", "SMO"),
    ("C_DecryptMessage", "Sdndndnop"), ("C_DecryptMessageBegin", "Sdndn"), ("C_DecryptMessageNext", "Sdndnopf"),
    ("C_MessageDecryptFinal", "S"), ("C_MessageSignInit", "SMO"), ("C_SignMessage", "Sdndnop"),
    ("C_SignMessageBegin", "Sdn"), ("C_SignMessageNext", "Sdndnop"), ("C_MessageSignFinal", "S"),
    ("C_MessageVerifyInit", "SMO"), ("C_VerifyMessage", "Sdndndn"), ("C_VerifyMessageBegin", "Sdn"),
    ("C_VerifyMessageNext", "Sdndndn"), ("C_MessageVerifyFinal", "S"), ("C_EncapsulateKey", "SMOTUopH"),
    ("C_DecapsulateKey", "SMOTUdnH"), ("C_VerifySignatureInit", "SMOdn"), ("C_VerifySignature", "Sdn"),
    ("C_VerifySignatureUpdate", "Sdn"), ("C_VerifySignatureFinal", "S"), ("C_GetSessionValidationFlags", "Sfi"),
    ("C_AsyncComplete", "Sdi"), ("C_AsyncGetID", "Sdi"), ("C_AsyncJoin", "Sdnon"),
    ("C_WrapKeyAuthenticated", "SMOOdnop"), ("C_UnwrapKeyAuthenticated", "SMOdnTUdnH"),
];

/// Functions that are not called at random: they begin and end a run, wait, or look for a text's end.
const APART: [&str; 4] = ["C_Initialize", "C_Finalize", "C_WaitForSlotEvent", "C_GetInterface"];

/// A source of numbers that a seed repeats (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in so many times.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// One run: what it has in hand.
struct Run {
    numbers: Numbers,
    cases: Vec<Case>,
    templates: Vec<Template>,
    slot: CK_SLOT_ID,
    sessions: Vec<u64>,
    objects: Vec<u64>,
    /// Memory that the calls may read and write.
    memory: Vec<u8>,
    /// Places for handles and lengths.
    places: [u64; 16],
    /// Attributes and mechanisms of the call being made, kept while it is.
    lists: Vec<Vec<CK_ATTRIBUTE>>,
    mechanisms: Vec<Box<CK_MECHANISM>>,
}

#[test]
fn no_sequence_of_calls_crashes_the_module_or_gets_an_unknown_answer() {
    isolated(|process| {
        let from_environment = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let fresh = || {
            let mut seed = [0; 8];
            openssl::rand::rand_bytes(&mut seed).unwrap();
            u64::from_ne_bytes(seed)
        };
        let seed = from_environment("CLOISTER_FUZZ_SEED").unwrap_or_else(fresh);
        let calls = from_environment("CLOISTER_FUZZ_CALLS").unwrap_or(CALLS);
        process.say(format!("CLOISTER_FUZZ_SEED={seed} CLOISTER_FUZZ_CALLS={calls} repeats this run"));
        let token = Token::new();
        let mut run = Run::new(seed, token.slot);
        let mut good = 0;
        for number in 0..calls {
            if number % 2000 == 0 {
                run.start_again(number);
            }
            good += u64::from(run.call(number) == CKR_OK);
        }
        process.say(format!("{calls} calls, {good} of them good"));
        assert!(good > calls / 20, "hardly any call was good: the run shows nothing");
        // And the module still works.
        run.start_again(calls);
        let session = module().open(run.slot, CKF_RW_SESSION).unwrap();
        let key = keys::aes(session, template![]);
        session.encrypt(&Mechanism::bytes(CKM_AES_CBC_PAD, &[1; 16]), key, b"data").unwrap();
    });
}

#[test]
fn every_function_is_called() {
    let known =
        |name: &&&str| APART.contains(*name) || ARGUMENTS.iter().any(|(function, _)| function == *name);
    let unknown: Vec<_> = NAMES.iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

impl Run {
    fn new(seed: u64, slot: CK_SLOT_ID) -> Run {
        let mut numbers = Numbers(seed);
        let memory = (0..MEMORY).map(|_| numbers.next() as u8).collect();
        let pair = |parameter| keys::public_template().and(&parameter);
        let templates = vec![
            keys::aes_template(32),
            keys::aes_template(16).and(&template![CKA_TOKEN => true, CKA_EXTRACTABLE => true]),
            keys::secret_template(CKK_AES, &[7; 16]),
            keys::secret_template(CKK_GENERIC_SECRET, &[7; 30]),
            keys::data_template("fuzz"),
            keys::data_template("fuzz").and(&template![CKA_TOKEN => false]),
            keys::private_template(),
            pair(template![CKA_EC_PARAMS => keys::P256]),
            pair(template![CKA_EC_PARAMS => keys::ED25519]),
            pair(template![CKA_EC_PARAMS => keys::X25519]),
            pair(template![CKA_MODULUS_BITS => 1024 as CK_ULONG]),
            template![],
        ];
        Run {
            numbers,
            cases: cases::all(),
            templates,
            slot,
            sessions: Vec::new(),
            objects: Vec::new(),
            memory,
            places: [0; 16],
            lists: Vec::new(),
            mechanisms: Vec::new(),
        }
    }

    /// A library and a token as new, with a user logged in: what was done to the last one stays behind.
    fn start_again(&mut self, number: u64) {
        let finalized = module().finalize();
        assert_eq!(finalized, Ok(()));
        module().initialize().unwrap();
        self.slot = Token::add(&format!("fuzz {number}"));
        let session = module().open(self.slot, CKF_RW_SESSION).unwrap();
        session.login(CKU_USER, USER_PIN).unwrap();
        self.sessions = vec![session.0, module().open(self.slot, 0).unwrap().0];
        self.objects.clear();
    }

    /// Makes one call; its answer.
    fn call(&mut self, number: u64) -> CK_RV {
        // A session in which to work is needed more often than chance would have it.
        let (name, kinds) = match self.sessions.is_empty() {
            true => ("C_OpenSession", "Lf00H"),
            false => self.numbers.pick(ARGUMENTS),
        };
        let rare = ["C_InitToken", "C_CloseAllSessions", "C_Logout", "C_SetPIN", "C_CloseSession"];
        if rare.contains(&name) && !self.numbers.once_in(10) {
            return CKR_CANCEL;
        }
        self.lists.clear();
        self.mechanisms.clear();
        let mut arguments = [0; 10];
        for (at, kind) in kinds.chars().enumerate() {
            arguments[at] = self.argument(name, at, kind);
        }
        if std::env::var_os("CLOISTER_FUZZ_TRACE").is_some() {
            eprintln!("{number}: {name} {:x?}", &arguments[..kinds.len()]);
        }
        let rv = enter(name, arguments);
        assert!(name_of(rv).is_some(), "call {number}: {name} answers {rv:#x}");
        // What a broken invariant would come out as.
        assert_ne!(Rv(rv), Rv(CKR_GENERAL_ERROR), "call {number}: {name}");
        if rv == CKR_OK {
            self.keep(name, kinds);
        }
        rv
    }

    /// Remembers the handles a call has made.
    fn keep(&mut self, name: &str, kinds: &str) {
        for (at, _) in kinds.chars().enumerate().filter(|(_, kind)| *kind == 'H') {
            let handles = match name {
                "C_OpenSession" => &mut self.sessions,
                _ => &mut self.objects,
            };
            handles.push(self.places[at]);
            if handles.len() > 30 {
                handles.remove(0);
            }
        }
        if name == "C_CloseAllSessions" {
            self.sessions.clear();
        }
    }

    fn argument(&mut self, name: &str, at: usize, kind: char) -> u64 {
        if self.numbers.once_in(40) && "dopiHTMG".contains(kind) {
            return 0;
        }
        let numbers = &mut self.numbers;
        match kind {
            'S' if !numbers.once_in(30) => numbers.pick(&self.sessions),
            'O' if !numbers.once_in(10) && !self.objects.is_empty() => numbers.pick(&self.objects),
            'L' if !numbers.once_in(10) => self.slot,
            'S' | 'O' | 'L' => numbers.pick(&[0, 1, 2, u64::MAX, 1 << 40]),
            'u' => numbers.pick(&[CKU_USER, CKU_USER, CKU_SO, CKU_CONTEXT_SPECIFIC, 7]),
            'f' => numbers.pick(&[0, 2, 4, 6, 6, 6, 0x100, u64::MAX]),
            'b' => numbers.below(3),
            'K' => numbers.pick(&[CKM_AES_CBC, CKM_RSA_PKCS, CKM_VENDOR_DEFINED, u64::MAX]),
            'n' | 'm' => self.length(),
            'd' | 'o' | 'i' => self.data(),
            'p' => {
                self.places[at] = self.length();
                (&raw mut self.places[at]) as u64
            }
            'H' => (&raw mut self.places[at]) as u64,
            'M' => self.mechanism(),
            'T' | 'G' => self.template(name),
            // The count belongs to the list just made; seldom it is absurd.
            'U' if self.numbers.once_in(60) => self.numbers.pick(&[1 << 60, u64::MAX, u64::MAX / 24 + 1]),
            'U' => self.lists.last().map_or(0, |list| list.len() as u64),
            _ => 0,
        }
    }

    fn length(&mut self) -> u64 {
        match self.numbers.below(20) {
            0 => 0,
            1 => self.numbers.pick(&[1 << 60, u64::MAX, u64::MAX - 1, i64::MAX as u64]),
            2 => self.numbers.below(LONGEST),
            3..=12 => self.numbers.pick(&[1, 8, 15, 16, 17, 20, 24, 32, 64, 128, 256]),
            _ => self.numbers.below(200),
        }
    }

    /// Somewhere in the memory, with more than [`LONGEST`] bytes behind it.
    fn data(&mut self) -> u64 {
        let at = self.numbers.below(MEMORY as u64 - 2 * LONGEST);
        // Not always at an even address: callers' bytes are where they are, their structures are aligned.
        self.memory.as_mut_ptr() as u64 + (at & !7)
    }

    fn mechanism(&mut self) -> u64 {
        let at = self.numbers.below(self.cases.len() as u64) as usize;
        let right = self.cases[at].mechanism.as_ptr();
        if !self.numbers.once_in(4) {
            return right as u64;
        }
        // Parameters without pointers may be anything; of the others only the length is changed.
        let flat =
            [CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_CTR, CKM_RSA_PKCS_PSS, CKM_DES3_CBC, CKM_AES_KEY_WRAP];
        let mut changed = Box::new(unsafe { *right });
        if flat.contains(&changed.mechanism) || self.numbers.once_in(3) {
            changed.mechanism = self.numbers.pick(&flat);
            changed.pParameter = self.data() as *mut _;
            changed.ulParameterLen = self.length();
        } else {
            changed.ulParameterLen = self.numbers.pick(&[0, 1, 7, 1 << 60, u64::MAX]);
        }
        self.mechanisms.push(changed);
        (&raw mut **self.mechanisms.last_mut().unwrap()) as u64
    }

    fn template(&mut self, name: &str) -> u64 {
        let mut list = Vec::new();
        if name != "C_GetAttributeValue" && !self.numbers.once_in(3) {
            let at = self.numbers.below(self.templates.len() as u64) as usize;
            // The template's own values live as long as the run.
            let raw = |raw: *mut CK_ATTRIBUTE, count| {
                unsafe { std::slice::from_raw_parts(raw, count as usize) }.to_vec()
            };
            list = self.templates[at].with_raw(raw);
        }
        for _ in 0..self.numbers.below(4) {
            let attribute = self.attribute();
            list.push(attribute);
        }
        self.lists.push(list);
        self.lists.last_mut().unwrap().as_mut_ptr() as u64
    }

    fn attribute(&mut self) -> CK_ATTRIBUTE {
        let kinds = [
            CKA_CLASS,
            CKA_TOKEN,
            CKA_PRIVATE,
            CKA_LABEL,
            CKA_ID,
            CKA_VALUE,
            CKA_KEY_TYPE,
            CKA_SENSITIVE,
            CKA_EXTRACTABLE,
            CKA_MODIFIABLE,
            CKA_TRUSTED,
            CKA_VALUE_LEN,
            CKA_MODULUS,
            CKA_MODULUS_BITS,
            CKA_PUBLIC_EXPONENT,
            CKA_EC_PARAMS,
            CKA_EC_POINT,
            CKA_START_DATE,
            CKA_ALLOWED_MECHANISMS,
            CKA_ALWAYS_AUTHENTICATE,
            CKA_UNIQUE_ID,
            CKA_CERTIFICATE_TYPE,
            CKA_VENDOR_DEFINED,
            0x7777_7777,
        ];
        let length = match self.numbers.below(10) {
            0 => self.length(),
            1 => 0,
            _ => self.numbers.pick(&[1, 1, 8, 8, 16, 32]),
        };
        let at = self.data() as *mut u8;
        if length == 8 && !self.numbers.once_in(4) {
            let number = self.numbers.pick(&[0, 1, 2, 3, 4, 16, 31, 1024, 1 << 40, u64::MAX]);
            unsafe { std::ptr::copy_nonoverlapping(number.to_ne_bytes().as_ptr(), at, 8) };
        } else if length == 1 {
            unsafe { *at = self.numbers.pick(&[0, 1, 1, 2]) };
        }
        let at = if self.numbers.once_in(20) { std::ptr::null_mut() } else { at };
        CK_ATTRIBUTE { type_: self.numbers.pick(&kinds), pValue: at.cast(), ulValueLen: length }
    }
}

/// Calls a function by its name, with surplus arguments that it does not look at.
fn enter(name: &str, arguments: [u64; 10]) -> CK_RV {
    type Any = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> CK_RV;
    let address = module().symbol(name).unwrap_or_else(|| panic!("{name} is not exported"));
    let function: Any = unsafe { std::mem::transmute(address) };
    let [a, b, c, d, e, f, g, h, i, j] = arguments;
    unsafe { function(a, b, c, d, e, f, g, h, i, j) }
}
