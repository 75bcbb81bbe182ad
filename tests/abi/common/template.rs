//! Templates, written as `template![CKA_CLASS => CKO_DATA, CKA_LABEL => "x"]`.

use super::*;

/// An attribute's value as a caller gives it.
#[derive(Clone, Debug)]
pub enum Value {
    /// Anything flat, in the machine's own form.
    Flat(Vec<u8>),
    /// `CKA_WRAP_TEMPLATE` and its kin.
    Nested(Template),
}

/// A list of attributes, in the order given and with repetitions.
#[derive(Clone, Debug, Default)]
pub struct Template(pub Vec<(CK_ATTRIBUTE_TYPE, Value)>);

macro_rules! template {
    ($($kind:expr => $value:expr),* $(,)?) => {
        $crate::common::Template(vec![$(($kind, $crate::common::Value::from($value))),*])
    };
}
pub(crate) use template;

impl Template {
    /// This one and then `more`; what `more` names again is replaced.
    pub fn and(&self, more: &Template) -> Template {
        let kept = self.0.iter().filter(|(kind, _)| more.0.iter().all(|(other, _)| other != kind));
        Template(kept.chain(&more.0).cloned().collect())
    }

    /// Without one attribute.
    pub fn without(&self, unwanted: CK_ATTRIBUTE_TYPE) -> Template {
        Template(self.0.iter().filter(|(kind, _)| *kind != unwanted).cloned().collect())
    }

    /// Calls `call` with the template in the form of C.
    pub fn with_raw<T>(&self, call: impl FnOnce(*mut CK_ATTRIBUTE, CK_ULONG) -> T) -> T {
        let mut nested = Vec::new();
        let mut list = self.raw(&mut nested);
        call(list.as_mut_ptr(), list.len() as CK_ULONG)
    }

    fn raw(&self, nested: &mut Vec<Vec<CK_ATTRIBUTE>>) -> Vec<CK_ATTRIBUTE> {
        let attribute = |(kind, value): &(CK_ATTRIBUTE_TYPE, Value)| match value {
            Value::Flat(bytes) => CK_ATTRIBUTE {
                type_: *kind,
                pValue: bytes.as_ptr().cast_mut().cast(),
                ulValueLen: bytes.len() as CK_ULONG,
            },
            Value::Nested(inner) => {
                let mut list = inner.raw(nested);
                let raw = CK_ATTRIBUTE {
                    type_: *kind,
                    pValue: list.as_mut_ptr().cast(),
                    ulValueLen: size_of_val(&list[..]) as CK_ULONG,
                };
                nested.push(list);
                raw
            }
        };
        self.0.iter().map(attribute).collect()
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Flat(vec![value.into()])
    }
}

impl From<CK_ULONG> for Value {
    fn from(value: CK_ULONG) -> Self {
        Value::Flat(value.to_ne_bytes().to_vec())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Flat(value.as_bytes().to_vec())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Flat(value.into_bytes())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Value::Flat(value.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Value::Flat(value.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Value::Flat(value)
    }
}

impl From<&[CK_MECHANISM_TYPE]> for Value {
    fn from(value: &[CK_MECHANISM_TYPE]) -> Self {
        Value::Flat(value.iter().flat_map(|number| number.to_ne_bytes()).collect())
    }
}

impl From<Template> for Value {
    fn from(value: Template) -> Self {
        Value::Nested(value)
    }
}
