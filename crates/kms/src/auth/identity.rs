//! Identity policies: what accounts allow their own users and roles, kept in files.
//!
//! `<directory>/<account>/<user-or-role-name>/*.json`, each file one policy document. A user and a role of one
//! account share a name only if they are meant to share their policies.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::policy::Document;

/// One policy document, as it stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyText {
    /// The file, for messages about it.
    pub file: PathBuf,
    /// The document.
    pub text: String,
}

/// The identity policies of all principals, as they were when they were read: their texts, or what these say.
#[derive(Clone, Debug)]
pub struct Identities<P = PolicyText> {
    by_principal: HashMap<(String, String), Vec<P>>,
}

/// No identity has a policy.
impl<P> Default for Identities<P> {
    fn default() -> Self {
        Self { by_principal: HashMap::new() }
    }
}

/// Why the policies could not be read.
#[derive(Debug)]
pub struct Unreadable {
    /// The file or directory.
    pub path: PathBuf,
    /// What went wrong.
    pub cause: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.cause)
    }
}

impl std::error::Error for Unreadable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

impl Identities {
    /// Reads `directory`. All or nothing: one file that can't be read fails it, because a policy that is left
    /// out may be the one that denies. What is neither a directory (of accounts, of names) nor a `*.json` file is
    /// no policy and is passed over.
    pub fn load(directory: &Path) -> Result<Self, Unreadable> {
        let mut by_principal = HashMap::new();
        for account in entries(directory)?.into_iter().filter(|path| path.is_dir()) {
            for principal in entries(&account)?.into_iter().filter(|path| path.is_dir()) {
                let key = (file_name(&account)?, file_name(&principal)?);
                by_principal.insert(key, policies_in(&principal)?);
            }
        }
        Ok(Self { by_principal })
    }

    /// Parses all of them, once for all requests.
    ///
    /// # Errors
    ///
    /// The first that isn't a policy, with its file; a policy left out may be the one that denies.
    pub fn parse(self) -> Result<Identities<Arc<Document>>, Unreadable> {
        let parse = |PolicyText { file, text }| match Document::parse_identity(&text) {
            Ok(document) => Ok(Arc::new(document)),
            Err(fault) => Err(Unreadable {
                path: file,
                cause: io::Error::new(io::ErrorKind::InvalidData, fault.message),
            }),
        };
        let by_principal = self
            .by_principal
            .into_iter()
            .map(|(principal, texts)| {
                Ok((principal, texts.into_iter().map(parse).collect::<Result<_, _>>()?))
            })
            .collect::<Result<_, _>>()?;
        Ok(Identities { by_principal })
    }
}

impl<P> Identities<P> {
    /// The policies of the user or role behind `arn`, by file name; none for a root, which needs none.
    pub fn policies(&self, arn: &str) -> &[P] {
        if self.by_principal.is_empty() {
            return &[];
        }
        principal(arn)
            .and_then(|(account, name)| self.by_principal.get(&(account.to_owned(), name.to_owned())))
            .map_or(&[], Vec::as_slice)
    }
}

/// Account and name of a user's, role's or assumed role's ARN; paths (`user/team/alice`) are no part of the name.
fn principal(arn: &str) -> Option<(&str, &str)> {
    let mut fields = arn.splitn(6, ':');
    let (account, resource) = (fields.nth(4)?, fields.next()?);
    let (kind, rest) = resource.split_once('/')?;
    let name = match kind {
        "user" | "role" => rest.rsplit('/').next()?,
        "assumed-role" => rest.split('/').next()?,
        _ => return None,
    };
    Some((account, name))
}

fn policies_in(directory: &Path) -> Result<Vec<PolicyText>, Unreadable> {
    entries(directory)?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|file| match fs::read_to_string(&file) {
            Ok(text) => Ok(PolicyText { file, text }),
            Err(cause) => Err(Unreadable { path: file, cause }),
        })
        .collect()
}

/// What is in `directory`, by name.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, Unreadable> {
    let read = || fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let mut paths = read().map_err(|cause| Unreadable { path: directory.to_owned(), cause })?;
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> Result<String, Unreadable> {
    path.file_name().and_then(|name| name.to_str()).map(str::to_owned).ok_or_else(|| Unreadable {
        path: path.to_owned(),
        cause: io::Error::new(io::ErrorKind::InvalidData, "the name is not UTF-8"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(directory: &Path, file: &str, text: &str) {
        let path = directory.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn texts(identities: &Identities, arn: &str) -> Vec<String> {
        identities.policies(arn).iter().map(|policy| policy.text.clone()).collect()
    }

    #[test]
    fn k36_users_and_roles_have_the_policies_of_their_directory_in_the_order_of_names() {
        let directory = tempfile::tempdir().unwrap();
        put(directory.path(), "111122223333/alice/b.json", "second");
        put(directory.path(), "111122223333/alice/a.json", "first");
        put(directory.path(), "111122223333/alice/notes.txt", "no policy");
        put(directory.path(), "444455556666/alice/a.json", "another account's alice");
        let identities = Identities::load(directory.path()).unwrap();
        assert_eq!(texts(&identities, "arn:aws:iam::111122223333:user/alice"), ["first", "second"]);
        assert_eq!(texts(&identities, "arn:aws:iam::111122223333:user/team/alice"), ["first", "second"]);
        assert_eq!(texts(&identities, "arn:aws:iam::111122223333:role/alice"), ["first", "second"]);
        assert_eq!(
            texts(&identities, "arn:aws:sts::111122223333:assumed-role/alice/any-session"),
            ["first", "second"]
        );
        assert_eq!(texts(&identities, "arn:aws:iam::444455556666:user/alice"), ["another account's alice"]);
    }

    #[test]
    fn k36_a_text_that_is_no_policy_fails_the_whole_and_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let policy =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;
        put(directory.path(), "111122223333/alice/a.json", policy);
        let parsed = Identities::load(directory.path()).unwrap().parse().unwrap();
        assert_eq!(parsed.policies("arn:aws:iam::111122223333:user/alice").len(), 1);
        put(directory.path(), "111122223333/bob/broken.json", "{}");
        let refused = Identities::load(directory.path()).unwrap().parse().unwrap_err();
        assert!(refused.to_string().contains("broken.json"), "{refused}");
    }

    #[test]
    fn who_has_no_directory_has_no_policies() {
        let directory = tempfile::tempdir().unwrap();
        put(directory.path(), "111122223333/alice/a.json", "{}");
        let identities = Identities::load(directory.path()).unwrap();
        for arn in [
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:user/bob",
            "arn:aws:sts::111122223333:assumed-role/bob/alice",
            "arn:aws:iam::111122223333:alice",
            "alice",
            "",
        ] {
            assert!(identities.policies(arn).is_empty(), "{arn}");
        }
    }

    #[test]
    fn a_policy_that_can_not_be_read_fails_the_whole_and_names_its_file() {
        let directory = tempfile::tempdir().unwrap();
        put(directory.path(), "111122223333/alice/a.json", "{}");
        fs::write(directory.path().join("111122223333/alice/z.json"), [0xff, 0xfe]).unwrap();
        let refused = Identities::load(directory.path()).unwrap_err();
        assert!(refused.to_string().contains("z.json"), "{refused}");
        assert!(Identities::load(&directory.path().join("absent")).is_err());
    }
}
