//! A cluster's CA, and certificates of it, made for one test.

use cloister::proto::peer::Role;
use cloister_node::pki::{self, Identity};
use std::path::Path;

/// A node of the cluster.
pub const NODE: Role = Role::Node(1);

/// A client of the cluster.
pub fn client() -> Role {
    Role::Client("a-client".to_owned())
}

/// A CA.
#[derive(Clone)]
pub struct Certificates {
    /// It, with its key.
    pub ca: Identity,
}

impl Certificates {
    /// A new CA.
    pub fn new() -> Certificates {
        Certificates { ca: Identity::new_ca("test CA").unwrap() }
    }

    /// A certificate for this role.
    pub fn issue(&self, role: &Role) -> Identity {
        self.ca.issue(role).unwrap()
    }

    /// Writes `ca.pem`, `client.pem` and `client.key` of a client into `folder`.
    pub fn write_client(&self, folder: &Path) {
        pki::write_certificate(&self.ca.certificate, &folder.join("ca.pem")).unwrap();
        self.issue(&client()).write(&folder.join("client.pem"), &folder.join("client.key")).unwrap();
    }
}
