//! Files with secrets: read only if nobody else may read them.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use openssl::pkey::{PKey, Private};
use zeroize::Zeroizing;

/// The text of a file that only its owner may read, and what the file system says of it.
///
/// # Errors
///
/// One line that names the file and says what to do.
pub fn read(path: &Path) -> Result<(Zeroizing<String>, std::fs::Metadata), String> {
    let wrong = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let file = File::open(path).map_err(|error| wrong(&error))?;
    let metadata = file.metadata().map_err(|error| wrong(&error))?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(wrong(&format_args!(
            "its permissions are {mode:04o}: others may read the secrets; set them to 0600"
        )));
    }
    // Sized at once: a buffer that grows leaves copies behind.
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX).min(LARGEST).saturating_add(1);
    let mut text = Zeroizing::new(String::with_capacity(size));
    file.take(LARGEST as u64).read_to_string(&mut text).map_err(|error| wrong(&error))?;
    Ok((text, metadata))
}

/// The one line of such a file.
///
/// # Errors
///
/// As [`read`].
pub fn line(path: &Path) -> Result<Zeroizing<String>, String> {
    let (text, _) = read(path)?;
    Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
}

/// The private key in such a file, PEM, not encrypted.
///
/// # Errors
///
/// As [`read`].
pub fn private_key(path: &Path) -> Result<PKey<Private>, String> {
    let (text, _) = read(path)?;
    // Never asks a terminal for a pass phrase: a server has none.
    PKey::private_key_from_pem_callback(text.as_bytes(), |_| Ok(0))
        .map_err(|_| format!("{}: no PEM private key without a pass phrase", path.display()))
}

/// More is no PIN, no list of access keys, and no private key.
const LARGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_private_key_is_read_from_its_owners_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.key");
        let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap();
        let write = |pem: &[u8], mode| {
            std::fs::write(&file, pem).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write(&key.private_key_to_pem_pkcs8().unwrap(), 0o600);
        assert!(private_key(&file).unwrap().public_eq(&key));
        write(&key.private_key_to_pem_pkcs8().unwrap(), 0o644);
        assert!(private_key(&file).unwrap_err().contains("0644"));
        let cipher = openssl::symm::Cipher::aes_256_cbc();
        write(&key.private_key_to_pem_pkcs8_passphrase(cipher, b"a phrase").unwrap(), 0o600);
        assert!(private_key(&file).unwrap_err().contains("without a pass phrase"));
    }

    #[test]
    fn a_secret_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pin");
        std::fs::write(&file, "a-pin\n").unwrap();
        for (mode, taken) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o644, false)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(line(&file).is_ok(), taken, "{mode:o}");
        }
        let refused = line(&file).unwrap_err();
        assert!(
            refused.contains("0644") && refused.contains("0600") && !refused.contains("a-pin"),
            "{refused}"
        );
    }
}
