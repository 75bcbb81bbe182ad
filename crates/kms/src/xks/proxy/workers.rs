//! Blocking calls of the key manager: so many at once, and none waited for longer than KMS waits.

use super::vault::{Vault, VaultError};
use crate::xks::protocol::{ErrorName, Failure};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// What calls the key manager.
pub(super) struct Workers {
    vault: Arc<dyn Vault>,
    free: Arc<Semaphore>,
    deadline: Duration,
}

impl Workers {
    pub(super) fn new(vault: Arc<dyn Vault>, at_once: usize, deadline: Duration) -> Workers {
        Workers { vault, free: Arc::new(Semaphore::new(at_once)), deadline }
    }

    /// The longest that [`Workers::run`] takes.
    pub(super) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Does `work` on a thread that may block. What takes longer than the deadline, with the wait for its turn, is
    /// DependencyTimeoutException; it goes on without anybody waiting, and keeps its place until it ends.
    pub(super) async fn run<T, E>(
        &self,
        work: impl FnOnce(&dyn Vault) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        E: Into<Failure> + Send + 'static,
    {
        let (vault, free) = (self.vault.clone(), self.free.clone());
        let whole = async {
            let closed = |_| VaultError::Failed("the proxy stops".to_owned());
            let place = free.acquire_owned().await.map_err(closed)?;
            let call = tokio::task::spawn_blocking(move || {
                let result = work(&*vault);
                drop(place);
                result.map_err(Into::into)
            });
            call.await
                .map_err(|_| ErrorName::InternalException.because("the proxy broke down over this request"))?
        };
        let late = |_| {
            let milliseconds = self.deadline.as_millis();
            let why = format!("the key manager has not answered within {milliseconds} ms");
            ErrorName::DependencyTimeoutException.because(why)
        };
        tokio::time::timeout(self.deadline, whole).await.map_err(late)?
    }
}
