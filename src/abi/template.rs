//! Arrays of `CK_ATTRIBUTE`: read into [`Attributes`], and filled in for `C_GetAttributeValue`.

use super::args::{Pointer, UNAVAILABLE, copy_out};
use crate::attribute::{AttributeType, Attributes, Value};
use crate::error::{Error, Result};
use crate::object::schema::{self, Kind};
use crate::session::{KnownTemplate, Session, Turn};
use cryptoki_sys as ck;
use cryptoki_sys::{CK_ATTRIBUTE, CK_ULONG};
use std::cell::Cell;
use std::sync::Arc;

/// More attributes than any object has: a larger count is a mistake.
const MAX_ATTRIBUTES: CK_ULONG = 4096;

/// Bytes of the largest value that is accepted.
const MAX_VALUE: CK_ULONG = 16 << 20;

/// Bytes of all values and entries of one template together, nested ones included: arrays that share what is in them
/// could otherwise ask for any amount.
const MAX_TEMPLATE: CK_ULONG = 64 << 20;

/// How deep templates may hold templates.
const MAX_DEPTH: u32 = 4;

/// What becomes of an attribute that the module does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// `AttributeTypeInvalid`.
    Refused,
    /// It stays as bytes: no object has it, so nothing matches.
    Kept,
}

/// How an array of attributes is read.
#[derive(Clone, Copy)]
struct Reader<'a> {
    /// Bytes that may still be read.
    left: &'a Cell<CK_ULONG>,
    kind_of: fn(AttributeType) -> Option<Kind>,
    unknown: Unknown,
    /// Levels of nested templates still allowed.
    depth: u32,
}

/// The template of a new or changed object.
pub(super) fn read(template: Pointer<CK_ATTRIBUTE>, count: CK_ULONG) -> Result<Attributes> {
    Reader::new(&Cell::new(MAX_TEMPLATE), schema::kind_of, Unknown::Refused).attributes(template, count)
}

/// The template of a key to be made, which may have been read before.
pub(super) fn read_known(
    session: &Session,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
) -> Result<Arc<KnownTemplate>> {
    let extent = template.extent(count)?;
    if let Some(known) =
        session.templates().find(extent, |index, kind, value| says(template, index, kind, value))
    {
        return Ok(known);
    }
    let kinds = (0..extent).filter_map(|index| Some(template.at(index).read().ok()?.type_));
    Ok(session.templates().keep(read(template, count)?, kinds))
}

/// The same by who has the session's turn, and puts the template back into this place of [`Turn::take_template`] after its use.
pub(super) fn take_known(
    turn: &mut Turn<'_>,
    place: usize,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
) -> Result<Arc<KnownTemplate>> {
    let says = |index, kind, value: &Value| says(template, index, kind, value);
    match turn.take_template(place, template.extent(count)?, says) {
        Some(last) => Ok(last),
        None => read_known(turn.session(), template, count),
    }
}

/// Whether the attribute of this index has this type and value.
fn says(template: Pointer<CK_ATTRIBUTE>, index: usize, kind: AttributeType, value: &Value) -> bool {
    template.at(index).read().is_ok_and(|entry| entry.type_ == kind && is_value(&entry, value))
}

/// Whether an entry has this value. Those of lists and templates are not compared.
fn is_value(entry: &CK_ATTRIBUTE, value: &Value) -> bool {
    value_of(entry).bytes(entry.ulValueLen).is_ok_and(|given| match value {
        Value::Bool(value) => *given == [u8::from(*value)],
        Value::Ulong(value) => *given == value.to_ne_bytes(),
        Value::Bytes(value) => *given == **value,
        Value::Mechanisms(_) | Value::Template(_) => false,
    })
}

/// The template of a search: an attribute that no object can have makes it find nothing.
pub(super) fn read_search(template: Pointer<CK_ATTRIBUTE>, count: CK_ULONG) -> Result<Attributes> {
    Reader::new(&Cell::new(MAX_TEMPLATE), schema::kind_of, Unknown::Kept).attributes(template, count)
}

impl<'a> Reader<'a> {
    fn new(left: &'a Cell<CK_ULONG>, kind_of: fn(AttributeType) -> Option<Kind>, unknown: Unknown) -> Self {
        Reader { left, kind_of, unknown, depth: MAX_DEPTH }
    }

