//! The length of what base64 text stands for, without decoding it.

/// How many bytes `text` decodes to: the standard alphabet with its padding, the unused bits zero (RFC 4648, section 4).
/// None if it is not that.
pub(super) fn decoded_length(text: &str) -> Option<usize> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let symbols = text.trim_end_matches('=').as_bytes();
    let padding = text.len() - symbols.len();
    let last = symbols.last();
    let ends_well = match padding {
        0 => true,
        1 => last.is_some_and(|symbol| b"AEIMQUYcgkosw048".contains(symbol)),
        2 => last.is_some_and(|symbol| b"AQgw".contains(symbol)),
        _ => false,
    };
    let is_symbol = |byte: u8| byte.is_ascii_alphanumeric() | (byte == b'+') | (byte == b'/');
    // Without an early end, so that the compiler takes many bytes at once.
    let all_symbols = symbols.iter().fold(true, |all, byte| all & is_symbol(*byte));
    (ends_well && all_symbols).then(|| text.len() / 4 * 3 - padding)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_blob_has_the_length_that_decoding_it_gives() {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for length in 0..200 {
            let text =
                STANDARD.encode(std::iter::repeat_with(|| random.u8(..)).take(length).collect::<Vec<_>>());
            assert_eq!(decoded_length(&text), Some(length));
        }
        let symbols = b"AQgwEBcz09+/==-_ \n";
        for _ in 0..100_000 {
            let length = random.usize(0..10);
            let text: String =
                (0..length).map(|_| char::from(symbols[random.usize(..symbols.len())])).collect();
            assert_eq!(
                decoded_length(&text),
                STANDARD.decode(&text).ok().map(|bytes| bytes.len()),
                "{text:?}"
            );
        }
    }
}
