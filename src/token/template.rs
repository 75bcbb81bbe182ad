//! Templates that are used again, as those of programs that make many keys are.

use crate::attribute::Attributes;
use once_cell::sync::OnceCell;
use std::any::Any;
use std::ops::Deref;

/// A template, and what the token has made of it, for the next time. Only one token ever sees it.
pub struct Template {
    attributes: Attributes,
    remembered: OnceCell<Box<dyn Any + Send + Sync>>,
}

impl Template {
    /// What the token has remembered, if it is a `T`.
    pub fn remembered<T: Any>(&self) -> Option<&T> {
        self.remembered.get()?.downcast_ref()
    }

    /// Remembers something, unless something is remembered already.
    pub fn remember<T: Any + Send + Sync>(&self, what: T) {
        self.remembered.get_or_init(|| Box::new(what));
    }
}

impl From<Attributes> for Template {
    fn from(attributes: Attributes) -> Self {
        Template { attributes, remembered: OnceCell::new() }
    }
}

impl Deref for Template {
    type Target = Attributes;
    fn deref(&self) -> &Attributes {
        &self.attributes
    }
}
