//! What every class of object has, in the order of the standard's section 4.

use super::note::*;
use super::{ByOrigin, Initial, Initial::*, Row, row};
use crate::attribute::AttributeType;
use cryptoki_sys as ck;

/// A class of objects that callers can make.
#[derive(Debug)]
pub struct Class {
    /// The `CKO_` number.
    pub number: u64,
    /// The `CKO_` name.
    pub name: &'static str,
    /// The attribute that tells its forms apart, if it has several.
    pub subtype: Option<AttributeType>,
    /// The functions that make such objects.
    pub made_by: MadeBy,
    /// Its attributes, in the groups in which the standard lists them.
    pub groups: &'static [&'static [Row]],
}

/// Which functions make objects of a class. `C_CreateObject` makes all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MadeBy {
    /// `C_GenerateKey` or `C_GenerateKeyPair`.
    pub generate: bool,
    /// `C_UnwrapKey`.
    pub unwrap: bool,
    /// `C_DeriveKey`.
    pub derive: bool,
}

/// All classes.
pub const CLASSES: &[&Class] = &[&DATA, &CERTIFICATE, &TRUST, &PUBLIC_KEY, &PRIVATE_KEY, &SECRET_KEY];

/// Section 4.5.
pub(super) const DATA: Class = Class {
    number: ck::CKO_DATA,
    name: "CKO_DATA",
    subtype: None,
    made_by: MadeBy { generate: false, unwrap: false, derive: true },
    groups: &[STORAGE, PUBLIC_UNLESS_ASKED, DATA_ROWS],
};

/// Section 4.6.
pub(super) const CERTIFICATE: Class = Class {
    number: ck::CKO_CERTIFICATE,
    name: "CKO_CERTIFICATE",
    subtype: Some(ck::CKA_CERTIFICATE_TYPE),
    made_by: MadeBy { generate: false, unwrap: false, derive: false },
    groups: &[STORAGE, PUBLIC_UNLESS_ASKED, CERTIFICATE_ROWS],
};

/// Section 4.7.
pub(super) const TRUST: Class = Class {
    number: ck::CKO_TRUST,
    name: "CKO_TRUST",
    subtype: None,
    made_by: MadeBy { generate: false, unwrap: false, derive: false },
    groups: &[STORAGE, PUBLIC_UNLESS_ASKED, TRUST_ROWS],
};

/// Section 4.9.
pub(super) const PUBLIC_KEY: Class = Class {
    number: ck::CKO_PUBLIC_KEY,
    name: "CKO_PUBLIC_KEY",
    subtype: Some(ck::CKA_KEY_TYPE),
    made_by: MadeBy { generate: true, unwrap: false, derive: false },
    groups: &[STORAGE, PUBLIC_UNLESS_ASKED, KEY_ROWS, PUBLIC_KEY_ROWS],
};

/// Section 4.10.
pub(super) const PRIVATE_KEY: Class = Class {
    number: ck::CKO_PRIVATE_KEY,
    name: "CKO_PRIVATE_KEY",
    subtype: Some(ck::CKA_KEY_TYPE),
    made_by: MadeBy { generate: true, unwrap: true, derive: false },
    groups: &[STORAGE, PRIVATE_UNLESS_ASKED, KEY_ROWS, HISTORY_ROWS, PRIVATE_KEY_ROWS],
};

/// Section 4.11.
pub(super) const SECRET_KEY: Class = Class {
    number: ck::CKO_SECRET_KEY,
    name: "CKO_SECRET_KEY",
    subtype: Some(ck::CKA_KEY_TYPE),
    made_by: MadeBy { generate: true, unwrap: true, derive: true },
    groups: &[STORAGE, PRIVATE_UNLESS_ASKED, KEY_ROWS, HISTORY_ROWS, SECRET_KEY_ROWS],
};

/// Common to all objects (4.2) and to all that are stored (4.4).
const STORAGE: &[Row] = &[
    row(ck::CKA_CLASS, MUST_CREATE, Absent),
    row(ck::CKA_UNIQUE_ID, NEVER_GIVEN, Absent),
    row(ck::CKA_TOKEN, COPY, Bool(false)),
    row(ck::CKA_MODIFIABLE, COPY, Bool(true)),
    row(ck::CKA_LABEL, MODIFIABLE, Empty),
    row(ck::CKA_COPYABLE, ONCE_FALSE, Bool(true)),
    row(ck::CKA_DESTROYABLE, COPY, Bool(true)),
];

