//! TLS 1.0 to 1.2: master secrets, the keys of a connection, exported keys, and the MAC of a handshake (PKCS#11 3.2, sections 6.39
//! and 6.40; RFC 5246, RFC 5705 and RFC 7627).

use super::kdf_params::{MasterSeed, TlsExport, TlsKeys, TlsMac};
use super::mac::{Authenticator, MacFamily, Macing, signs_as_it_macs};
use super::{Derived, Family, Heritage, Key, Params, Wanted, secret};
use crate::attribute::{Attributes, Bytes, Value};
use crate::crypto::Hash;
use crate::crypto::kdf::TlsPrf;
use crate::crypto::random_secret;
use crate::error::{Error, Result};
use cryptoki_sys as ck;
use std::borrow::Cow;
use zeroize::Zeroizing;

/// Bytes of a master secret, and of a premaster secret that RSA brings.
const MASTER: usize = 48;

/// Makes a premaster secret: the client's version, then random bytes.
pub struct PremasterGeneration;

/// Makes a master secret.
pub struct Master {
    /// Whether the premaster secret was brought by RSA: it has 48 bytes, of which the first two are the version.
    pub versioned: bool,
    /// What the master secret may be used for (`CKM_`), where the template does not say; empty: for anything.
    pub allowed: &'static [u64],
}

/// A TLS 1.2 master secret's uses (section 6.40.4).
pub const MASTER_USES: &[u64] = &[
    ck::CKM_TLS12_KEY_AND_MAC_DERIVE,
    ck::CKM_TLS12_KEY_SAFE_DERIVE,
    ck::CKM_TLS_KDF,
    ck::CKM_TLS_MAC,
    ck::CKM_TLS12_KDF,
    ck::CKM_TLS12_MAC,
];

/// Makes the keys of a connection: MAC keys of client and server, encryption keys of client and server, and tells the initialisation
/// vectors.
pub struct ConnectionKeys;

/// Makes a key by the exporter.
pub struct Export;

/// TLS 1.0's function itself, which tells its output and makes no key.
pub struct OldPrf;

/// The MAC of a handshake, over the hash of its messages.
pub struct Finished;

signs_as_it_macs!(Finished);

impl Family for PremasterGeneration {
    fn generate(&self, params: &Params, template: &Attributes) -> Result<Attributes> {
        let Params::Version(version) = params else { return Err(Error::MechanismParamInvalid) };
        if template.ulong(ck::CKA_VALUE_LEN).is_some_and(|length| length != MASTER as u64) {
            return Err(Error::TemplateInconsistent);
        }
        let mut value = Bytes::zeroed(MASTER);
        let (start, rest) = value.split_at_mut(version.len());
        start.copy_from_slice(version);
        random_secret(rest)?;
        let mut made = Attributes::new();
        made.set(ck::CKA_VALUE_LEN, MASTER as u64);
        made.set(ck::CKA_VALUE, value);
        Ok(made)
    }
}

impl Family for Master {
    fn derive_all(&self, keys: &[Key<'_>], params: &Params, wanted: &[Wanted]) -> Result<Derived> {
        let (Params::TlsMaster { prf, seed }, [base], [wanted]) = (params, keys, wanted) else {
            return Err(Error::MechanismParamInvalid);
        };
        let premaster = base.secret()?;
        if self.versioned && premaster.len() != MASTER {
            return Err(Error::KeySizeRange);
        }
        if wanted.length.is_some_and(|length| length != MASTER) {
            return Err(Error::TemplateInconsistent);
        }
        let mut master = Bytes::zeroed(MASTER);
        match seed {
            MasterSeed::Randoms(randoms) => {
                prf.run(premaster, &[b"master secret", &randoms.client, &randoms.server], &mut master)?;
            }
            MasterSeed::Session(hash) => {
                prf.run(premaster, &[b"extended master secret", hash], &mut master)?;
            }
        }
        let told = if self.versioned { premaster[..2].to_vec() } else { vec![] };
        Ok(Derived { values: vec![master], told })
    }

    fn plan<'a>(&self, _params: &Params, templates: &'a [Attributes]) -> Result<Cow<'a, [Attributes]>> {
        let [template] = templates else { return Err(Error::MechanismParamInvalid) };
        if self.allowed.is_empty() {
            return Ok(templates.into());
        }
        let mut template = template.copy_with_room(1);
        template.set_default(ck::CKA_ALLOWED_MECHANISMS, Value::Mechanisms(self.allowed.to_vec()));
        Ok(vec![template].into())
    }
}

/// The longest key, MAC key or initialisation vector of a cipher suite, in bytes, with much room.
const MAX_PART: usize = 1024;

/// The parameter, if all its lengths can be.
fn lengths(params: &Params) -> Result<&TlsKeys> {
    match params {
        Params::TlsKeys(choice)
            if [choice.mac, choice.key, choice.iv].iter().all(|part| *part <= MAX_PART) =>
        {
            Ok(choice)
        }
        _ => Err(Error::MechanismParamInvalid),
    }
}

