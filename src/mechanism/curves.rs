//! The elliptic curves and the names they go by in `CKA_EC_PARAMS` (PKCS#11 3.2, section 6.3).

use super::der::OBJECT_IDENTIFIER;
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use once_cell::sync::OnceCell;
use openssl::ec::EcGroup;
use openssl::nid::Nid;
use openssl::pkey::{HasParams, Id, PKeyRef};
use std::ffi::CStr;
use std::sync::LazyLock;

/// One curve.
#[derive(Debug)]
pub struct Curve {
    /// Printable names, compared without regard to case.
    pub names: &'static [&'static str],
    /// DER of its object identifier.
    pub oid: &'static [u8],
    /// Other encodings that clients send: older identifiers (OpenPGP, OpenSC), and mistakes that are in use.
    pub others: &'static [&'static [u8]],
    /// `CKK_` number of its keys.
    pub key_type: u64,
    /// OpenSSL's kind of key.
    pub id: Id,
    /// OpenSSL's number of the curve.
    pub nid: Nid,
    /// OpenSSL's name of the curve, or of the kind of key that is on no other.
    pub name: &'static CStr,
    /// Bits of the field.
    pub bits: u64,
    /// Bytes of a private key, of one coordinate and of half a signature: the same on each of these curves.
    pub size: usize,
}

/// All curves, each once. All have a cofactor of 1 or, by their own definition, clear it in the private key.
pub static CURVES: &[Curve] = &[
    weierstrass(&["secp224r1", "P-224"], b"\x06\x05\x2b\x81\x04\x00\x21", Nid::SECP224R1, c"secp224r1", 224),
    weierstrass(
        &["secp256r1", "prime256v1", "P-256"],
        b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
        Nid::X9_62_PRIME256V1,
        c"prime256v1",
        256,
    ),
    weierstrass(&["secp384r1", "P-384"], b"\x06\x05\x2b\x81\x04\x00\x22", Nid::SECP384R1, c"secp384r1", 384),
    weierstrass(&["secp521r1", "P-521"], b"\x06\x05\x2b\x81\x04\x00\x23", Nid::SECP521R1, c"secp521r1", 521),
    weierstrass(&["secp256k1"], b"\x06\x05\x2b\x81\x04\x00\x0a", Nid::SECP256K1, c"secp256k1", 256),
    weierstrass(
        &["brainpoolP224r1"],
        b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x05",
        Nid::BRAINPOOL_P224R1,
        c"brainpoolP224r1",
        224,
    ),
    weierstrass(
        &["brainpoolP256r1"],
        b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07",
        Nid::BRAINPOOL_P256R1,
        c"brainpoolP256r1",
        256,
    ),
    weierstrass(
        &["brainpoolP320r1"],
        b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x09",
        Nid::BRAINPOOL_P320R1,
        c"brainpoolP320r1",
        320,
    ),
    weierstrass(
        &["brainpoolP384r1"],
        b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0b",
        Nid::BRAINPOOL_P384R1,
        c"brainpoolP384r1",
        384,
    ),
    weierstrass(
        &["brainpoolP512r1"],
        b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0d",
        Nid::BRAINPOOL_P512R1,
        c"brainpoolP512r1",
        512,
    ),
    // Too small for new keys; there are old ones, and suites that try it.
    weierstrass(
        &["secp192r1", "prime192v1", "P-192"],
        b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x01",
        Nid::X9_62_PRIME192V1,
        c"prime192v1",
        192,
    ),
    Curve {
        names: &["edwards25519", "Ed25519"],
        oid: b"\x06\x03\x2b\x65\x70",
        others: &[b"\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01"],
        key_type: ck::CKK_EC_EDWARDS,
        id: Id::ED25519,
        nid: Nid::UNDEF,
        name: c"ED25519",
        bits: 255,
        size: 32,
    },
    Curve {
        names: &["edwards448", "Ed448"],
        oid: b"\x06\x03\x2b\x65\x71",
        others: &[],
        key_type: ck::CKK_EC_EDWARDS,
        id: Id::ED448,
        nid: Nid::UNDEF,
        name: c"ED448",
        bits: 448,
        size: 57,
    },
    Curve {
        names: &["curve25519", "X25519"],
        oid: b"\x06\x03\x2b\x65\x6e",
        others: &[
            b"\x06\x0a\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01",
            // What OpenSC 0.23 sends: a PrintableString that claims a byte too many.
            b"\x13\x0bcurve25519",
        ],
        key_type: ck::CKK_EC_MONTGOMERY,
        id: Id::X25519,
        nid: Nid::UNDEF,
        name: c"X25519",
        bits: 255,
        size: 32,
    },
    Curve {
        names: &["curve448", "X448"],
        oid: b"\x06\x03\x2b\x65\x6f",
        others: &[],
        key_type: ck::CKK_EC_MONTGOMERY,
        id: Id::X448,
        nid: Nid::UNDEF,
        name: c"X448",
        bits: 448,
        size: 56,
    },
];