// CKA_PRIVATE's default is the token's choice: what holds a secret is seen only by its owner.
const PUBLIC_UNLESS_ASKED: &[Row] = &[row(ck::CKA_PRIVATE, COPY, Bool(false))];
const PRIVATE_UNLESS_ASKED: &[Row] = &[row(ck::CKA_PRIVATE, COPY, Bool(true))];

// `CKM_HKDF_DATA` derives such objects. The table has no footnote 8 here, but the data are the application's own, and it rewrites them in place.
const DATA_ROWS: &[Row] = &[
    row(ck::CKA_APPLICATION, MODIFIABLE, Empty),
    row(ck::CKA_OBJECT_ID, MODIFIABLE, Empty),
    row(ck::CKA_VALUE, MODIFIABLE, Empty),
];

const CERTIFICATE_ROWS: &[Row] = &[
    row(ck::CKA_CERTIFICATE_TYPE, MUST_CREATE, Absent),
    row(ck::CKA_TRUSTED, OFFICER, Bool(false)),
    row(ck::CKA_CERTIFICATE_CATEGORY, 0, Ulong(ck::CK_CERTIFICATE_CATEGORY_UNSPECIFIED)),
    row(ck::CKA_CHECK_VALUE, COMPUTED | CLEARS, Absent),
    row(ck::CKA_START_DATE, 0, Empty),
    row(ck::CKA_END_DATE, 0, Empty),
    row(ck::CKA_PUBLIC_KEY_INFO, 0, Empty),
];

/// When a hash has to be there is a rule of its own.
const TRUST_ROWS: &[Row] = &[
    row(ck::CKA_ISSUER, MUST_CREATE, Absent),
    row(ck::CKA_SERIAL_NUMBER, MUST_CREATE, Absent),
    row(ck::CKA_HASH_OF_CERTIFICATE, MODIFIABLE, Empty),
    row(ck::CKA_NAME_HASH_ALGORITHM, MODIFIABLE, Ulong(ck::CKM_SHA_1)),
    row(ck::CKA_TRUST_SERVER_AUTH, MODIFIABLE, TRUST_UNKNOWN),
    row(ck::CKA_TRUST_CLIENT_AUTH, MODIFIABLE, TRUST_UNKNOWN),
    row(ck::CKA_TRUST_CODE_SIGNING, MODIFIABLE, TRUST_UNKNOWN),
    row(ck::CKA_TRUST_EMAIL_PROTECTION, MODIFIABLE, TRUST_UNKNOWN),
    row(ck::CKA_TRUST_IPSEC_IKE, MODIFIABLE, TRUST_UNKNOWN),
    row(ck::CKA_TRUST_TIME_STAMPING, MODIFIABLE, TRUST_UNKNOWN),
    row(ck::CKA_TRUST_OCSP_SIGNING, MODIFIABLE, TRUST_UNKNOWN),
];

const TRUST_UNKNOWN: Initial = Ulong(ck::CKT_TRUST_UNKNOWN as u64);

/// Common to all keys (4.8).
const KEY_ROWS: &[Row] = &[
    row(ck::CKA_KEY_TYPE, MUST_CREATE | MUST_UNWRAP, Absent),
    row(ck::CKA_ID, MODIFIABLE, Empty),
    row(ck::CKA_START_DATE, MODIFIABLE, Empty),
    row(ck::CKA_END_DATE, MODIFIABLE, Empty),
    row(ck::CKA_DERIVE, MODIFIABLE, Usage),
    row(ck::CKA_LOCAL, NEVER_GIVEN, Bool(false)),
    row(ck::CKA_KEY_GEN_MECHANISM, NEVER_GIVEN, Ulong(ck::CK_UNAVAILABLE_INFORMATION)),
    row(ck::CKA_ALLOWED_MECHANISMS, NARROWS, Absent),
];

/// What private and secret keys tell of their past.
const HISTORY_ROWS: &[Row] = &[
    row(ck::CKA_ALWAYS_SENSITIVE, NEVER_GIVEN, Bool(false)),
    row(ck::CKA_NEVER_EXTRACTABLE, NEVER_GIVEN, Bool(false)),
    row(ck::CKA_WRAP_WITH_TRUSTED, ONCE_TRUE, Bool(false)),
    row(ck::CKA_UNWRAP_TEMPLATE, 0, Absent),
    row(ck::CKA_DERIVE_TEMPLATE, 0, Absent),
];

