//! New post-quantum pairs, kept as OpenSSL made them. Their encodings are written when somebody asks: that takes as long as a twentieth of an ML-KEM pair.

use super::material::pair_type;
use super::parameter_set::ParameterSet;
use super::{NewPair, spki};
use crate::attribute::{AttributeType, Attributes, Bytes, Late, Parts};
use crate::crypto::ffi::named_key;
use crate::crypto::unexpected;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use openssl::pkey::{PKey, Private};
use parking_lot::Mutex;
use std::sync::Arc;

/// What two objects are made of: the `key` of that parameter set, and whatever is told of it.
pub(super) fn kept(set: &'static ParameterSet, key: PKey<Private>) -> NewPair {
    let told = Attributes::from_iter([(ck::CKA_PARAMETER_SET, set.number)]);
    let public = Arc::new(PublicHalf { set, form: Mutex::new(Form::InPair(key.clone())) });
    let private = Arc::new(PrivateHalf { set, key: key.clone(), public: public.clone() });
    NewPair {
        public: Parts { told: told.clone(), late: Some(public) },
        private: Parts { told, late: Some(private) },
        key: Some(key),
    }
}

/// The public key of a pair, which holds nothing of the private one after that is gone.
struct PublicHalf {
    set: &'static ParameterSet,
    form: Mutex<Form>,
}

enum Form {
    /// In the pair, as nobody has asked for it yet.
    InPair(PKey<Private>),
    Encoded(Bytes),
    /// The pair is gone, and OpenSSL could not encode it then.
    Lost,
}

impl PublicHalf {
    /// Who asks first lets go of the pair.
    fn encoding(&self) -> Result<Bytes> {
        let mut form = self.form.lock();
        match &*form {
            Form::InPair(key) => {
                let encoding = named_key::public_encoding(key, self.set.public).map_err(unexpected)?;
                *form = Form::Encoded(encoding.clone());
                Ok(encoding)
            }
            Form::Encoded(encoding) => Ok(encoding.clone()),
            Form::Lost => Err(Error::FunctionFailed),
        }
    }

    /// Lets go of the pair, which takes its private key with it.
    fn leave_pair(&self) {
        let mut form = self.form.lock();
        if let Form::InPair(key) = &*form {
            let encoding = named_key::public_encoding(key, self.set.public);
            *form = encoding.map_or(Form::Lost, Form::Encoded);
        }
    }
}

impl Late for PublicHalf {
    fn kinds(&self) -> &'static [AttributeType] {
        &[ck::CKA_VALUE]
    }

    fn tell(&self) -> Result<Attributes> {
        let mut told = Attributes::new();
        told.set(ck::CKA_VALUE, self.encoding()?);
        Ok(told)
    }
}

/// The private key of a pair.
struct PrivateHalf {
    set: &'static ParameterSet,
    key: PKey<Private>,
    public: Arc<PublicHalf>,
}

impl Late for PrivateHalf {
    fn kinds(&self) -> &'static [AttributeType] {
        match self.set.seed {
            Some(_) => &[ck::CKA_VALUE, ck::CKA_PUBLIC_KEY_INFO, ck::CKA_SEED],
            None => &[ck::CKA_VALUE, ck::CKA_PUBLIC_KEY_INFO],
        }
    }

    fn tell(&self) -> Result<Attributes> {
        let mut told = pair_type(self.set.key_type)?.private_parts(&self.key)?;
        // It can't be read from the private parts, only be computed again.
        told.set(ck::CKA_PUBLIC_KEY_INFO, spki::of_encoding(self.set, &self.public.encoding()?));
        Ok(told.take(self.kinds().iter().copied()))
    }
}

impl Drop for PrivateHalf {
    /// Where there is still a public key it becomes one that knows no secret.
    fn drop(&mut self) {
        // Nobody can take hold of it but through who holds it: if that is this one alone, it stays so.
        if Arc::strong_count(&self.public) > 1 {
            self.public.leave_pair();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parameter_set::PARAMETER_SETS;
    use super::*;
    use crate::crypto::generator;

    fn halves(set: &'static ParameterSet) -> (Arc<PublicHalf>, PrivateHalf) {
        let key = generator::generate(set.name).unwrap();
        let public = Arc::new(PublicHalf { set, form: Mutex::new(Form::InPair(key.clone())) });
        (public.clone(), PrivateHalf { set, key, public })
    }

    #[test]
    fn a_public_key_lets_go_of_its_pair_when_it_is_asked_or_the_private_key_goes() {
        for set in PARAMETER_SETS {
            for asked in [false, true] {
                let (public, private) = halves(set);
                let right = named_key::public_encoding(&private.key, set.public).unwrap();
                assert!(matches!(*public.form.lock(), Form::InPair(_)));
                if asked {
                    assert_eq!(public.tell().unwrap().bytes(ck::CKA_VALUE), Some(&right[..]));
                    assert!(matches!(*public.form.lock(), Form::Encoded(_)), "{:?}", set.name);
                }
                drop(private);
                assert!(matches!(*public.form.lock(), Form::Encoded(_)), "{:?}", set.name);
                assert_eq!(public.tell().unwrap().bytes(ck::CKA_VALUE), Some(&right[..]));
            }
        }
    }

    #[test]
    fn a_private_key_tells_all_that_it_says_it_tells_in_whatever_order() {
        for set in PARAMETER_SETS {
            let (public, private) = halves(set);
            let told = private.tell().unwrap();
            assert!(told.iter().map(|(kind, _)| kind).eq(private.kinds().iter().copied()), "{:?}", set.name);
            let right = private.key.public_key_to_der().unwrap();
            assert_eq!(told.bytes(ck::CKA_PUBLIC_KEY_INFO), Some(&right[..]));
            drop(public);
            assert_eq!(private.tell().unwrap(), told);
        }
    }
}
