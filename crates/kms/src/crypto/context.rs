//! The encryption context: bound to a ciphertext, in an encoding that no two contexts share.

use std::collections::BTreeMap;

/// An encryption context as requests carry it.
pub type Context = BTreeMap<String, String>;

/// The one encoding of a context: the number of pairs, then each key and value with its length before it, in the order of the keys. Lengths are
/// four bytes, big-endian. `{"ab":"c"}` and `{"a":"bc"}` differ in it, the order in the request doesn't matter.
pub fn encode(context: Option<&Context>) -> Vec<u8> {
    let Some(context) = context.filter(|context| !context.is_empty()) else {
        return vec![0; 4];
    };
    let size = context.iter().map(|(key, value)| 8 + key.len() + value.len()).sum::<usize>() + 4;
    let mut bytes = Vec::with_capacity(size);
    push_length(&mut bytes, context.len());
    for (key, value) in context {
        for text in [key, value] {
            push_length(&mut bytes, text.len());
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    bytes
}

/// Requests are far smaller than what four bytes count.
fn push_length(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> Context {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn k102_contexts_that_run_together_the_same_are_told_apart() {
        let same_text = [
            context(&[("ab", "c")]),
            context(&[("a", "bc")]),
            context(&[("abc", "")]),
            context(&[("", "abc")]),
        ];
        for (i, one) in same_text.iter().enumerate() {
            for other in &same_text[i + 1..] {
                assert_ne!(encode(Some(one)), encode(Some(other)));
            }
        }
        assert_ne!(
            encode(Some(&context(&[("a", "b"), ("c", "d")]))),
            encode(Some(&context(&[("a", "b\u{0}\u{0}\u{0}\u{1}c")])))
        );
    }

    #[test]
    fn an_empty_context_is_none() {
        assert_eq!(encode(None), encode(Some(&Context::new())));
    }
}