const fn weierstrass(
    names: &'static [&'static str],
    oid: &'static [u8],
    nid: Nid,
    name: &'static CStr,
    bits: u64,
) -> Curve {
    let size = bits.div_ceil(8) as usize;
    Curve { names, oid, others: &[], key_type: ck::CKK_EC, id: Id::EC, nid, name, bits, size }
}

/// A DER tag.
const PRINTABLE_STRING: u8 = 0x13;

/// OpenSSL's groups, each made when it is first asked for.
static GROUPS: LazyLock<Vec<(Nid, OnceCell<EcGroup>)>> = LazyLock::new(|| {
    let named = CURVES.iter().filter(|curve| curve.id == Id::EC);
    named.map(|curve| (curve.nid, OnceCell::new())).collect()
});

impl Curve {
    /// OpenSSL's group of a curve whose keys are numbers and points, else `CurveNotSupported`. To make one takes as long as some
    /// operations with it.
    pub fn group(&self) -> Result<&'static EcGroup> {
        let place = GROUPS.iter().find(|(nid, _)| *nid == self.nid).ok_or(Error::CurveNotSupported)?;
        place.1.get_or_try_init(|| EcGroup::from_curve_name(self.nid).map_err(unexpected))
    }

    /// The curve that `params` (a value of `CKA_EC_PARAMS`) names, for keys of `key_type` (`CKK_`).
    ///
    /// A curve unknown, or one for another type of key, is `CurveNotSupported`; anything that is no name,
    /// explicit parameters among them, is `DomainParamsInvalid`.
    pub fn named(key_type: u64, params: &[u8]) -> Result<&'static Curve> {
        let curve = match params {
            known if CURVES.iter().any(|curve| curve.others.contains(&known)) => {
                CURVES.iter().find(|curve| curve.others.contains(&known))
            }
            [OBJECT_IDENTIFIER, length, rest @ ..] if usize::from(*length) == rest.len() => {
                CURVES.iter().find(|curve| curve.oid == params)
            }
            [PRINTABLE_STRING, length, name @ ..] if usize::from(*length) == name.len() => CURVES
                .iter()
                .find(|curve| curve.names.iter().any(|n| n.as_bytes().eq_ignore_ascii_case(name))),
            _ => return Err(Error::DomainParamsInvalid),
        };
        curve.filter(|curve| curve.key_type == key_type).ok_or(Error::CurveNotSupported)
    }

    /// The curve of a key; one that is on none is `KeyTypeInconsistent`.
    pub fn of<T: HasParams>(key: &PKeyRef<T>) -> Result<&'static Curve> {
        let Ok(ec) = key.ec_key() else { return Curve::alone_of(key.id()).ok_or(Error::KeyTypeInconsistent) };
        let nid = ec.group().curve_name().ok_or(Error::CurveNotSupported)?;
        let found = CURVES.iter().find(|curve| curve.id == Id::EC && curve.nid == nid);
        found.ok_or(Error::CurveNotSupported)
    }

    /// The curve that keys of OpenSSL's kind `id` are on, if it is but one.
    pub fn alone_of(id: Id) -> Option<&'static Curve> {
        CURVES.iter().find(|curve| curve.id == id && curve.id != Id::EC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::asn1::Asn1Object;

    #[test]
    fn every_identifier_is_the_one_openssl_knows() {
        for curve in CURVES {
            let nid = if curve.nid == Nid::UNDEF { Nid::from_raw(curve.id.as_raw()) } else { curve.nid };
            let object = Asn1Object::from_str(nid.short_name().unwrap()).unwrap();
            assert_eq!(&curve.oid[2..], object.as_slice(), "{:?}", curve.names);
            assert_eq!(nid.short_name().unwrap(), curve.name.to_str().unwrap());
        }
    }

    #[test]
    fn a_curve_is_found_by_identifier_and_by_printable_name() {
        for curve in CURVES {
            for oid in curve.others.iter().copied().chain([curve.oid]) {
                assert!(std::ptr::eq(Curve::named(curve.key_type, oid).unwrap(), curve));
            }
            for name in curve.names {
                let params = [&[0x13, name.len() as u8], name.to_uppercase().as_bytes()].concat();
                assert!(std::ptr::eq(Curve::named(curve.key_type, &params).unwrap(), curve));
            }
        }
    }

    #[test]
    fn unknown_curves_and_other_forms_are_refused() {
        let secp160r1 = b"\x06\x05\x2b\x81\x04\x00\x08";
        let explicit = b"\x30\x03\x02\x01\x01";
        let ed25519 = b"\x06\x03\x2b\x65\x70";
        assert_eq!(Curve::named(ck::CKK_EC, secp160r1).unwrap_err(), Error::CurveNotSupported);
        assert_eq!(Curve::named(ck::CKK_EC, ed25519).unwrap_err(), Error::CurveNotSupported);
        for params in [&explicit[..], b"", b"\x05\x00", b"\x06", b"\x06\x04\x2b\x65\x70", b"\x13\x09P-256"] {
            assert_eq!(Curve::named(ck::CKK_EC, params).unwrap_err(), Error::DomainParamsInvalid);
        }
    }
}
