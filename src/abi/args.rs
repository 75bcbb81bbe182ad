//! Checked views of a caller's memory: single values, input, output and lists.
//!
//! Nothing here trusts alignment, and a Rust reference is never made to memory that another one of the same call
//! may cover: lengths are kept in local variables and written back at the end, and an input that overlaps the
//! output (encryption in place) is copied first.

use crate::error::{Error, Result};
use crate::output::{Delivery, Output};
use cryptoki_sys as ck;
use cryptoki_sys::CK_ULONG;
use std::marker::PhantomData;
use zeroize::Zeroizing;

/// `CK_UNAVAILABLE_INFORMATION` (PKCS#11 3.2, section 3.2).
pub(super) const UNAVAILABLE: CK_ULONG = CK_ULONG::MAX;

/// No block of memory of a process is longer: user space ends here on 64-bit Linux.
const USER_SPACE: usize = 1 << 47;

/// C data of which every bit pattern is a value.
///
/// # Safety
///
/// Only for types for which that holds.
pub(super) unsafe trait Plain: Copy {}

/// A parameter of an export, and what the code behind it gets to see.
pub(super) trait Argument<'a> {
    /// The checked form.
    type View;

    /// Takes the parameter in.
    ///
    /// # Safety
    ///
    /// A pointer is NULL or, for `'a`, as the standard says of this parameter of the called function: good for
    /// one value, or for as many as the length beside it says.
    unsafe fn view(self) -> Self::View;
}

macro_rules! plain {
    ($($type:ty),*) => { $(
        // SAFETY: numbers, arrays of numbers, data pointers and optional function pointers; any bits are one.
        unsafe impl Plain for $type {}
    )* };
}

plain!(u8, CK_ULONG, [u8; 32], ck::CK_VERSION, ck::CK_INTERFACE, ck::CK_ATTRIBUTE, ck::CK_MECHANISM);
plain!(ck::CK_INFO, ck::CK_SLOT_INFO, ck::CK_TOKEN_INFO, ck::CK_MECHANISM_INFO, ck::CK_SESSION_INFO);
plain!(ck::CK_C_INITIALIZE_ARGS, *mut ck::CK_INTERFACE, *mut ck::CK_FUNCTION_LIST);
plain!(ck::CK_AES_CTR_PARAMS, ck::CK_GCM_PARAMS, ck::CK_CCM_PARAMS, ck::CK_EDDSA_PARAMS);
plain!(ck::CK_GCM_MESSAGE_PARAMS, ck::CK_CCM_MESSAGE_PARAMS, ck::CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS);
plain!(ck::CK_GCM_WRAP_PARAMS, ck::CK_CCM_WRAP_PARAMS, ck::CK_X9_42_DH1_DERIVE_PARAMS);
plain!(ck::CK_HKDF_PARAMS, ck::CK_PKCS5_PBKD2_PARAMS2, ck::CK_ECDH_AES_KEY_WRAP_PARAMS);
plain!(ck::CK_SP800_108_KDF_PARAMS, ck::CK_SP800_108_FEEDBACK_KDF_PARAMS, ck::CK_PRF_DATA_PARAM);
plain!(ck::CK_SP800_108_COUNTER_FORMAT, ck::CK_SP800_108_DKM_LENGTH_FORMAT, ck::CK_DERIVED_KEY);
plain!(ck::CK_SSL3_MASTER_KEY_DERIVE_PARAMS, ck::CK_TLS12_MASTER_KEY_DERIVE_PARAMS);
plain!(ck::CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS, ck::CK_SSL3_KEY_MAT_PARAMS);
plain!(ck::CK_TLS12_KEY_MAT_PARAMS, ck::CK_SSL3_KEY_MAT_OUT, ck::CK_TLS_KDF_PARAMS);
plain!(ck::CK_TLS_MAC_PARAMS, ck::CK_TLS_PRF_PARAMS);
plain!(ck::CK_CHACHA20_PARAMS, ck::CK_SALSA20_CHACHA20_POLY1305_PARAMS);
plain!(ck::CK_RSA_PKCS_OAEP_PARAMS, ck::CK_RSA_PKCS_PSS_PARAMS, ck::CK_RSA_AES_KEY_WRAP_PARAMS);
plain!(ck::CK_ECDH1_DERIVE_PARAMS, ck::CK_KEY_DERIVATION_STRING_DATA);
plain!(ck::CK_SIGN_ADDITIONAL_CONTEXT, ck::CK_HASH_SIGN_ADDITIONAL_CONTEXT);
plain!(ck::CK_AES_CBC_ENCRYPT_DATA_PARAMS, ck::CK_DES_CBC_ENCRYPT_DATA_PARAMS);

