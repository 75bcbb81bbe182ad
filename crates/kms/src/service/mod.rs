//! The service behind the wire: what all operations share, and the way of one request through it.

mod access;
mod call;
mod facts;
mod half_done;
mod key;
mod reach;
mod stores;

use std::sync::Arc;

pub use access::Ask;
pub use call::Call;
pub use half_done::HalfDone;
pub use key::Key;
pub use stores::{Stores, missing as missing_store};

use crate::api::error::{Code, Fault};
use crate::audit::Trail;
use crate::auth::identity::Identities;
use crate::auth::strangers::Strangers;
use crate::book::Book;
use crate::clock::Clock;
use crate::crypto::last_use::LastUses;
use crate::crypto::material::Handles;
use crate::housekeeping::House;
use crate::hsm::{Token, Trouble};
use crate::keys::grants::Known;
use crate::policy::Document;
use crate::quota::Quotas;
use crate::settings::Settings;

/// Everything a front is made of. One for all connections.
pub struct Service {
    /// How it was set up.
    pub settings: Settings,
    /// What time it is for keys.
    pub clock: Clock,
    /// The default key store: the token that also keeps the records.
    pub token: Arc<Token>,
    /// The records.
    pub book: Arc<Book>,
    /// The custom key stores.
    pub stores: Arc<Stores>,
    /// Request quotas, if there are any.
    pub quotas: Option<Quotas>,
    /// The audit trail, if one is kept.
    pub trail: Option<Trail>,
    /// Where key material was last found in the HSMs.
    pub handles: Handles,
    /// What is due with keys, and when.
    pub house: House,
    /// When keys last did their work, as far as it isn't written yet.
    pub last_uses: LastUses,
    /// The identity policies of users and roles.
    pub identities: Identities<Arc<Document>>,
    /// The access keys that were just looked for in vain.
    pub strangers: Strangers,
    /// The grants of keys, as they were last read.
    pub grants: Known,
    /// What is half done in custom key stores, as far as this front has met it.
    pub half_done: HalfDone,
}

impl Service {
    /// A service over `token`, the default key store.
    pub fn new(settings: Settings, token: Arc<Token>, trail: Option<Trail>) -> Self {
        let quotas = settings.throttle.as_ref().map(Quotas::new);
        let book = Arc::new(Book::new(token.clone()));
        let stores = Arc::new(Stores::new(&settings, book.clone()));
        Self {
            quotas,
            settings,
            clock: Clock::default(),
            book,
            token,
            stores,
            trail,
            handles: Handles::default(),
            house: House::default(),
            last_uses: LastUses::default(),
            identities: Identities::default(),
            strangers: Strangers::default(),
            grants: Known::default(),
            half_done: HalfDone::default(),
        }
    }
}

/// What a caller reads when the HSM behind the default key store, or the book in it, fails: nothing about keys, whether it is worth trying again.
impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        match &trouble {
            Trouble::Unsupported(_) => {
                Code::UnsupportedOperationException.because("The key store's HSM does not offer this.")
            }
            Trouble::Crowded(_) => Code::ThrottlingException.because(
                "You have exceeded the rate at which one resource can be changed. Reduce the frequency of your calls.",
            ),
            trouble if trouble.is_passing() => {
                tracing::warn!(%trouble, "the HSM can't serve now");
                Code::DependencyTimeoutException.because(
                    "The system timed out while trying to fulfill the request. The request can be retried.",
                )
            }
            trouble => {
                tracing::error!(%trouble, "the HSM failed");
                Fault::internal()
            }
        }
    }
}
