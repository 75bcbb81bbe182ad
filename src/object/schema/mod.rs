//! The rows: [`attributes`] says what attributes there are, [`classes`] what each class of object has, and
//! [`forms`] what each key type and certificate type adds. A new key type is one [`Form`] there.

mod attributes;
mod classes;
mod forms;
mod rows;

use crate::attribute::{AttributeType, Attributes};
use crate::error::{Error, Result};
pub use attributes::{ATTRIBUTES, AttributeRow};
pub use classes::{CLASSES, Class};
use cryptoki_sys as ck;
pub use forms::{FORMS, Form, Lengths};
use std::sync::LazyLock;

/// The form of an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `CK_BBOOL`.
    Bool,
    /// `CK_ULONG` and what is defined as one.
    Ulong,
    /// Bytes of any length.
    Bytes,
    /// `CK_DATE`: empty, or 8 digits that are a date.
    Date,
    /// An array of `CK_MECHANISM_TYPE`.
    Mechanisms,
    /// An array of `CK_ATTRIBUTE`.
    Template,
}

/// What a row says of its attribute: bits of [`note`].
pub type Notes = u32;

/// The footnotes of the standard's attribute tables (section 4.2, table 13), by number, and ours. Footnote 9,
/// a default that the token chooses, is what [`Initial`] says; 13 needs no rule.
pub mod note {
    use super::Notes;

    /// 1: must be given to `C_CreateObject`.
    pub const MUST_CREATE: Notes = 1;
    /// 2: must not be given to `C_CreateObject`.
    pub const NOT_CREATE: Notes = 1 << 1;
    /// 3: must be given to `C_GenerateKey` and `C_GenerateKeyPair`.
    pub const MUST_GENERATE: Notes = 1 << 2;
    /// 4: must not be given to them.
    pub const NOT_GENERATE: Notes = 1 << 3;
    /// 5: must be given to `C_UnwrapKey`.
    pub const MUST_UNWRAP: Notes = 1 << 4;
    /// 6: must not be given to `C_UnwrapKey`, nor to `C_DeriveKey`, for which the standard has no footnote.
    pub const NOT_UNWRAP: Notes = 1 << 5;
    /// 7: never shown if the object is sensitive or not extractable.
    pub const SECRET: Notes = 1 << 6;
    /// 8: may be changed, by `C_SetAttributeValue` and in a copy.
    pub const MODIFIABLE: Notes = 1 << 7;
    /// 10: made true, or changed, by an officer only.
    pub const OFFICER: Notes = 1 << 8;
    /// 11: stays true once it is true; may be made true at any time.
    pub const ONCE_TRUE: Notes = 1 << 9;
    /// 12: stays false once it is false; may be made false at any time.
    pub const ONCE_FALSE: Notes = 1 << 10;

    /// May be another in a copy, though `C_SetAttributeValue` can't change it (section 4.1.3).
    pub const COPY: Notes = 1 << 11;
    /// A list that a copy may shorten, never lengthen.
    pub const NARROWS: Notes = 1 << 12;
    /// May be emptied, and changed in no other way.
    pub const CLEARS: Notes = 1 << 13;
    /// The token knows the only right value: another is `AttributeValueInvalid`, an empty one stays empty.
    pub const COMPUTED: Notes = 1 << 14;
    /// Has several encodings, of which the token keeps its own.
    pub const ENCODED: Notes = 1 << 15;
    /// An unsigned number, most significant byte first: leading zero bytes mean nothing.
    pub const BIG_INTEGER: Notes = 1 << 16;
    /// If given: neither empty nor zero.
    pub const NOT_EMPTY: Notes = 1 << 17;

    /// Only a token sets it.
    pub const NEVER_GIVEN: Notes = NOT_CREATE | NOT_GENERATE | NOT_UNWRAP;
    /// What a mechanism contributes and `C_CreateObject` must be told.
    pub const CONTRIBUTED: Notes = MUST_CREATE | NOT_GENERATE | NOT_UNWRAP | NOT_EMPTY;
}

