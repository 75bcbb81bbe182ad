//! Every attribute of PKCS#11 3.2: number, name and form of its value.

use super::Kind;
use crate::attribute::AttributeType;
use cryptoki_sys as ck;

/// One attribute of the standard.
#[derive(Debug)]
pub struct AttributeRow {
    /// The `CKA_` number.
    pub number: AttributeType,
    /// The `CKA_` name.
    pub name: &'static str,
    /// The form of its value, the same in whatever class it appears.
    pub kind: Kind,
}

/// Declares [`ATTRIBUTES`], one name and form a line.
macro_rules! attributes {
    ($($name:ident: $kind:ident,)*) => {
        /// All attributes, in ascending order of number.
        pub const ATTRIBUTES: &[AttributeRow] = &[
            $(AttributeRow { number: ck::$name, name: stringify!($name), kind: Kind::$kind },)*
        ];
    };
}

attributes! {
    CKA_CLASS: Ulong,
    CKA_TOKEN: Bool,
    CKA_PRIVATE: Bool,
    CKA_LABEL: Bytes,
    CKA_UNIQUE_ID: Bytes,
    CKA_APPLICATION: Bytes,
    CKA_VALUE: Bytes,
    CKA_OBJECT_ID: Bytes,
    CKA_CERTIFICATE_TYPE: Ulong,
    CKA_ISSUER: Bytes,
    CKA_SERIAL_NUMBER: Bytes,
    CKA_AC_ISSUER: Bytes,
    CKA_OWNER: Bytes,
    CKA_ATTR_TYPES: Bytes,
    CKA_TRUSTED: Bool,
    CKA_CERTIFICATE_CATEGORY: Ulong,
    CKA_JAVA_MIDP_SECURITY_DOMAIN: Ulong,
    CKA_URL: Bytes,
    CKA_HASH_OF_SUBJECT_PUBLIC_KEY: Bytes,
    CKA_HASH_OF_ISSUER_PUBLIC_KEY: Bytes,
    CKA_NAME_HASH_ALGORITHM: Ulong,
    CKA_CHECK_VALUE: Bytes,
    CKA_KEY_TYPE: Ulong,
    CKA_SUBJECT: Bytes,
    CKA_ID: Bytes,
    CKA_SENSITIVE: Bool,
    CKA_ENCRYPT: Bool,
    CKA_DECRYPT: Bool,
    CKA_WRAP: Bool,
    CKA_UNWRAP: Bool,
    CKA_SIGN: Bool,
    CKA_SIGN_RECOVER: Bool,
    CKA_VERIFY: Bool,
    CKA_VERIFY_RECOVER: Bool,
    CKA_DERIVE: Bool,
    CKA_START_DATE: Date,
    CKA_END_DATE: Date,
    CKA_MODULUS: Bytes,
    CKA_MODULUS_BITS: Ulong,
    CKA_PUBLIC_EXPONENT: Bytes,
    CKA_PRIVATE_EXPONENT: Bytes,
    CKA_PRIME_1: Bytes,
    CKA_PRIME_2: Bytes,
    CKA_EXPONENT_1: Bytes,
    CKA_EXPONENT_2: Bytes,
    CKA_COEFFICIENT: Bytes,
    CKA_PUBLIC_KEY_INFO: Bytes,
    CKA_PRIME: Bytes,
    CKA_SUBPRIME: Bytes,
    CKA_BASE: Bytes,
    CKA_PRIME_BITS: Ulong,
    CKA_SUBPRIME_BITS: Ulong,
    CKA_VALUE_BITS: Ulong,
    CKA_VALUE_LEN: Ulong,
    CKA_EXTRACTABLE: Bool,
    CKA_LOCAL: Bool,
    CKA_NEVER_EXTRACTABLE: Bool,
    CKA_ALWAYS_SENSITIVE: Bool,
    CKA_KEY_GEN_MECHANISM: Ulong,
    CKA_MODIFIABLE: Bool,
    CKA_COPYABLE: Bool,
    CKA_DESTROYABLE: Bool,
    CKA_EC_PARAMS: Bytes,
    CKA_EC_POINT: Bytes,
    CKA_SECONDARY_AUTH: Bool,
    CKA_AUTH_PIN_FLAGS: Ulong,
    CKA_ALWAYS_AUTHENTICATE: Bool,
    CKA_WRAP_WITH_TRUSTED: Bool,
    CKA_OTP_FORMAT: Ulong,
    CKA_OTP_LENGTH: Ulong,
    CKA_OTP_TIME_INTERVAL: Ulong,
    CKA_OTP_USER_FRIENDLY_MODE: Bool,
    CKA_OTP_CHALLENGE_REQUIREMENT: Ulong,
    CKA_OTP_TIME_REQUIREMENT: Ulong,
    CKA_OTP_COUNTER_REQUIREMENT: Ulong,
    CKA_OTP_PIN_REQUIREMENT: Ulong,
    CKA_OTP_USER_IDENTIFIER: Bytes,
    CKA_OTP_SERVICE_IDENTIFIER: Bytes,
    CKA_OTP_SERVICE_LOGO: Bytes,
    CKA_OTP_SERVICE_LOGO_TYPE: Bytes,
    CKA_OTP_COUNTER: Bytes,
    CKA_OTP_TIME: Bytes,
    CKA_GOSTR3410_PARAMS: Bytes,
    CKA_GOSTR3411_PARAMS: Bytes,
    CKA_GOST28147_PARAMS: Bytes,
    CKA_HW_FEATURE_TYPE: Ulong,
    CKA_RESET_ON_INIT: Bool,
    CKA_HAS_RESET: Bool,
    CKA_PIXEL_X: Ulong,
    CKA_PIXEL_Y: Ulong,
    CKA_RESOLUTION: Ulong,
    CKA_CHAR_ROWS: Ulong,
    CKA_CHAR_COLUMNS: Ulong,
    CKA_COLOR: Bool,
    CKA_BITS_PER_PIXEL: Ulong,
    CKA_CHAR_SETS: Bytes,
    CKA_ENCODING_METHODS: Bytes,
    CKA_MIME_TYPES: Bytes,
    CKA_MECHANISM_TYPE: Ulong,
    CKA_REQUIRED_CMS_ATTRIBUTES: Bytes,
    CKA_DEFAULT_CMS_ATTRIBUTES: Bytes,
    CKA_SUPPORTED_CMS_ATTRIBUTES: Bytes,
    CKA_PROFILE_ID: Ulong,
    CKA_X2RATCHET_BAG: Bytes,
    CKA_X2RATCHET_BAGSIZE: Ulong,
    CKA_X2RATCHET_BOBS1STMSG: Bool,
    CKA_X2RATCHET_CKR: Bytes,
    CKA_X2RATCHET_CKS: Bytes,
    CKA_X2RATCHET_DHP: Bytes,
    CKA_X2RATCHET_DHR: Bytes,
    CKA_X2RATCHET_DHS: Bytes,
    CKA_X2RATCHET_HKR: Bytes,
    CKA_X2RATCHET_HKS: Bytes,
    CKA_X2RATCHET_ISALICE: Bool,
    CKA_X2RATCHET_NHKR: Bytes,
    CKA_X2RATCHET_NHKS: Bytes,
    CKA_X2RATCHET_NR: Ulong,
    CKA_X2RATCHET_NS: Ulong,
    CKA_X2RATCHET_PNS: Ulong,
    CKA_X2RATCHET_RK: Bytes,
    CKA_HSS_LEVELS: Ulong,
    CKA_HSS_LMS_TYPE: Ulong,
    CKA_HSS_LMOTS_TYPE: Ulong,
    CKA_HSS_LMS_TYPES: Mechanisms,
    CKA_HSS_LMOTS_TYPES: Mechanisms,
    CKA_HSS_KEYS_REMAINING: Ulong,
    CKA_PARAMETER_SET: Ulong,
    CKA_OBJECT_VALIDATION_FLAGS: Ulong,
    CKA_VALIDATION_TYPE: Ulong,
    CKA_VALIDATION_VERSION: Bytes,
    CKA_VALIDATION_LEVEL: Ulong,
    CKA_VALIDATION_MODULE_ID: Bytes,
    CKA_VALIDATION_FLAG: Ulong,
    CKA_VALIDATION_AUTHORITY_TYPE: Ulong,
    CKA_VALIDATION_COUNTRY: Bytes,
    CKA_VALIDATION_CERTIFICATE_IDENTIFIER: Bytes,
    CKA_VALIDATION_CERTIFICATE_URI: Bytes,
    CKA_VALIDATION_VENDOR_URI: Bytes,
    CKA_VALIDATION_PROFILE: Bytes,
    CKA_ENCAPSULATE_TEMPLATE: Template,
    CKA_DECAPSULATE_TEMPLATE: Template,
    CKA_TRUST_SERVER_AUTH: Ulong,
    CKA_TRUST_CLIENT_AUTH: Ulong,
    CKA_TRUST_CODE_SIGNING: Ulong,
    CKA_TRUST_EMAIL_PROTECTION: Ulong,
    CKA_TRUST_IPSEC_IKE: Ulong,
    CKA_TRUST_TIME_STAMPING: Ulong,
    CKA_TRUST_OCSP_SIGNING: Ulong,
    CKA_ENCAPSULATE: Bool,
    CKA_DECAPSULATE: Bool,
    CKA_HASH_OF_CERTIFICATE: Bytes,
    CKA_PUBLIC_CRC64_VALUE: Bytes,
    CKA_SEED: Bytes,
    CKA_WRAP_TEMPLATE: Template,
    CKA_UNWRAP_TEMPLATE: Template,
    CKA_DERIVE_TEMPLATE: Template,
    CKA_ALLOWED_MECHANISMS: Mechanisms,
}