    /// Takes bytes off what may still be read.
    fn take(self, bytes: CK_ULONG) -> Result<()> {
        let left = self.left.get().checked_sub(bytes).ok_or(Error::AttributeValueInvalid)?;
        self.left.set(left);
        Ok(())
    }

    fn attributes(self, template: Pointer<CK_ATTRIBUTE>, count: CK_ULONG) -> Result<Attributes> {
        if count > MAX_ATTRIBUTES {
            return Err(Error::ArgumentsBad);
        }
        let mut attributes = Attributes::new();
        self.take(count * size_of::<CK_ATTRIBUTE>() as CK_ULONG)?;
        let count = template.extent(count)?;
        attributes.reserve(count);
        for index in 0..count {
            let entry = template.at(index).read()?;
            // The same value twice counts as once, as section 4.1.1 advises; two values contradict each other.
            if !attributes.agree(entry.type_, self.value(&entry)?) {
                return Err(Error::TemplateInconsistent);
            }
        }
        Ok(attributes)
    }

    fn value(self, entry: &CK_ATTRIBUTE) -> Result<Value> {
        let kind = match ((self.kind_of)(entry.type_), self.unknown) {
            (Some(kind), _) => kind,
            (None, Unknown::Kept) => Kind::Bytes,
            (None, Unknown::Refused) => return Err(Error::AttributeTypeInvalid),
        };
        let value: Pointer<u8> = value_of(entry);
        let length = entry.ulValueLen;
        if length > MAX_VALUE || (length > 0 && value.is_null()) {
            return Err(Error::AttributeValueInvalid);
        }
        self.take(length)?;
        match kind {
            Kind::Bool => boolean(value, length).map(Value::Bool),
            Kind::Ulong if length == size_of::<CK_ULONG>() as CK_ULONG => {
                value.cast::<CK_ULONG>().read().map(Value::Ulong)
            }
            Kind::Date if length == 0 || length == size_of::<ck::CK_DATE>() as CK_ULONG => {
                Ok(Value::from(value.bytes(length)?))
            }
            Kind::Bytes => Ok(Value::from(value.bytes(length)?)),
            Kind::Mechanisms => mechanisms(value.cast(), length).map(Value::Mechanisms),
            Kind::Template => self.nested(value.cast(), length).map(Value::Template),
            Kind::Ulong | Kind::Date => Err(Error::AttributeValueInvalid),
        }
    }

    fn nested(self, template: Pointer<CK_ATTRIBUTE>, length: CK_ULONG) -> Result<Attributes> {
        let depth = self.depth.checked_sub(1).ok_or(Error::AttributeValueInvalid)?;
        Reader { depth, ..self }.attributes(template, elements::<CK_ATTRIBUTE>(length)?)
    }
}

fn boolean(value: Pointer<u8>, length: CK_ULONG) -> Result<bool> {
    match value.bytes(length)? {
        [ck::CK_FALSE] => Ok(false),
        [ck::CK_TRUE] => Ok(true),
        _ => Err(Error::AttributeValueInvalid),
    }
}

fn mechanisms(list: Pointer<CK_ULONG>, length: CK_ULONG) -> Result<Vec<u64>> {
    let count = list.extent(elements::<CK_ULONG>(length)?)?;
    (0..count).map(|index| list.at(index).read()).collect()
}

/// How many `T` fill `length` bytes; a remainder is `AttributeValueInvalid`.
fn elements<T>(length: CK_ULONG) -> Result<CK_ULONG> {
    let size = size_of::<T>() as CK_ULONG;
    if length.is_multiple_of(size) { Ok(length / size) } else { Err(Error::AttributeValueInvalid) }
}

fn value_of<T>(entry: &CK_ATTRIBUTE) -> Pointer<'_, T> {
    // SAFETY: NULL or good for `ulValueLen` bytes: what the caller says of an attribute, it says of its value.
    unsafe { Pointer::new(entry.pValue) }.cast()
}

/// The attributes that a caller asks for, in its order.
pub(super) fn wanted(template: Pointer<CK_ATTRIBUTE>, count: CK_ULONG) -> Result<Vec<AttributeType>> {
    if count > MAX_ATTRIBUTES {
        return Err(Error::ArgumentsBad);
    }
    let count = template.extent(count)?;
    (0..count).map(|index| Ok(template.at(index).read()?.type_)).collect()
}