/// What an attribute is where a template leaves it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initial {
    /// The object does not have it, or the mechanism or the token contributes it.
    Absent,
    /// No bytes.
    Empty,
    /// A boolean.
    Bool(bool),
    /// A number.
    Ulong(u64),
    /// A usage flag: true if the form lists it among its [`Form::usage`] and the token's setting agrees.
    Usage,
    /// `CKA_SENSITIVE` or `CKA_EXTRACTABLE`: by lifetime and origin.
    Protection {
        /// For token objects.
        token: ByOrigin,
        /// For session objects.
        session: ByOrigin,
    },
    /// The number of bytes of another attribute.
    LengthOf(AttributeType),
    /// The number of bits of another attribute, a big integer.
    BitsOf(AttributeType),
}

/// One boolean for each way a key comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the functions' names say it
pub struct ByOrigin {
    pub create: bool,
    pub generate: bool,
    pub unwrap: bool,
    pub derive: bool,
}

/// One attribute of a class or form.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The `CKA_` number.
    pub attribute: AttributeType,
    /// The form of its value.
    pub kind: Kind,
    /// Bits of [`note`].
    pub notes: Notes,
    /// Its value where nobody gives one.
    pub initial: Initial,
}

impl Row {
    /// Whether the row has any of `notes`.
    pub fn has(&self, notes: Notes) -> bool {
        self.notes & notes != 0
    }
}

/// The form of attribute `kind`, for every attribute the module knows; `None` for others.
pub fn kind_of(kind: AttributeType) -> Option<Kind> {
    attributes::find(kind).map(|row| row.kind)
}

/// Whether an attribute says what keys may be used for (`CKA_SIGN` and its kin).
pub fn is_usage(attribute: AttributeType) -> bool {
    let says = |row: &Row| row.attribute == attribute && row.initial == Initial::Usage;
    CLASSES.iter().any(|class| class.groups.iter().any(|group| group.iter().any(says)))
}

/// The `CKA_` name of an attribute.
pub fn name_of(kind: AttributeType) -> Option<&'static str> {
    attributes::find(kind).map(|row| row.name)
}

/// Whether the attribute of an object of this class (`CKO_`) is one of those never shown if the object is
/// sensitive or not extractable (footnote 7), and therefore kept in the record's secret half.
pub fn is_secret(class: u64, kind: AttributeType) -> bool {
    SECRETS.binary_search(&(class, kind)).is_ok()
}

/// Whether the attribute is one of those in any class.
pub fn may_be_secret(kind: AttributeType) -> bool {
    SECRETS.iter().any(|(_, secret)| *secret == kind)
}

/// Those attributes of a class, in ascending order.
pub fn secrets_of(class: u64) -> impl Iterator<Item = AttributeType> + Clone {
    let first = SECRETS.partition_point(|(other, _)| *other < class);
    SECRETS[first..].iter().take_while(move |(other, _)| *other == class).map(|(_, kind)| *kind)
}

/// The few (class, attribute) pairs that have the footnote.
static SECRETS: LazyLock<Vec<(u64, AttributeType)>> = LazyLock::new(|| {
    let mut secrets: Vec<_> = FORMS
        .iter()
        .flat_map(|form| form.rows().map(move |row| (form.class.number, row)))
        .filter(|(_, row)| row.has(note::SECRET))
        .map(|(class, row)| (class, row.attribute))
        .collect();
    secrets.sort_unstable();
    secrets.dedup();
    secrets
});

/// The form of an object from its class and its key or certificate type. `TemplateIncomplete` if they are not
/// there, `AttributeValueInvalid` if the module has no such objects.
pub fn form_of(attributes: &Attributes) -> Result<&'static Form> {
    let number = attributes.ulong(ck::CKA_CLASS).ok_or(Error::TemplateIncomplete)?;
    let class = CLASSES.iter().find(|class| class.number == number).ok_or(Error::AttributeValueInvalid)?;
    let subtype = match class.subtype {
        Some(attribute) => Some(attributes.ulong(attribute).ok_or(Error::TemplateIncomplete)?),
        None => None,
    };
    Form::find(number, subtype).ok_or(Error::AttributeValueInvalid)
}

const fn row(attribute: AttributeType, notes: Notes, initial: Initial) -> Row {
    Row { attribute, kind: attributes::kind_of(attribute), notes, initial }
}

#[cfg(test)]
mod tests;
