//! Files with secrets: read only if nobody else may read them.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

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

/// More is no PIN, and no list of access keys.
const LARGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

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