macro_rules! by_value {
    ($($type:ty),*) => { $(
        impl Argument<'_> for $type {
            type View = $type;
            unsafe fn view(self) -> $type {
                self
            }
        }
    )* };
}

by_value!(CK_ULONG, ck::CK_BBOOL, ck::CK_NOTIFY);

impl<'a, T> Argument<'a> for *mut T {
    type View = Pointer<'a, T>;
    unsafe fn view(self) -> Pointer<'a, T> {
        // SAFETY: the caller of `view` promises just what `Pointer::new` asks for.
        unsafe { Pointer::new(self) }
    }
}

/// A caller's pointer: NULL, or good for what the standard says of it.
pub(super) struct Pointer<'a, T> {
    raw: *mut T,
    call: PhantomData<&'a ()>,
}

impl<T> Clone for Pointer<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Pointer<'_, T> {}

impl<'a, T> Pointer<'a, T> {
    /// # Safety
    ///
    /// As [`Argument::view`] says.
    pub(super) unsafe fn new(raw: *mut T) -> Self {
        Pointer { raw, call: PhantomData }
    }

    /// Whether it is NULL.
    pub(super) fn is_null(self) -> bool {
        self.raw.is_null()
    }

    /// Itself, or `ArgumentsBad` if it is NULL: for results, before anything is made that could not be told.
    pub(super) fn required(self) -> Result<Self> {
        if self.is_null() { Err(Error::ArgumentsBad) } else { Ok(self) }
    }

    /// The same memory as something else: for the void pointers of the standard.
    pub(super) fn cast<U>(self) -> Pointer<'a, U> {
        Pointer { raw: self.raw.cast(), call: PhantomData }
    }

    /// The address, for comparisons.
    pub(super) fn address(self) -> usize {
        self.raw.addr()
    }

    /// The value behind it, whatever its alignment; NULL is `ArgumentsBad`.
    pub(super) fn read(self) -> Result<T>
    where
        T: Plain,
    {
        let raw = self.required()?.raw;
        // SAFETY: not NULL, so good for a value by `new`'s contract; every bit pattern is a `T`.
        Ok(unsafe { raw.read_unaligned() })
    }

    /// Puts a value there, whatever the alignment; NULL is `ArgumentsBad`.
    pub(super) fn write(self, value: T) -> Result<()> {
        let raw = self.required()?.raw;
        // SAFETY: not NULL, so good for a value by `new`'s contract; nothing is dropped, C data needs no drop.
        unsafe { raw.write_unaligned(value) };
        Ok(())
    }

    /// Checks that an array of `length` elements can begin here, and gives the length back as Rust counts.
    /// NULL is fine where `length` is 0; what cannot lie in user space is `ArgumentsBad`.
    pub(super) fn extent(self, length: CK_ULONG) -> Result<usize> {
        let length = usize::try_from(length).map_err(|_| Error::ArgumentsBad)?;
        let bytes = length.checked_mul(size_of::<T>()).ok_or(Error::ArgumentsBad)?;
        let end = self.address().checked_add(bytes);
        if length == 0 {
            return Ok(0);
        }
        if self.is_null() || bytes > USER_SPACE || end.is_none() {
            return Err(Error::ArgumentsBad);
        }
        Ok(length)
    }

    /// Element `index` of the array that begins here; its extent has been checked.
    pub(super) fn at(self, index: usize) -> Pointer<'a, T> {
        Pointer { raw: self.raw.wrapping_add(index), call: PhantomData }
    }
}

