//! Paths of the API: `[/prefix]/kms/xks/v1/health` and `[/prefix]/kms/xks/v1/keys/<externalKeyId>/<operation>`.

use std::fmt;

/// What follows a prefix.
pub const BASE: &str = "/kms/xks/v1";

/// What can be asked of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// What kind of key an external key is.
    GetKeyMetadata,
    /// AES-GCM under an external key.
    Encrypt,
    /// Its reverse.
    Decrypt,
    /// Whether the proxy and what lies behind it work.
    GetHealthStatus,
}

impl Operation {
    /// Those that concern a key, with the last part of their paths.
    const OF_KEYS: [(Operation, &str); 3] = [
        (Operation::GetKeyMetadata, "metadata"),
        (Operation::Encrypt, "encrypt"),
        (Operation::Decrypt, "decrypt"),
    ];

    /// The specification's name.
    pub const fn name(self) -> &'static str {
        match self {
            Operation::GetKeyMetadata => "GetKeyMetadata",
            Operation::Encrypt => "Encrypt",
            Operation::Decrypt => "Decrypt",
            Operation::GetHealthStatus => "GetHealthStatus",
        }
    }
}

/// What a path is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// The proxy itself.
    Health,
    /// An external key, by an id that is not checked yet.
    Key(&'a str, Operation),
}

/// A path, taken apart. Shows itself as that path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// Empty, or `/` and more.
    pub prefix: &'a str,
    /// What it is about.
    pub target: Target<'a>,
}

impl<'a> Route<'a> {
    /// Takes a path apart, if it is one of the API's.
    pub fn of(path: &'a str) -> Option<Route<'a>> {
        let (head, last) = path.rsplit_once('/')?;
        if last == "health" {
            return Some(Route { prefix: head.strip_suffix(BASE)?, target: Target::Health });
        }
        let (operation, _) = Operation::OF_KEYS.into_iter().find(|(_, part)| *part == last)?;
        let (head, id) = head.rsplit_once('/')?;
        let prefix = head.strip_suffix("/keys")?.strip_suffix(BASE)?;
        Some(Route { prefix, target: Target::Key(id, operation) })
    }

    /// What is asked.
    pub fn operation(&self) -> Operation {
        match self.target {
            Target::Health => Operation::GetHealthStatus,
            Target::Key(_, operation) => operation,
        }
    }
}

impl fmt::Display for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{BASE}", self.prefix)?;
        match self.target {
            Target::Health => f.write_str("/health"),
            Target::Key(id, wanted) => {
                let mut parts = Operation::OF_KEYS.into_iter();
                // Health is no operation of a key: such a route shows itself as no path of the API.
                let part = parts.find(|(operation, _)| *operation == wanted).map_or("", |(_, part)| part);
                write!(f, "/keys/{id}/{part}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_and_put_together() {
        for (path, prefix, operation) in [
            ("/kms/xks/v1/health", "", Operation::GetHealthStatus),
            ("/a/b/kms/xks/v1/health", "/a/b", Operation::GetHealthStatus),
            ("/kms/xks/v1/keys/k.1/metadata", "", Operation::GetKeyMetadata),
            ("/a/kms/xks/v1/keys/health/encrypt", "/a", Operation::Encrypt),
            ("/kms/xks/v1/kms/xks/v1/keys/keys/decrypt", "/kms/xks/v1", Operation::Decrypt),
        ] {
            let route = Route::of(path).unwrap();
            assert_eq!((route.prefix, route.operation()), (prefix, operation), "{path}");
            assert_eq!(route.to_string(), path);
        }
    }

    #[test]
    fn other_paths_are_none() {
        for path in [
            "",
            "/",
            "health",
            "/health",
            "/kms/xks/v1",
            "/kms/xks/v1/",
            "/kms/xks/v2/health",
            "/kms/xks/v1/health/",
            "/kms/xks/v1/keys/k/sign",
            "/kms/xks/v1/keys/encrypt",
            "/kms/xks/v1/keys/a/b/encrypt",
            "/kms/xks/v1/keys/k/encrypt/",
            "/KMS/xks/v1/keys/k/encrypt",
        ] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }
}