/// Answers every attribute of a template, whatever becomes of the others (`C_GetAttributeValue`, section 5.7.5);
/// the first that could not be told decides the result.
pub(super) fn answer(template: Pointer<CK_ATTRIBUTE>, values: &[Result<Value>]) -> Result<()> {
    let mut result = Ok(());
    for (index, value) in values.iter().enumerate() {
        let told = answer_one(template.at(index), value.as_ref().map_err(|error| *error));
        result = result.and(told);
    }
    result
}

fn answer_one(entry: Pointer<CK_ATTRIBUTE>, value: Result<&Value>) -> Result<()> {
    match value {
        Ok(Value::Bool(value)) => put(entry, &[u8::from(*value)]),
        Ok(Value::Ulong(value)) => put(entry, &value.to_ne_bytes()),
        Ok(Value::Bytes(value)) => put(entry, value),
        Ok(Value::Mechanisms(list)) => {
            put(entry, &list.iter().flat_map(|number| number.to_ne_bytes()).collect::<Vec<_>>())
        }
        Ok(Value::Template(inner)) => put_template(entry, inner),
        Err(error) => refuse(entry, error),
    }
}

fn refuse(entry: Pointer<CK_ATTRIBUTE>, error: Error) -> Result<()> {
    entry.write_length(UNAVAILABLE)?;
    Err(error)
}

/// Tells the length of a value, and the value itself where there is room for it.
fn put(entry: Pointer<CK_ATTRIBUTE>, value: &[u8]) -> Result<()> {
    let asked = entry.read()?;
    let length = value.len() as CK_ULONG;
    if !asked.pValue.is_null() {
        if asked.ulValueLen < length {
            return refuse(entry, Error::BufferTooSmall);
        }
        copy_out(value, value_of(&asked))?;
    }
    entry.write_length(length)
}

