//! How material may come wrapped, and its unwrapping in the HSM.

use cryptoki::error::Error;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::types::Ulong;

use crate::crypto::oaep::Oaep;
use crate::crypto::parts::Parts;
use crate::crypto::spki;
use crate::hsm::error::Result;
use crate::hsm::{Token, Trouble};
use crate::keys::spec::{Family, Spec};

/// A wrapping algorithm.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrapping {
    /// The name on the wire.
    pub name: &'static str,
    /// The algorithm of what is directly under the RSA key.
    oaep: &'static str,
    /// Whether that is an AES key, and the material under it.
    two_steps: bool,
}

/// All that are served. RSAES_PKCS1_V1_5 no longer is, as at AWS; SM2PKE is for China's Regions.
static WRAPPINGS: &[Wrapping] = &[
    Wrapping { name: "RSAES_OAEP_SHA_1", oaep: "RSAES_OAEP_SHA_1", two_steps: false },
    Wrapping { name: "RSAES_OAEP_SHA_256", oaep: "RSAES_OAEP_SHA_256", two_steps: false },
    Wrapping { name: "RSA_AES_KEY_WRAP_SHA_1", oaep: "RSAES_OAEP_SHA_1", two_steps: true },
    Wrapping { name: "RSA_AES_KEY_WRAP_SHA_256", oaep: "RSAES_OAEP_SHA_256", two_steps: true },
];

/// The exponent of wrapping keys: 65537.
const EXPONENT: &[u8] = &[1, 0, 1];

impl Wrapping {
    /// The row of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        WRAPPINGS.iter().find(|wrapping| wrapping.name == name)
    }

    /// Whether material of that kind fits: RSA private keys are longer than what OAEP takes, and a P-521 key is for a 2048-bit wrapping key.
    pub fn takes(&self, spec: &Spec, wrapping_key: &Spec) -> bool {
        match spec.family {
            Family::Rsa(_) => self.two_steps,
            Family::Curve { width: 66, .. } => self.two_steps || wrapping_key.family != Family::Rsa(2048),
            Family::Symmetric | Family::Hmac(_) | Family::Curve { .. } | Family::Edwards => true,
            Family::MlDsa(_) | Family::MlKem(_) | Family::Absent => false,
        }
    }

    /// Whether the HSM can unwrap so.
    pub fn is_offered(&self, token: &Token) -> bool {
        token.offers(MechanismType::RSA_PKCS_OAEP)
            && (!self.two_steps || token.offers(MechanismType::AES_KEY_WRAP_PAD))
    }

    /// Unwraps in the HSM: makes the key that `template` describes. `modulus`: bytes of the wrapping key's modulus.
    ///
    /// The two steps of RSA_AES_KEY_WRAP (PKCS#11 3.2, CKM_RSA_AES_KEY_WRAP) are taken one by one, which more HSMs offer: the AES key under
    /// OAEP, then the material under the AES key (RFC 5649).
    ///
    /// # Errors
    ///
    /// `BadData` if it was wrapped otherwise, or for another key.
    pub fn unwrap(
        &self,
        token: &Token,
        wrapping_key: ObjectHandle,
        modulus: usize,
        wrapped: &[u8],
        template: &[Attribute],
    ) -> Result<ObjectHandle> {
        let oaep = Oaep::named(self.oaep).ok_or_else(|| Trouble::Unsupported(self.oaep.to_owned()))?;
        if !self.two_steps {
            return token
                .with(|session| session.unwrap_key(&oaep.mechanism(), wrapping_key, wrapped, template));
        }
        let (first, second) = wrapped
            .split_at_checked(modulus)
            .filter(|(_, second)| !second.is_empty())
            .ok_or(Trouble::BadData)?;
        token.with(|session| {
            let aes = session.unwrap_key(&oaep.mechanism(), wrapping_key, first, &key_encryption_key())?;
            let unwrapped = session.unwrap_key(&Mechanism::AesKeyWrapPad, aes, second, template);
            session.destroy_object(aes)?;
            unwrapped
        })
    }
}

/// The AES key of the two steps, for as long as they take.
fn key_encryption_key() -> [Attribute; 7] {
    [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Unwrap(true),
    ]
}

/// Makes a wrapping key in the HSM, good for unwrapping alone. `object` becomes its CKA_ID. Its public half, SubjectPublicKeyInfo in DER.
pub fn make(token: &Token, spec: &Spec, object: &[u8], label: &str) -> Result<Vec<u8>> {
    let Family::Rsa(bits) = spec.family else { return Err(Trouble::Unsupported(spec.name.to_owned())) };
    let public = [
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::ModulusBits(Ulong::new(u64::from(bits))),
        Attribute::PublicExponent(EXPONENT.to_vec()),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Unwrap(true),
        Attribute::Decrypt(false),
        Attribute::Sign(false),
        Attribute::Id(object.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let parts = token.with(|session| generate(session, &public, &private))?;
    spki::encode(spec, &parts)
}

fn generate(
    session: &Session,
    public: &[Attribute],
    private: &[Attribute],
) -> std::result::Result<Parts, Error> {
    let (public, _) = session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, public, private)?;
    let parts = Parts::read(session, public, &[AttributeType::Modulus, AttributeType::PublicExponent]);
    session.destroy_object(public)?;
    parts
}

/// Records keep a wrapping by its name.
pub mod by_name {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Wrapping;

    /// Its name.
    pub fn serialize<S: Serializer>(wrapping: &&'static Wrapping, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(wrapping.name)
    }

    /// The wrapping of that name.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Wrapping, D::Error> {
        let name = String::deserialize(deserializer)?;
        Wrapping::named(&name).ok_or_else(|| serde::de::Error::custom("unknown wrapping algorithm"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k52_k53_material_goes_only_into_wrappings_that_hold_it() {
        let spec = |name| Spec::named(name).expect("a kind");
        let takes = |wrapping, material, key| {
            Wrapping::named(wrapping).expect("a wrapping").takes(spec(material), spec(key))
        };
        for key in ["RSA_2048", "RSA_3072", "RSA_4096"] {
            for material in ["SYMMETRIC_DEFAULT", "HMAC_512", "ECC_NIST_P384", "ECC_NIST_EDWARDS25519"] {
                assert!(
                    WRAPPINGS.iter().all(|wrapping| takes(wrapping.name, material, key)),
                    "{material} under {key}"
                );
            }
            assert!(
                takes("RSA_AES_KEY_WRAP_SHA_256", "RSA_4096", key)
                    && !takes("RSAES_OAEP_SHA_256", "RSA_2048", key)
            );
            assert!(WRAPPINGS.iter().all(|wrapping| !takes(wrapping.name, "ML_DSA_44", key)));
        }
        assert!(
            takes("RSAES_OAEP_SHA_1", "ECC_NIST_P521", "RSA_3072")
                && takes("RSA_AES_KEY_WRAP_SHA_1", "ECC_NIST_P521", "RSA_2048")
        );
        assert!(!takes("RSAES_OAEP_SHA_1", "ECC_NIST_P521", "RSA_2048"));
    }

    #[test]
    fn k52_wrappings_that_aws_gave_up_or_keeps_for_china_are_none() {
        assert!(Wrapping::named("RSAES_PKCS1_V1_5").is_none() && Wrapping::named("SM2PKE").is_none());
    }
}
