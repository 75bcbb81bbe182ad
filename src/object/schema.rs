//! The rows.

use crate::attribute::AttributeType;

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

/// The form of attribute `kind`, for every attribute the module knows; `None` for others.
pub fn kind_of(kind: AttributeType) -> Option<Kind> {
    let _ = kind;
    todo!()
}

/// The `CKA_` name of an attribute.
pub fn name_of(kind: AttributeType) -> Option<&'static str> {
    let _ = kind;
    todo!()
}

/// Whether the attribute of an object of this class (`CKO_`) is one of those never shown if the object is sensitive or not extractable
/// (footnote 7), and therefore kept in the record's secret half.
pub fn is_secret(class: u64, kind: AttributeType) -> bool {
    let _ = (class, kind);
    todo!()
}