impl<'a> Pointer<'a, u8> {
    /// `length` bytes to read; NULL is fine where `length` is 0.
    pub(super) fn bytes(self, length: CK_ULONG) -> Result<&'a [u8]> {
        match self.extent(length)? {
            0 => Ok(&[]),
            // SAFETY: not NULL and within user space; good for `length` bytes during the call by `new`'s contract.
            length => Ok(unsafe { std::slice::from_raw_parts(self.raw, length) }),
        }
    }

    /// `length` bytes to fill. At most one such view is made in a call, and `bytes` of the same memory never.
    fn buffer(self, length: CK_ULONG) -> Result<&'a mut [u8]> {
        match self.extent(length)? {
            0 => Ok(&mut []),
            // SAFETY: as in `bytes`; the callers below see to it that nothing else covers the memory.
            length => Ok(unsafe { std::slice::from_raw_parts_mut(self.raw, length) }),
        }
    }
}

impl Pointer<'_, ck::CK_ATTRIBUTE> {
    /// Puts `length` into `ulValueLen` of the attribute.
    pub(super) fn write_length(self, length: CK_ULONG) -> Result<()> {
        let raw = self.required()?.raw;
        // SAFETY: not NULL, so good for an attribute by `new`'s contract, of which this is a field.
        unsafe { (&raw mut (*raw).ulValueLen).write_unaligned(length) };
        Ok(())
    }

    /// Puts `kind` into `type` of the attribute.
    pub(super) fn write_type(self, kind: CK_ULONG) -> Result<()> {
        let raw = self.required()?.raw;
        // SAFETY: as in `write_length`.
        unsafe { (&raw mut (*raw).type_).write_unaligned(kind) };
        Ok(())
    }
}

/// Copies `bytes` to a place that the caller has said to have room for them.
pub(super) fn copy_out(bytes: &[u8], to: Pointer<u8>) -> Result<()> {
    let length = to.extent(bytes.len() as CK_ULONG)?;
    // SAFETY: `extent` has refused NULL; the place is good for so many bytes by `new`'s contract, and `copy` allows
    // for any overlap.
    unsafe { std::ptr::copy(bytes.as_ptr(), to.raw, length) };
    Ok(())
}

/// A PIN: never NULL, since no token here has a keypad of its own.
pub(super) fn pin<'a>(pin: Pointer<'a, u8>, length: CK_ULONG) -> Result<&'a [u8]> {
    pin.required()?.bytes(length)
}

/// Fills a whole buffer.
pub(super) fn fill(
    buffer: Pointer<u8>,
    length: CK_ULONG,
    run: impl FnOnce(&mut [u8]) -> Result<()>,
) -> Result<()> {
    run(buffer.buffer(length)?)
}

/// A buffer of the caller's, and the place of its length, to be filled by the length protocol of [`Output`].
struct Room<'a> {
    buffer: Option<&'a mut [u8]>,
    /// What the length says.
    told: CK_ULONG,
    length: Pointer<'a, CK_ULONG>,
}

impl<'a> Room<'a> {
    #[inline]
    fn of(buffer: Pointer<'a, u8>, length: Pointer<'a, CK_ULONG>) -> Result<Self> {
        // What the length says where there is no buffer has no meaning (section 5.2).
        if buffer.is_null() {
            return Ok(Room { buffer: None, told: 0, length: length.required()? });
        }
        let told = length.read()?;
        Ok(Room { buffer: Some(buffer.buffer(told)?), told, length })
    }

    #[inline]
    fn output(&mut self) -> Output<'_> {
        Output::new(self.buffer.as_deref_mut(), &mut self.told)
    }

    /// Tells the caller the length, if there is one to tell.
    #[inline]
    fn settle(self, result: Result<Delivery>) -> Result<()> {
        if matches!(result, Ok(_) | Err(Error::BufferTooSmall)) {
            self.length.write(self.told)?;
        }
        result.map(drop)
    }
}

