//! Attributes that take time to compute and may never be asked for.

use super::{AttributeType, Attributes};
use crate::error::Result;
use std::sync::Arc;

/// Some attributes of a new object, not computed yet.
pub trait Late: Send + Sync {
    /// Which they are (`CKA_`).
    fn kinds(&self) -> &'static [AttributeType];

    /// All of them, the same each time. Several threads may ask at once.
    fn tell(&self) -> Result<Attributes>;
}

/// What has been made of a new object.
#[derive(Clone, Default)]
pub struct Parts {
    /// What is there at once.
    pub told: Attributes,
    /// What is told when somebody asks.
    pub late: Option<Arc<dyn Late>>,
}

impl From<Attributes> for Parts {
    fn from(told: Attributes) -> Self {
        Parts { told, late: None }
    }
}

impl Parts {
    /// Whether `kind` is among them.
    pub fn tells(&self, kind: AttributeType) -> bool {
        self.told.contains(kind) || self.late.as_ref().is_some_and(|late| late.kinds().contains(&kind))
    }

    /// All of them, told now.
    pub fn whole(self) -> Result<Attributes> {
        let mut all = self.told;
        if let Some(late) = self.late {
            all.extend(late.tell()?);
        }
        Ok(all)
    }
}
