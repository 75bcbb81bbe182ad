//! Who a peer is: the role in its certificate.
//!
//! One CA vouches for all of a cluster. What a certificate is for stands in its subject alternative name as a URI, which only the CA can
//! write: `cloister://node/<id, 16 hex digits>` or `cloister://client/<name>`. So a client's certificate can't pass for a node's.

use openssl::x509::X509Ref;

/// What a certificate of the cluster's CA is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The node with this id.
    Node(u64),
    /// A program with the module, by a name for people.
    Client(String),
}

/// What all our URIs begin with.
const SCHEME: &str = "cloister://";

/// A URI that a node's certificate may have besides its role: until when, in seconds since 1970, the node may join.
pub const INVITED_UNTIL: &str = "cloister://invited-until/";

/// The longest name of a client or a node.
pub const LONGEST_NAME: usize = 64;

impl Role {
    /// The URI that says so; `None` for a client whose name is none ([`is_name`]).
    pub fn uri(&self) -> Option<String> {
        match self {
            Role::Node(id) => Some(format!("{SCHEME}node/{id:016x}")),
            Role::Client(name) => is_name(name).then(|| format!("{SCHEME}client/{name}")),
        }
    }

    /// Reads what [`Self::uri`] writes, and nothing else.
    pub fn of_uri(uri: &str) -> Option<Role> {
        let (kind, name) = uri.strip_prefix(SCHEME)?.split_once('/')?;
        let role = match kind {
            "node" => Role::Node(u64::from_str_radix(name, 16).ok()?),
            "client" => Role::Client(name.to_owned()),
            _ => return None,
        };
        // One way to write each: no leading signs, no other lengths.
        (role.uri()? == uri).then_some(role)
    }

    /// The role in a certificate; `None` without exactly one. That the CA signed it is for TLS to check.
    pub fn of(certificate: &X509Ref) -> Option<Role> {
        let names = certificate.subject_alt_names()?;
        let uris = names.iter().filter_map(|name| name.uri());
        let mut roles = uris.filter(|uri| !uri.starts_with(INVITED_UNTIL));
        match (roles.next(), roles.next()) {
            (Some(uri), None) => Role::of_uri(uri),
            _ => None,
        }
    }

    /// Whether this is a node's role.
    pub fn is_node(&self) -> bool {
        matches!(self, Role::Node(_))
    }

    /// Whether this is a client's role.
    pub fn is_client(&self) -> bool {
        matches!(self, Role::Client(_))
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Role::Node(id) => write!(f, "node {id:016x}"),
            Role::Client(name) => write!(f, "client {name}"),
        }
    }
}

/// Whether a text may be the name of a client or a node: 1 to 64 letters, digits, `-`, `_` and `.`.
pub fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::x509::X509;
    use openssl::x509::extension::SubjectAlternativeName;

    fn certificate(uris: &[&str]) -> X509 {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_pubkey(&key).unwrap();
        if !uris.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for uri in uris {
                names.uri(uri);
            }
            let names = names.build(&builder.x509v3_context(None, None)).unwrap();
            builder.append_extension(names).unwrap();
        }
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        builder.build()
    }

    const NODE: &str = "cloister://node/00000000000000ff";
    const CLIENT: &str = "cloister://client/web-1";

    #[test]
    fn a_certificate_has_one_role_or_none() {
        let role = |uris: &[&str]| Role::of(&certificate(uris));
        assert_eq!(role(&[NODE]), Some(Role::Node(0xff)));
        assert_eq!(role(&[CLIENT]), Some(Role::Client("web-1".to_owned())));
        for uris in
            [&[][..], &[NODE, CLIENT], &[NODE, NODE], &[NODE, "https://example"], &["https://example"]]
        {
            assert_eq!(role(uris), None, "{uris:?}");
        }
    }

    #[test]
    fn an_invitation_is_no_role() {
        let role = |uris: &[&str]| Role::of(&certificate(uris));
        let invited = "cloister://invited-until/1900000000";
        assert_eq!(role(&[NODE, invited]), Some(Role::Node(0xff)));
        assert_eq!(role(&[invited]), None);
        assert_eq!(role(&[NODE, CLIENT, invited]), None);
    }

    #[test]
    fn a_role_is_read_as_it_is_written_and_in_no_other_way() {
        for role in [Role::Node(0), Role::Node(u64::MAX), Role::Client("a.b_c-9".to_owned())] {
            assert_eq!(Role::of_uri(&role.uri().unwrap()), Some(role));
        }
        for uri in [
            "cloister://node/1",
            "cloister://node/+000000000000001",
            "cloister://node/00000000000000FF",
            "cloister://client/",
            "cloister://client/a/b",
            "cloister://x/y",
        ] {
            assert_eq!(Role::of_uri(uri), None, "{uri}");
        }
    }
}
