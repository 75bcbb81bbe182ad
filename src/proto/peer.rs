//! Who a peer is: the role in its certificate.
//!
//! One CA vouches for all of a cluster. What a certificate is for is its subject's organizational unit, so a client's certificate can't pass
//! for a node's.

use openssl::nid::Nid;
use openssl::x509::X509Ref;

/// What a certificate of the cluster's CA is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A program with the module.
    Client,
    /// A node.
    Node,
}

impl Role {
    /// As the subject's organizational unit (OU) says it.
    pub fn unit(self) -> &'static str {
        match self {
            Role::Client => "client",
            Role::Node => "node",
        }
    }

    /// Whether a certificate, already found to be the CA's, is for this role and no other.
    pub fn is_of(self, certificate: &X509Ref) -> bool {
        let mut units = certificate.subject_name().entries_by_nid(Nid::ORGANIZATIONALUNITNAME);
        let only = units.next().filter(|_| units.next().is_none());
        only.is_some_and(|unit| unit.data().as_slice() == self.unit().as_bytes())
    }
}
