//! A PKCS#11 library, loaded once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::slot::Slot;
use parking_lot::Mutex;

use super::error::{Result, Trouble};

/// A loaded and initialised PKCS#11 library.
pub struct Module {
    pub(super) pkcs11: Pkcs11,
    path: PathBuf,
}

/// The libraries of this process by path: a library is initialised once, however many key stores are behind it.
static LOADED: Mutex<Option<HashMap<PathBuf, Arc<Module>>>> = Mutex::new(None);

impl Module {
    /// Loads the library at `path`, or gives the one that is loaded.
    pub fn load(path: &Path) -> Result<Arc<Self>> {
        let mut loaded = LOADED.lock();
        let loaded = loaded.get_or_insert_default();
        if let Some(module) = loaded.get(path) {
            return Ok(module.clone());
        }
        let pkcs11 =
            Pkcs11::new(path).map_err(|e| Trouble::Other(format!("can't load {}: {e}", path.display())))?;
        match pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(error.into()),
        }
        let module = Arc::new(Self { pkcs11, path: path.to_owned() });
        loaded.insert(path.to_owned(), module.clone());
        Ok(module)
    }

    /// Whether a slot holds a token of that label now.
    ///
    /// # Errors
    ///
    /// `NoToken`, `Unreachable`.
    pub fn holds(&self, label: &str) -> Result<()> {
        self.slot(label).map(|_| ())
    }

    /// The slot whose token has that label.
    pub(super) fn slot(&self, label: &str) -> Result<Slot> {
        let mut away = None;
        for slot in self.pkcs11.get_slots_with_token()? {
            match self.pkcs11.get_token_info(slot) {
                Ok(info) if info.label() == label => return Ok(slot),
                Ok(_) => {}
                // A cluster that is away still has its slot: the label that nobody has may be its.
                Err(error) => {
                    away = Some(Trouble::from(error))
                        .filter(|trouble| matches!(trouble, Trouble::Unreachable(_)))
                        .or(away)
                }
            }
        }
        Err(away.unwrap_or_else(|| Trouble::NoToken(label.to_owned())))
    }

    /// Where the library is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Module({})", self.path.display())
    }
}