/// The same for a value that is itself an array of attributes: the caller passes one with room for each value, and
/// types are written, not read.
fn put_template(entry: Pointer<CK_ATTRIBUTE>, inner: &Attributes) -> Result<()> {
    let asked = entry.read()?;
    let length = (inner.len() * size_of::<CK_ATTRIBUTE>()) as CK_ULONG;
    if !asked.pValue.is_null() && asked.ulValueLen < length {
        return refuse(entry, Error::BufferTooSmall);
    }
    let mut result = Ok(());
    if !asked.pValue.is_null() {
        let array: Pointer<CK_ATTRIBUTE> = value_of(&asked);
        for (index, (kind, value)) in inner.iter().enumerate() {
            array.at(index).write_type(kind)?;
            result = result.and(answer_one(array.at(index), Ok(value)));
        }
    }
    entry.write_length(length)?;
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::c_void;

    const FLAG: CK_ULONG = 1;
    const NUMBER: CK_ULONG = 2;
    const BYTES: CK_ULONG = 3;
    const DATE: CK_ULONG = 4;
    const LIST: CK_ULONG = 5;
    const INNER: CK_ULONG = 6;
    const UNKNOWN: CK_ULONG = 7;

    fn kind_of(kind: AttributeType) -> Option<Kind> {
        match kind {
            FLAG => Some(Kind::Bool),
            NUMBER => Some(Kind::Ulong),
            BYTES => Some(Kind::Bytes),
            DATE => Some(Kind::Date),
            LIST => Some(Kind::Mechanisms),
            INNER => Some(Kind::Template),
            _ => None,
        }
    }

    fn entry<T>(type_: CK_ULONG, values: &mut [T]) -> CK_ATTRIBUTE {
        CK_ATTRIBUTE {
            type_,
            pValue: values.as_mut_ptr().cast::<c_void>(),
            ulValueLen: size_of_val(values) as CK_ULONG,
        }
    }

    /// An attribute with a value of its own, for reading.
    fn given<T: Copy>(type_: CK_ULONG, values: &[T]) -> CK_ATTRIBUTE {
        entry(type_, values.to_vec().leak())
    }

    fn query(type_: CK_ULONG) -> CK_ATTRIBUTE {
        CK_ATTRIBUTE { type_, pValue: std::ptr::null_mut(), ulValueLen: 0 }
    }

    fn view(entries: &mut [CK_ATTRIBUTE]) -> Pointer<'_, CK_ATTRIBUTE> {
        // SAFETY: the tests make each entry from memory of the length it names.
        unsafe { Pointer::new(entries.as_mut_ptr()) }
    }

    fn read_as(unknown: Unknown, entries: &mut [CK_ATTRIBUTE]) -> Result<Attributes> {
        let count = entries.len() as CK_ULONG;
        Reader::new(&Cell::new(MAX_TEMPLATE), kind_of, unknown).attributes(view(entries), count)
    }

    fn read(entries: &mut [CK_ATTRIBUTE]) -> Result<Attributes> {
        read_as(Unknown::Refused, entries)
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let inner = [given(BYTES, &[9u8]), given(FLAG, &[0u8])];
        let attributes = read(&mut [
            given(FLAG, &[1u8]),
            given(NUMBER, &[77u64]),
            given(BYTES, b"abc"),
            given(DATE, b"20251231"),
            given(LIST, &[1u64, 2]),
            given(INNER, &inner),
        ])
        .unwrap();
        assert_eq!(attributes.bool(FLAG), Some(true));
        assert_eq!(attributes.ulong(NUMBER), Some(77));
        assert_eq!(attributes.bytes(BYTES), Some(&b"abc"[..]));
        assert_eq!(attributes.bytes(DATE), Some(&b"20251231"[..]));
        assert_eq!(attributes.get(LIST), Some(&Value::Mechanisms(vec![1, 2])));
        let inner = attributes.template(INNER).unwrap();
        assert_eq!((inner.bytes(BYTES), inner.bool(FLAG)), (Some(&[9][..]), Some(false)));
    }

    #[test]
    fn a_value_is_known_again_only_by_all_its_bytes() {
        let abc = Value::from(&b"abc"[..]);
        for (written, value) in [
            (given(FLAG, &[1u8]), Value::from(true)),
            (given(NUMBER, &[77u64]), Value::from(77)),
            (given(BYTES, b"abc"), abc.clone()),
            (query(BYTES), Value::from(&b""[..])),
        ] {
            assert!(is_value(&written, &value), "{value:?}");
        }
        let mut absurd = given(BYTES, b"abc");
        absurd.ulValueLen = UNAVAILABLE;
        let mut gone = query(BYTES);
        gone.ulValueLen = 3;
        for (written, value) in [
            (given(FLAG, &[2u8]), Value::from(true)),
            (given(FLAG, &[1u8, 0]), Value::from(true)),
            (given(NUMBER, &[77u32]), Value::from(77)),
            (given(BYTES, b"abd"), abc.clone()),
            (given(BYTES, b"abcd"), abc.clone()),
            (absurd, abc.clone()),
            (gone, abc),
            (given(LIST, &[1u64]), Value::Mechanisms(vec![1])),
        ] {
            assert!(!is_value(&written, &value), "{value:?}");
        }
    }

    #[test]
    fn a_length_that_does_not_fit_the_kind_is_an_invalid_value() {
        let refused = |type_, length| {
            let mut entry = given(type_, &[1u8; 64]);
            entry.ulValueLen = length;
            assert_eq!(read(&mut [entry]), Err(Error::AttributeValueInvalid), "{type_} of {length}");
        };
        for (type_, length) in
            [(FLAG, 0), (FLAG, 2), (NUMBER, 4), (NUMBER, 9), (DATE, 7), (LIST, 12), (INNER, 25)]
        {
            refused(type_, length);
        }
        for type_ in [FLAG, NUMBER, BYTES, DATE, LIST, INNER] {
            refused(type_, UNAVAILABLE);
            refused(type_, MAX_VALUE + 1);
        }
    }

    #[test]
    fn a_boolean_is_zero_or_one() {
        assert_eq!(read(&mut [given(FLAG, &[2u8])]), Err(Error::AttributeValueInvalid));
    }

    #[test]
    fn a_value_at_null_is_invalid_unless_it_is_empty() {
        let mut gone = query(BYTES);
        assert_eq!(read(&mut [gone]).unwrap().bytes(BYTES), Some(&[][..]));
        gone.ulValueLen = 1;
        assert_eq!(read(&mut [gone]), Err(Error::AttributeValueInvalid));
    }

    #[test]
    fn an_unknown_attribute_is_refused_but_in_a_search_kept() {
        let mut entries = [given(UNKNOWN, &[1u8])];
        assert_eq!(read(&mut entries), Err(Error::AttributeTypeInvalid));
        assert_eq!(read_as(Unknown::Kept, &mut entries).unwrap().bytes(UNKNOWN), Some(&[1][..]));
    }

    #[test]
    fn repeating_a_value_is_harmless_and_contradicting_it_is_not() {
        let mut same = [given(NUMBER, &[1u64]), given(NUMBER, &[1u64])];
        assert_eq!(read(&mut same).unwrap().len(), 1);
        let mut other = [given(NUMBER, &[1u64]), given(NUMBER, &[2u64])];
        assert_eq!(read(&mut other), Err(Error::TemplateInconsistent));
    }

    #[test]
    fn absurd_counts_are_refused_before_anything_is_read() {
        let mut one = [query(BYTES)];
        for count in [MAX_ATTRIBUTES + 1, 1 << 60, CK_ULONG::MAX] {
            let left = Cell::new(MAX_TEMPLATE);
            let reader = Reader::new(&left, kind_of, Unknown::Refused);
            assert_eq!(reader.attributes(view(&mut one), count), Err(Error::ArgumentsBad));
            assert_eq!(wanted(view(&mut one), count), Err(Error::ArgumentsBad));
        }
        // SAFETY: NULL.
        let null = unsafe { Pointer::new(std::ptr::null_mut()) };
        assert_eq!(wanted(null, 1), Err(Error::ArgumentsBad));
        assert_eq!(wanted(null, 0), Ok(vec![]));
    }

    #[test]
    fn a_template_that_holds_itself_is_refused() {
        let mut entries = [query(INNER)];
        entries[0].pValue = entries.as_mut_ptr().cast();
        entries[0].ulValueLen = size_of::<CK_ATTRIBUTE>() as CK_ULONG;
        assert_eq!(read(&mut entries), Err(Error::AttributeValueInvalid));
    }

    #[test]
    fn every_attribute_is_answered_whatever_becomes_of_the_others() {
        let (mut small, mut large) = ([0u8; 2], [7u8; 8]);
        let mut entries =
            [query(NUMBER), entry(BYTES, &mut small), query(FLAG), query(LIST), entry(BYTES, &mut large)];
        let abc = || Ok(Value::from(&b"abc"[..]));
        let values = [
            Ok(Value::from(5u64)),
            abc(),
            Err(Error::AttributeSensitive),
            Err(Error::AttributeTypeInvalid),
            abc(),
        ];
        assert_eq!(answer(view(&mut entries), &values), Err(Error::BufferTooSmall));
        let lengths = entries.map(|entry| entry.ulValueLen);
        assert_eq!(lengths, [8, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, 3]);
        assert_eq!((small, &large[..4]), ([0; 2], &b"abc\x07"[..]));
    }

    #[test]
    fn a_template_attribute_is_answered_with_types_and_values() {
        let inner = Attributes::from_iter([(BYTES, Value::from(&b"abc"[..])), (FLAG, Value::from(true))]);
        let values = [Ok(Value::Template(inner))];
        let mut outer = [query(INNER)];
        answer(view(&mut outer), &values).unwrap();
        assert_eq!(outer[0].ulValueLen as usize, 2 * size_of::<CK_ATTRIBUTE>());

        let (mut flag, mut bytes) = ([0u8; 1], [0u8; 3]);
        let mut array = [entry(99, &mut flag), entry(99, &mut bytes)];
        answer(view(&mut [entry(INNER, &mut array)]), &values).unwrap();
        assert_eq!(array.map(|entry| (entry.type_, entry.ulValueLen)), [(FLAG, 1), (BYTES, 3)]);
        assert_eq!((flag, bytes), ([1], *b"abc"));

        array[1].ulValueLen = 2;
        let mut outer = [entry(INNER, &mut array)];
        assert_eq!(answer(view(&mut outer), &values), Err(Error::BufferTooSmall));
        assert_eq!((array[0].ulValueLen, array[1].ulValueLen), (1, UNAVAILABLE));
        assert_eq!(outer[0].ulValueLen as usize, size_of_val(&array), "the array itself had room");
    }
}