/// Runs a step that fills a buffer of the caller's.
pub(super) fn deliver(
    buffer: Pointer<u8>,
    length: Pointer<CK_ULONG>,
    run: impl FnOnce(Output<'_>) -> Result<Delivery>,
) -> Result<()> {
    let mut room = Room::of(buffer, length)?;
    let result = run(room.output());
    room.settle(result)
}

/// The same for a step that also reads a caller's input, which may overlap the output in any way.
pub(super) fn transform(
    (input, input_length): (Pointer<u8>, CK_ULONG),
    (output, output_length): (Pointer<u8>, Pointer<CK_ULONG>),
    run: impl FnOnce(&[u8], Output<'_>) -> Result<Delivery>,
) -> Result<()> {
    let taken = input.extent(input_length)?;
    let room = if output.is_null() { 0 } else { output.extent(output_length.read()?)? };
    let copy;
    let input =
        if overlap(input.address()..input.address() + taken, output.address()..output.address() + room) {
            copy = Zeroizing::new(input.bytes(input_length)?.to_vec());
            &copy
        } else {
            input.bytes(input_length)?
        };
    let mut room = Room::of(output, output_length)?;
    let result = run(input, room.output());
    room.settle(result)
}

/// Answers with a list: how many there are, and the list itself if one was asked for and has room.
pub(super) fn list<T: Plain>(items: &[T], to: Pointer<T>, count: Pointer<CK_ULONG>) -> Result<()> {
    let needed = items.len() as CK_ULONG;
    if to.is_null() {
        return count.write(needed);
    }
    let room = count.read()?;
    count.write(needed)?;
    if room < needed {
        return Err(Error::BufferTooSmall);
    }
    items.iter().enumerate().try_for_each(|(index, item)| to.at(index).write(*item))
}

fn overlap(one: std::ops::Range<usize>, other: std::ops::Range<usize>) -> bool {
    !one.is_empty() && !other.is_empty() && one.start < other.end && other.start < one.end
}

/// Text as the standard's fixed-size fields want it: padded with blanks, and cut between two characters if it is
/// too long.
pub(super) fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [b' '; N];
    let cut = (0..=N.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    field[..cut].copy_from_slice(&text.as_bytes()[..cut]);
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Part, Size, Step};

    /// A view of test memory, which is good for what the test says of it.
    fn view<'a, T>(raw: *mut T) -> Pointer<'a, T> {
        // SAFETY: the tests pass NULL or memory of the length they name; refused lengths are never read.
        unsafe { Pointer::new(raw) }
    }

    fn null<'a, T>() -> Pointer<'a, T> {
        view(std::ptr::null_mut())
    }

    #[test]
    fn null_is_input_only_without_a_length() {
        assert_eq!(null::<u8>().bytes(0), Ok(&[][..]));
        assert_eq!(null::<u8>().bytes(1), Err(Error::ArgumentsBad));
        let mut bytes = [1, 2, 3];
        assert_eq!(view(bytes.as_mut_ptr()).bytes(2), Ok(&[1, 2][..]));
    }

    #[test]
    fn lengths_that_no_memory_has_are_refused() {
        let mut byte = 0u8;
        let mut number: CK_ULONG = 0;
        for length in [1 << 60, CK_ULONG::MAX, CK_ULONG::MAX / 8 + 1] {
            assert_eq!(view(&raw mut byte).bytes(length), Err(Error::ArgumentsBad), "{length:x}");
            assert_eq!(view(&raw mut number).extent(length), Err(Error::ArgumentsBad), "{length:x}");
        }
        let top = view::<u8>(std::ptr::without_provenance_mut(usize::MAX - 4));
        assert_eq!(top.extent(5), Err(Error::ArgumentsBad), "wraps round");
    }

    #[test]
    fn values_are_read_and_written_at_any_alignment() {
        let mut bytes = [0u8; 17];
        let odd = view(bytes[1..].as_mut_ptr()).cast::<CK_ULONG>();
        odd.write(0x0102_0304_0506_0708).unwrap();
        odd.at(1).write(7).unwrap();
        assert_eq!(odd.read(), Ok(0x0102_0304_0506_0708));
        assert_eq!(odd.at(1).read(), Ok(7));
        assert_eq!(null::<CK_ULONG>().read(), Err(Error::ArgumentsBad));
        assert_eq!(null::<CK_ULONG>().write(1), Err(Error::ArgumentsBad));
    }

    #[test]
    fn a_size_question_ignores_what_the_length_says() {
        let mut length = CK_ULONG::MAX;
        let answer = deliver(null(), view(&raw mut length), |output| output.copy(b"abc"));
        assert_eq!((answer, length), (Ok(()), 3));
    }

    #[test]
    fn a_small_buffer_is_told_the_length_and_left_alone() {
        let (mut buffer, mut length) = (*b"..", 2);
        let answer = deliver(view(buffer.as_mut_ptr()), view(&raw mut length), |output| output.copy(b"abc"));
        assert_eq!((answer, length, &buffer), (Err(Error::BufferTooSmall), 3, b".."));
    }

    #[test]
    fn a_failed_step_leaves_the_length_alone() {
        let (mut buffer, mut length) = ([0; 4], 4);
        let answer = deliver(view(buffer.as_mut_ptr()), view(&raw mut length), |_| Err(Error::DataInvalid));
        assert_eq!((answer, length), (Err(Error::DataInvalid), 4));
        assert_eq!(deliver(view(buffer.as_mut_ptr()), null(), |_| unreachable!()), Err(Error::ArgumentsBad));
    }

    #[test]
    fn input_and_output_may_overlap_in_any_way() {
        for shift in 0..=8 {
            let mut memory = *b"abcdefgh........";
            let start = memory.as_mut_ptr();
            let mut length = 8;
            let output = (view(start.wrapping_add(shift)), view(&raw mut length));
            transform((view(start), 8), output, |input, output| {
                let reversed: Vec<u8> = input.iter().rev().copied().collect();
                let step = Step { part: Part::Whole, input: 8 };
                output.deliver(step, Size::Exact(8), &mut None, |buffer| {
                    buffer.fill(0);
                    buffer.copy_from_slice(&reversed);
                    assert_eq!(input, b"abcdefgh");
                    Ok(8)
                })
            })
            .unwrap();
            assert_eq!(&memory[shift..shift + 8], b"hgfedcba", "shifted by {shift}");
        }
    }

    #[test]
    fn only_memory_in_common_is_an_overlap() {
        assert!(overlap(0..4, 3..5) && overlap(3..5, 0..4) && overlap(0..9, 2..3));
        assert!(!overlap(0..4, 4..8) && !overlap(2..2, 0..4));
    }

    #[test]
    fn a_list_is_counted_then_filled_and_never_cut() {
        let mut count = 0;
        list(&[5u64, 6, 7], null(), view(&raw mut count)).unwrap();
        assert_eq!(count, 3);
        let mut room = [0u64; 4];
        count = 2;
        let small = list(&[5, 6, 7], view(room.as_mut_ptr()), view(&raw mut count));
        assert_eq!((small, count, room), (Err(Error::BufferTooSmall), 3, [0; 4]));
        count = 4;
        list(&[5, 6, 7], view(room.as_mut_ptr()), view(&raw mut count)).unwrap();
        assert_eq!((count, room), (3, [5, 6, 7, 0]));
        assert_eq!(list(&[5u64], view(room.as_mut_ptr()), null()), Err(Error::ArgumentsBad));
    }

    #[test]
    fn text_is_padded_and_cut_between_characters() {
        assert_eq!(&padded::<4>("ab"), b"ab  ");
        assert_eq!(&padded::<4>("abcdef"), b"abcd");
        assert_eq!(&padded::<4>("abc\u{e9}"), b"abc ", "a character of two bytes does not fit");
        assert_eq!(&padded::<2>(""), b"  ");
    }
}
