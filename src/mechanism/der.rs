//! The little of DER (X.690) that is written and read here, where OpenSSL would take longer than for the operation beside it.

/// Tag of an INTEGER.
pub const INTEGER: u8 = 0x02;
/// Tag of a BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// Tag of an OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// Tag of an OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// Tag of a SEQUENCE.
pub const SEQUENCE: u8 = 0x30;

/// Tag, length and content, which comes in parts.
pub fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let length: usize = content.iter().map(|part| part.len()).sum();
    let digits = length.to_be_bytes();
    let significant = &digits[(length.leading_zeros() / 8) as usize..];
    let mut element = Vec::with_capacity(length + 2 + digits.len());
    element.push(tag);
    if length >= 0x80 {
        // A length has eight digits at most.
        element.push(0x80 | significant.len() as u8);
        element.extend_from_slice(significant);
    } else {
        element.push(length as u8);
    }
    content.iter().for_each(|part| element.extend_from_slice(part));
    element
}

/// An INTEGER that is not negative, from its big-endian digits.
pub fn integer(digits: &[u8]) -> Vec<u8> {
    let digits = without_zeros(digits);
    // The first bit is the sign's; zero has one digit.
    let zero: &[u8] = if digits.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    element(INTEGER, &[zero, digits])
}

/// The content of the element that `der` begins with, and what follows it. `None` if it has another tag or is cut off; lengths of up to 255 are read.
pub fn content(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der {
        [found, length @ 0..=0x7f, rest @ ..] if *found == tag => (*length, rest),
        [found, 0x81, length, rest @ ..] if *found == tag && *length >= 0x80 => (*length, rest),
        _ => return None,
    };
    rest.split_at_checked(length.into())
}

/// A number without the zeros it begins with.
pub fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::bn::BigNum;
    use openssl::ecdsa::EcdsaSig;

    #[test]
    fn lengths_are_told_as_der_wants_them_and_read_again() {
        for (length, told) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
            (65536, &[4, 0x83, 1, 0, 0]),
        ] {
            let content_of = vec![7; length];
            let element = element(OCTET_STRING, &[&content_of[..length / 2], &content_of[length / 2..]]);
            assert_eq!((&element[..told.len()], element.len()), (told, told.len() + length));
            let read = (length < 256).then_some((&content_of[..], &[][..]));
            assert_eq!(content(OCTET_STRING, &element), read);
            assert_eq!(content(SEQUENCE, &element), None, "another tag");
            assert_eq!(content(OCTET_STRING, &element[..element.len() - 1]), None, "cut off");
        }
    }

    #[test]
    fn integers_are_those_that_openssl_writes() {
        for digits in [&[][..], &[0], &[0, 0, 1], &[0x7f], &[0x80], &[0, 0x80, 0], &[0xff; 66]] {
            let number = || BigNum::from_slice(digits).unwrap();
            let pair = EcdsaSig::from_private_components(number(), number()).unwrap().to_der().unwrap();
            assert_eq!(element(SEQUENCE, &[&integer(digits), &integer(digits)]), pair, "{digits:?}");
        }
    }
}
