//! What only nodes know, got as a member gets it, to look for it where it must not be.

use super::Node;
use super::strangers::ask_as_node;
use cloister::attribute::Bytes;
use cloister::token::local::LocalToken;
use cloister::token::local::export::ClusterKey;
use cloister_node::clock;
use cloister_node::folder::Folder;
use cloister_node::neighbours::{Question, Reply};
use openssl::md::Md;
use openssl::pkey::Id;
use openssl::pkey_ctx::PkeyCtx;
use openssl::symm::{Cipher, decrypt_aead};
use zeroize::Zeroizing;

/// The cluster keys, and a login.
pub struct Secrets {
    pub masters: Vec<Bytes>,
    pub ticket: Bytes,
    token: LocalToken,
    _copy: tempfile::TempDir,
}

impl Secrets {
    /// As the members of `node`'s cluster know them.
    pub fn of(node: &Node, ticket: &Bytes) -> Secrets {
        let folder = Folder::look(&node.data()).unwrap();
        let Some(Reply::Keys(masters)) = ask_as_node(node, folder.identity(), &Question::Keys) else {
            panic!("no keys");
        };
        // A copy as of one moment, of a store that is written to.
        let copy = tempfile::tempdir().unwrap();
        let store = cloister::store::Store::open_replica(&folder.token()).unwrap();
        store.copy(&copy.path().join("token.db")).unwrap();
        let store = cloister::store::Store::open_replica(copy.path()).unwrap();
        let token = LocalToken::replicated(store.into(), Default::default());
        Secrets { masters, ticket: ticket.clone(), token, _copy: copy }
    }

    /// The login, in a ticket that is over.
    pub fn expired(&self) -> Bytes {
        let key = ClusterKey::new(&Zeroizing::new(self.masters[0][..].try_into().unwrap())).unwrap();
        let opened = self.token.import_ticket(&self.ticket, &key, clock::now()).unwrap();
        self.token.export_ticket(&opened.ticket, &key, clock::now() - 1).unwrap()
    }

    /// The token key, as it is in the ticket.
    pub fn token_key(&self) -> Bytes {
        let mut key = [0; 32];
        let mut context = PkeyCtx::new_id(Id::HKDF).unwrap();
        context.derive_init().unwrap();
        context.set_hkdf_md(Md::sha256()).unwrap();
        context.set_hkdf_key(&self.masters[0]).unwrap();
        context.add_hkdf_info(b"cloister 1 tickets").unwrap();
        context.derive(Some(&mut key)).unwrap();
        let (nonce, rest) = self.ticket[1..].split_at(12);
        let (body, tag) = rest.split_at(rest.len() - 16);
        let claims =
            decrypt_aead(Cipher::aes_256_gcm(), &key, Some(nonce), b"cloister 1 ticket", body, tag).unwrap();
        // The one field of 32 bytes, after its length.
        let length = 32u64.to_le_bytes();
        let at = claims.windows(8).position(|bytes| bytes == length).unwrap() + 8;
        claims[at..at + 32].into()
    }
}
