//! External keys and the versions of their material.

use super::settings::{self, HsmKey, Wrong};
use super::vault::KeyName;
use crate::xks::protocol::messages::KeyStatus;
use crate::xks::protocol::{ErrorName, Failure};
use std::collections::{BTreeMap, HashMap};

/// Begins the metadata of ciphertexts of which the tag covers additional data and metadata with their lengths, and after which the
/// version follows.
const FORMAT: u8 = 1;

/// An external key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) status: KeyStatus,
    versions: BTreeMap<u32, KeyName>,
}

impl Key {
    /// The version that encrypts. Settings without any are refused before.
    pub(super) fn newest(&self) -> Option<(u32, &KeyName)> {
        self.versions.last_key_value().map(|(version, name)| (*version, name))
    }

    /// The version that made a ciphertext, by its metadata.
    pub(super) fn of_metadata(&self, metadata: &[u8]) -> Result<(u32, &KeyName), Failure> {
        let refuse = |why: String| ErrorName::InvalidCiphertextException.because(why);
        let Some((&FORMAT, version)) = metadata.split_first() else {
            return Err(refuse("ciphertextMetadata is not of this proxy".to_owned()));
        };
        let version = version.try_into().map(u32::from_be_bytes);
        let version = version.map_err(|_| refuse("ciphertextMetadata is not of this proxy".to_owned()))?;
        let name = self.versions.get(&version);
        name.map(|name| (version, name)).ok_or_else(|| refuse(format!("this key has no version {version}")))
    }
}

/// The metadata of a ciphertext that `version` makes: five bytes.
pub(super) fn metadata(version: u32) -> Vec<u8> {
    [&[FORMAT][..], &version.to_be_bytes()].concat()
}

/// The keys of a prefix, by their ids.
pub(super) fn of_settings(keys: &[settings::Key]) -> Result<HashMap<String, Key>, Wrong> {
    let version = |version: &settings::KeyVersion| {
        let name = KeyName::of(&HsmKey { label: version.label.clone(), id: version.id.clone() })?;
        Ok((version.version, name))
    };
    let key = |key: &settings::Key| {
        let versions = key.versions.iter().map(version).collect::<Result<_, Wrong>>()?;
        Ok((key.id.clone(), Key { status: key.status, versions }))
    };
    keys.iter().map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xks::protocol::limits::METADATA_BYTES;

    fn key() -> Key {
        let name = |label: &str| KeyName { label: Some(label.to_owned()), id: None };
        let versions = [(7, name("seven")), (3, name("three"))].into();
        Key { status: KeyStatus::Enabled, versions }
    }

    #[test]
    fn k84_the_highest_version_encrypts_and_metadata_finds_any() {
        let key = key();
        assert_eq!(key.newest().unwrap().0, 7);
        for version in [3, 7] {
            let metadata = metadata(version);
            assert!(metadata.len() <= METADATA_BYTES);
            assert_eq!(key.of_metadata(&metadata).unwrap().0, version);
        }
    }

    #[test]
    fn metadata_of_others_is_no_ciphertext_of_this_key() {
        for metadata in
            [&[][..], b"\x01", b"\x02\0\0\0\x07", b"\x01\0\0\0\x07\0", b"\x01\0\0\0\x04", b"key_version=1"]
        {
            let name = key().of_metadata(metadata).unwrap_err().name;
            assert_eq!(name, ErrorName::InvalidCiphertextException, "{metadata:?}");
        }
    }
}
