//! The key hierarchy: the token key, and the keys derived from it, one for each purpose.

use super::roster::Authentic;
use super::seal::{MacKey, Secret};
use super::tags::KnownTags;
use crate::attribute::Bytes;
use crate::crypto::SecretKey;
use openssl::error::ErrorStack;
use openssl::md::Md;
use openssl::pkey::Id;
use openssl::pkey_ctx::PkeyCtx;
use openssl::rand::rand_priv_bytes;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The token key K: 256 random bits, one per token. Copies share one place in memory, which is wiped with the last of them.
#[derive(Clone)]
pub struct TokenKey(Arc<Keys>);

struct Keys {
    serial: String,
    master: Secret,
    records: SecretKey,
    public: MacKey,
    tags: MacKey,
    known_tags: KnownTags,
    roster: MacKey,
    authentic: Authentic,
    capsules: Secret,
    id: [u8; 16],
}

impl TokenKey {
    /// A new one, for the token of this serial number.
    pub(super) fn generate(serial: &str) -> Result<Self, ErrorStack> {
        let mut master: Secret = Zeroizing::default();
        rand_priv_bytes(&mut master[..])?;
        Self::new(&master, serial)
    }

    /// K as a password or a node's ticket opened it.
    pub(crate) fn new(master: &Secret, serial: &str) -> Result<Self, ErrorStack> {
        let id = derive(master, "cloister 1 key id")?;
        Ok(TokenKey(Arc::new(Keys {
            serial: serial.to_owned(),
            master: master.clone(),
            records: Bytes::from(&derive(master, "cloister 1 records")?[..]).into(),
            public: MacKey::new(&derive(master, "cloister 1 public records")?)?,
            tags: MacKey::new(&derive(master, "cloister 1 tags")?)?,
            known_tags: KnownTags::default(),
            roster: MacKey::new(&derive(master, "cloister 1 roster")?)?,
            authentic: Authentic::default(),
            capsules: derive(master, "cloister 1 capsules")?,
            id: std::array::from_fn(|at| id[at]),
        })))
    }

    /// K itself, to be wrapped under a password or sealed into a ticket.
    pub(crate) fn master(&self) -> &Secret {
        &self.0.master
    }

    /// Seals records.
    pub(super) fn records(&self) -> &SecretKey {
        &self.0.records
    }

    /// Authenticates the readable half of public objects.
    pub(super) fn public(&self) -> &MacKey {
        &self.0.public
    }

    /// Makes the tags of private objects.
    pub(super) fn tags(&self) -> &MacKey {
        &self.0.tags
    }

    /// Those of them that come again and again.
    pub(super) fn known_tags(&self) -> &KnownTags {
        &self.0.known_tags
    }

    /// Authenticates the list of private objects.
    pub(super) fn roster(&self) -> &MacKey {
        &self.0.roster
    }

    /// The list that it has authenticated last.
    pub(super) fn authentic(&self) -> &Authentic {
        &self.0.authentic
    }

    /// Seals private session objects for their callers.
    pub(crate) fn capsules(&self) -> &Secret {
        &self.0.capsules
    }

    /// Tells this key from another token's; no secret.
    pub(super) fn id(&self) -> &[u8; 16] {
        &self.0.id
    }

    /// Serial number of its token.
    pub(super) fn serial(&self) -> &str {
        &self.0.serial
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey")
    }
}

/// HKDF-SHA256 (RFC 5869) with `label` as info and no salt: K is uniform already.
pub(crate) fn derive(master: &Secret, label: &str) -> Result<Secret, ErrorStack> {
    let mut context = PkeyCtx::new_id(Id::HKDF)?;
    context.derive_init()?;
    context.set_hkdf_md(Md::sha256())?;
    context.set_hkdf_key(&master[..])?;
    context.add_hkdf_info(label.as_bytes())?;
    let mut key = Zeroizing::new([0; 32]);
    context.derive(Some(&mut key[..]))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::super::seal::mac;
    use super::*;

    #[test]
    fn every_purpose_has_a_key_of_its_own_and_none_is_printed() {
        let key = TokenKey::new(&Zeroizing::new([7; 32]), "00").unwrap();
        let of = |key: &MacKey| mac(key, &[b"message"]).unwrap();
        let records = Secret::new(key.records()[..].try_into().unwrap());
        let secrets = [key.master(), &records, key.capsules()];
        let macs = secrets.map(|key| MacKey::new(key).unwrap()).iter().map(of).collect::<Vec<_>>();
        let all = [&macs[..], &[key.public(), key.tags(), key.roster()].map(of)].concat();
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert!(secrets.iter().all(|secret| secret[..16] != key.id()[..]));
        assert_eq!(format!("{key:?}"), "TokenKey");
    }

    #[test]
    fn derivation_is_hkdf_sha256() {
        // Computed with Python's hmac: extract with 32 zero bytes, then one block of expand.
        let key = derive(&Zeroizing::new([7; 32]), "cloister 1 records").unwrap();
        assert_eq!(hex::encode(&key[..]), "d9805e1b66507e14caf40db50fba54825dc7d91cea1b6b295bddffe17a225f24");
    }
}
