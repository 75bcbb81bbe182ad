//! Attributes, as they are given to a function and asked from one.

use cryptoki_sys::*;
use std::borrow::Cow;

/// An attribute and its value.
#[derive(Clone, Debug)]
pub enum Attribute {
    /// A `CK_BBOOL`.
    Flag(CK_ATTRIBUTE_TYPE, bool),
    /// A `CK_ULONG`.
    Number(CK_ATTRIBUTE_TYPE, CK_ULONG),
    /// Bytes, text too.
    Bytes(CK_ATTRIBUTE_TYPE, Cow<'static, [u8]>),
}

/// The values of `CK_BBOOL`, where pointers can reach them.
static FLAGS: [CK_BBOOL; 2] = [CK_FALSE, CK_TRUE];

impl Attribute {
    /// With these bytes.
    pub fn bytes(kind: CK_ATTRIBUTE_TYPE, value: impl Into<Vec<u8>>) -> Attribute {
        Attribute::Bytes(kind, Cow::Owned(value.into()))
    }

    /// As C has it. Good as long as `self` is; nothing is written to it by the functions it is given to.
    pub(super) fn raw(&self) -> CK_ATTRIBUTE {
        match self {
            Attribute::Flag(kind, set) => raw(*kind, &FLAGS[usize::from(*set)..][..1]),
            Attribute::Number(kind, number) => raw(*kind, std::slice::from_ref(number)),
            Attribute::Bytes(kind, bytes) => raw(*kind, bytes),
        }
    }
}

fn raw<T>(kind: CK_ATTRIBUTE_TYPE, value: &[T]) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE {
        type_: kind,
        pValue: value.as_ptr().cast_mut().cast(),
        ulValueLen: size_of_val(value) as CK_ULONG,
    }
}

/// A question for the value of an attribute, which is written into `room`.
pub(super) fn read(kind: CK_ATTRIBUTE_TYPE, room: &mut [u8]) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE { type_: kind, pValue: room.as_mut_ptr().cast(), ulValueLen: room.len() as CK_ULONG }
}