/// The row of an attribute.
pub(super) fn find(number: AttributeType) -> Option<&'static AttributeRow> {
    let row = &ATTRIBUTES[usize::from(PLACE[number as usize % PLACES])];
    (row.number == number).then_some(row)
}

/// One more than the lowest bits of an attribute's number can be.
const PLACES: usize = 1 << 11;

/// Which row an attribute has, by the lowest bits of its number: no two share them, and every template is read by this.
static PLACE: [u8; PLACES] = {
    assert!(ATTRIBUTES.len() <= 1 << u8::BITS, "more rows than can be told by a byte");
    let mut places = [0; PLACES];
    let mut at = 0;
    while at < ATTRIBUTES.len() {
        let place = ATTRIBUTES[at].number as usize % PLACES;
        // invariant: rows are constants, so two that share their bits stop the build.
        assert!(places[place] == 0, "two attributes with the same lowest bits");
        places[place] = at as u8;
        at += 1;
    }
    places
};

/// The form of the value of an attribute that a row is about; asked by the compiler only.
pub(super) const fn kind_of(number: AttributeType) -> Kind {
    let (mut low, mut high) = (0, ATTRIBUTES.len());
    while low + 1 < high {
        let middle = (low + high) / 2;
        if ATTRIBUTES[middle].number <= number { low = middle } else { high = middle }
    }
    // invariant: rows are constants, so an attribute that is not listed stops the build.
    assert!(ATTRIBUTES[low].number == number, "a row of an attribute that there is not");
    ATTRIBUTES[low].kind
}