const PUBLIC_KEY_ROWS: &[Row] = &[
    row(ck::CKA_SUBJECT, MODIFIABLE, Empty),
    row(ck::CKA_ENCRYPT, MODIFIABLE, Usage),
    row(ck::CKA_VERIFY, MODIFIABLE, Usage),
    row(ck::CKA_VERIFY_RECOVER, MODIFIABLE, Usage),
    row(ck::CKA_WRAP, MODIFIABLE, Usage),
    row(ck::CKA_ENCAPSULATE, MODIFIABLE, Usage),
    row(ck::CKA_TRUSTED, OFFICER, Bool(false)),
    row(ck::CKA_WRAP_TEMPLATE, 0, Absent),
    row(ck::CKA_ENCAPSULATE_TEMPLATE, 0, Absent),
    row(ck::CKA_PUBLIC_KEY_INFO, COMPUTED, Absent),
];

const PRIVATE_KEY_ROWS: &[Row] = &[
    row(ck::CKA_SUBJECT, MODIFIABLE, Empty),
    row(ck::CKA_SENSITIVE, MODIFIABLE | ONCE_TRUE, same(ALWAYS)),
    row(ck::CKA_DECRYPT, MODIFIABLE, Usage),
    row(ck::CKA_SIGN, MODIFIABLE, Usage),
    row(ck::CKA_SIGN_RECOVER, MODIFIABLE, Usage),
    row(ck::CKA_UNWRAP, MODIFIABLE, Usage),
    row(ck::CKA_DECAPSULATE, MODIFIABLE, Usage),
    row(ck::CKA_DECAPSULATE_TEMPLATE, 0, Absent),
    row(ck::CKA_EXTRACTABLE, MODIFIABLE | ONCE_FALSE, PRIVATE_KEY_EXTRACTABLE),
    row(ck::CKA_ALWAYS_AUTHENTICATE, 0, Bool(false)),
    // The table has footnote 8 here, but the one right value is known from the start.
    row(ck::CKA_PUBLIC_KEY_INFO, COMPUTED, Absent),
];

const SECRET_KEY_ROWS: &[Row] = &[
    row(ck::CKA_SENSITIVE, MODIFIABLE | ONCE_TRUE, SECRET_KEY_SENSITIVE),
    row(ck::CKA_ENCRYPT, MODIFIABLE, Usage),
    row(ck::CKA_DECRYPT, MODIFIABLE, Usage),
    row(ck::CKA_SIGN, MODIFIABLE, Usage),
    row(ck::CKA_VERIFY, MODIFIABLE, Usage),
    row(ck::CKA_WRAP, MODIFIABLE, Usage),
    row(ck::CKA_UNWRAP, MODIFIABLE, Usage),
    row(ck::CKA_EXTRACTABLE, MODIFIABLE | ONCE_FALSE, SECRET_KEY_EXTRACTABLE),
    row(ck::CKA_CHECK_VALUE, COMPUTED | CLEARS, Absent),
    row(ck::CKA_TRUSTED, OFFICER, Bool(false)),
    row(ck::CKA_WRAP_TEMPLATE, 0, Absent),
];

/// A private key stays inside, but for one that came in by unwrapping: it is extractable unless the template
/// says no (section 5.18, `C_UnwrapKey`).
const PRIVATE_KEY_EXTRACTABLE: Initial = same(ByOrigin { unwrap: true, ..NEVER });

/// A secret key that is stored is sensitive. One that dies with its session and did not begin here follows
/// the standard's default, false: Java's `KeyAgreement` reads the secret it has derived without asking for a
/// readable one.
const SECRET_KEY_SENSITIVE: Initial =
    Protection { token: ALWAYS, session: ByOrigin { generate: true, ..NEVER } };

/// A secret key that is stored stays inside, but for an unwrapped one as above. One that dies with its
/// session exists to be agreed on or sent: Java's `Cipher.wrap` imports or generates such keys and wraps them
/// at once.
const SECRET_KEY_EXTRACTABLE: Initial =
    Protection { token: ByOrigin { unwrap: true, ..NEVER }, session: ALWAYS };

const ALWAYS: ByOrigin = ByOrigin { create: true, generate: true, unwrap: true, derive: true };
const NEVER: ByOrigin = ByOrigin { create: false, generate: false, unwrap: false, derive: false };

const fn same(choice: ByOrigin) -> Initial {
    Protection { token: choice, session: choice }
}