impl Family for ConnectionKeys {
    fn derive_all(&self, keys: &[Key<'_>], params: &Params, wanted: &[Wanted]) -> Result<Derived> {
        let choice = lengths(params)?;
        let [base] = keys else { return Err(Error::MechanismParamInvalid) };
        let seed = [b"key expansion", &choice.randoms.server[..], &choice.randoms.client];
        let mut block = Zeroizing::new(vec![0; 2 * (choice.mac + choice.key + choice.iv)]);
        if block.is_empty() {
            return Err(Error::MechanismParamInvalid);
        }
        choice.prf.run(base.secret()?, &seed, &mut block)?;
        let (secrets, told) = block.split_at(2 * (choice.mac + choice.key));
        let mut rest = secrets;
        let parts = [choice.mac, choice.mac, choice.key, choice.key];
        let parts = parts.into_iter().filter(|length| *length > 0);
        let values = parts.zip(wanted).map(|(length, wanted)| {
            let (own, after) = rest.split_at(length);
            rest = after;
            if wanted.length.is_some_and(|wanted| wanted != length) {
                return Err(Error::TemplateInconsistent);
            }
            secret::fit(Bytes::from(own), *wanted)
        });
        Ok(Derived { values: values.collect::<Result<_>>()?, told: told.to_vec() })
    }

    /// The template is the encryption keys'. MAC keys are generic secrets for signatures, kept where the others are.
    fn plan<'a>(&self, params: &Params, templates: &'a [Attributes]) -> Result<Cow<'a, [Attributes]>> {
        let choice = lengths(params)?;
        let [template] = templates else { return Err(Error::MechanismParamInvalid) };
        let mut mac = Attributes::new();
        for kind in
            [ck::CKA_TOKEN, ck::CKA_PRIVATE, ck::CKA_MODIFIABLE, ck::CKA_SENSITIVE, ck::CKA_EXTRACTABLE]
        {
            if let Some(value) = template.get(kind) {
                mac.set(kind, value.clone());
            }
        }
        mac.set(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
        mac.set(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET);
        mac.set(ck::CKA_VALUE_LEN, choice.mac as u64);
        mac.set(ck::CKA_SIGN, true);
        mac.set(ck::CKA_VERIFY, true);
        let macs = if choice.mac > 0 { 2 } else { 0 };
        let keys = if choice.key > 0 { 2 } else { 0 };
        let plan = std::iter::repeat_n(mac, macs).chain(std::iter::repeat_n(template.clone(), keys));
        Ok(plan.collect())
    }

    fn heritage(&self) -> Heritage {
        Heritage::Same
    }
}

impl Family for Export {
    fn derive(&self, base: Key<'_>, params: &Params, wanted: Wanted) -> Result<Bytes> {
        let Params::TlsExport(TlsExport { prf, label, randoms, context }) = params else {
            return Err(Error::MechanismParamInvalid);
        };
        let context = match context {
            // RFC 5705, section 4: a context's length stands before it.
            Some(context) => {
                let length = u16::try_from(context.len()).map_err(|_| Error::MechanismParamInvalid)?;
                [&length.to_be_bytes()[..], context].concat()
            }
            None => vec![],
        };
        let mut value = Bytes::zeroed(secret::wanted_length(wanted)?);
        prf.run(base.secret()?, &[label, &randoms.client, &randoms.server, &context], &mut value)?;
        secret::fit(value, wanted)
    }

    fn heritage(&self) -> Heritage {
        Heritage::Closed
    }
}

/// The most that [`OldPrf`] tells, in bytes.
const MAX_OUTPUT: usize = 4096;

impl Family for OldPrf {
    fn derive_all(&self, keys: &[Key<'_>], params: &Params, _wanted: &[Wanted]) -> Result<Derived> {
        match (params, keys) {
            (Params::TlsPrf { label, seed, length }, [base]) if (1..=MAX_OUTPUT).contains(length) => {
                let mut told = vec![0; *length];
                TlsPrf::Old.run(base.secret()?, &[label, seed], &mut told)?;
                Ok(Derived { values: vec![], told })
            }
            _ => Err(Error::MechanismParamInvalid),
        }
    }

    fn plan<'a>(&self, _params: &Params, _templates: &'a [Attributes]) -> Result<Cow<'a, [Attributes]>> {
        Ok(Cow::default())
    }
}

/// Bytes of `verify_data`: what every version has, and as many as a MAC here can have.
const FINISHED_LENGTHS: std::ops::RangeInclusive<usize> = 12..=Hash::MAX_SIZE;

/// What is hashed is short; more is no handshake's.
const MAX_HASHES: usize = 4096;

impl MacFamily for Finished {
    fn begin(&self, key: Key<'_>, params: &Params) -> Result<Macing> {
        let Params::TlsMac(TlsMac { prf, length, server }) = params else {
            return Err(Error::MechanismParamInvalid);
        };
        if !FINISHED_LENGTHS.contains(length) || (*prf == TlsPrf::Old && *length != *FINISHED_LENGTHS.start())
        {
            return Err(Error::MechanismParamInvalid);
        }
        let label = if *server { b"server finished" } else { b"client finished" };
        let mac = FinishedMac { prf: *prf, label, key: Bytes::from(key.secret()?), hashes: Vec::new() };
        Ok(Macing::new(mac, *length, *length))
    }
}

/// The MAC of a handshake at work: its input is as short as a digest.
struct FinishedMac {
    prf: TlsPrf,
    label: &'static [u8],
    key: Bytes,
    hashes: Vec<u8>,
}

impl Authenticator for FinishedMac {
    fn update(&mut self, input: &[u8]) -> Result<()> {
        if input.len() > MAX_HASHES - self.hashes.len() {
            return Err(Error::DataLenRange);
        }
        self.hashes.extend_from_slice(input);
        Ok(())
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<()> {
        self.prf.run(&self.key, &[self.label, &self.hashes], output)
    }
}
