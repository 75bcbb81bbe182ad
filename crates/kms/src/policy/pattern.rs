//! Text in a policy: wildcards (`*`, `?`) and variables (`${aws:username}`), compiled once (IAM guide, "Variables and tags").

use std::borrow::Cow;

use super::key::Named;

/// How a policy's text is read: which of its characters are not literal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// `${...}` is a variable: from Version 2012-10-17 on.
    pub(super) variables: bool,
}

/// The longest text with wildcards, in bytes. Together with the limit of what requests bring (8 KB of encryption context) it bounds the work.
const LONGEST_GLOB: usize = 2048;

/// A text to compare with.
#[derive(Debug)]
pub(super) struct Pattern {
    pieces: Vec<Piece>,
    has_variables: bool,
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(Box<str>),
    /// `*`: any number of characters.
    Run,
    /// `?`: one character.
    One,
    Variable {
        key: Named,
        default: Option<Box<str>>,
    },
}

/// What variables stand for: the single value of a key, if it has one.
pub(super) trait Variables {
    /// The value of `key`, unless it is absent or has several.
    fn single(&self, key: &Named) -> Option<String>;
}

/// Where no variables are allowed.
pub(super) struct NoVariables;

impl Variables for NoVariables {
    fn single(&self, _key: &Named) -> Option<String> {
        None
    }
}

impl Pattern {
    /// Compiles `text`; `None` if a variable is malformed, or if it has wildcards and is longer than [`LONGEST_GLOB`].
    pub(super) fn parse(text: &str, reading: Reading) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let special = match next {
                '*' if reading.wildcards => Some(Piece::Run),
                '?' if reading.wildcards => Some(Piece::One),
                '$' if reading.variables && rest.starts_with("${") => {
                    let (inside, after) = rest.get(2..)?.split_once('}')?;
                    rest = after;
                    match inside {
                        "*" | "?" | "$" => literal.push_str(inside),
                        _ => {
                            flush(&mut literal, &mut pieces);
                            pieces.push(variable(inside)?);
                        }
                    }
                    continue;
                }
                _ => None,
            };
            match special {
                Some(piece) => {
                    flush(&mut literal, &mut pieces);
                    // Several `*` in a row are one.
                    if !matches!((&piece, pieces.last()), (Piece::Run, Some(Piece::Run))) {
                        pieces.push(piece);
                    }
                }
                None => literal.push(next),
            }
            rest = rest.get(next.len_utf8()..)?;
        }
        flush(&mut literal, &mut pieces);
        let has_variables = pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. }));
        let is_glob = pieces.iter().any(|piece| matches!(piece, Piece::Run));
        (!is_glob || text.len() <= LONGEST_GLOB).then_some(Self { pieces, has_variables })
    }

    /// Whether `text` fits. A variable without value fits nothing.
    pub(super) fn matches(&self, text: &str, case: Case, variables: &dyn Variables) -> bool {
        match self.resolve(variables) {
            // Variables may stand for long texts: those that can't fit are not tried.
            Some(pieces) => (!self.has_variables || has_room(&pieces, text)) && fits(&pieces, text, case),
            None => false,
        }
    }

    /// The pieces with every variable replaced by its value, which is literal whatever is in it.
    fn resolve(&self, variables: &dyn Variables) -> Option<Cow<'_, [Piece]>> {
        if !self.has_variables {
            return Some(Cow::Borrowed(&self.pieces));
        }
        let resolved = self.pieces.iter().map(|piece| match piece {
            Piece::Variable { key, default } => {
                let value = variables.single(key).map(String::into_boxed_str);
                value.or_else(|| default.clone()).map(Piece::Literal)
            }
            other => Some(other.clone()),
        });
        resolved.collect::<Option<Vec<_>>>().map(Cow::Owned)
    }
}

fn flush(literal: &mut String, pieces: &mut Vec<Piece>) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(std::mem::take(literal).into_boxed_str()));
    }
}

/// The inside of `${...}`: a condition key, and perhaps `, 'default'`.
fn variable(inside: &str) -> Option<Piece> {
    let (name, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((name, default)) => {
            let quoted = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (name, Some(quoted.into()))
        }
    };
    Some(Piece::Variable { key: Named::parse(name.trim())?, default })
}

/// Whether upper and lower case differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Matters,
    Ignored,
}

/// Whether `text` has as many characters as the pieces need at least.
fn has_room(pieces: &[Piece], text: &str) -> bool {
    let least = |piece: &Piece| match piece {
        Piece::Literal(literal) => literal.chars().count(),
        Piece::One => 1,
        Piece::Run | Piece::Variable { .. } => 0,
    };
    pieces.iter().map(least).sum::<usize>() <= text.chars().count()
}

/// Glob matching: on a mismatch the last `*` takes one character more, so the work is bounded by pattern times text.
fn fits(pieces: &[Piece], text: &str, case: Case) -> bool {
    let (mut piece, mut at) = (0_usize, 0_usize);
    let mut last_run: Option<(usize, usize)> = None;
    loop {
        let step = match pieces.get(piece) {
            None if at == text.len() => return true,
            None => None,
            Some(Piece::Run) if piece.saturating_add(1) == pieces.len() => return true,
            Some(Piece::Run) => {
                last_run = Some((piece, at));
                Some(0)
            }
            Some(Piece::One) => width(text, at),
            Some(Piece::Literal(literal)) => begins(text, at, literal, case),
            Some(Piece::Variable { .. }) => None,
        };
        if let Some(taken) = step {
            at = at.saturating_add(taken);
            piece = piece.saturating_add(1);
            continue;
        }
        let Some((run, from)) = last_run else { return false };
        let Some(more) = width(text, from) else { return false };
        at = from.saturating_add(more);
        piece = run.saturating_add(1);
        last_run = Some((run, at));
    }
}

/// The length of the character at `at`, in bytes.
fn width(text: &str, at: usize) -> Option<usize> {
    text.get(at..)?.chars().next().map(char::len_utf8)
}

/// How much of `text` at `at` the literal takes, if it is there.
fn begins(text: &str, at: usize, literal: &str, case: Case) -> Option<usize> {
    let rest = text.get(at..)?;
    let same = rest.as_bytes().get(..literal.len()).is_some_and(|start| match case {
        Case::Matters => start == literal.as_bytes(),
        Case::Ignored => start.eq_ignore_ascii_case(literal.as_bytes()),
    });
    match case {
        _ if same => Some(literal.len()),
        Case::Matters => None,
        Case::Ignored if literal.is_ascii() => None,
        Case::Ignored => begins_folded(rest, literal),
    }
}

/// The same for letters beyond ASCII, whose two cases may differ in length.
fn begins_folded(text: &str, literal: &str) -> Option<usize> {
    let mut chars = text.chars();
    let same = literal
        .chars()
        .all(|expected| chars.next().is_some_and(|found| found.to_lowercase().eq(expected.to_lowercase())));
    same.then(|| text.len().saturating_sub(chars.as_str().len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOB: Reading = Reading { wildcards: true, variables: true };

    #[test]
    fn stars_in_a_row_are_one_and_mean_the_same() {
        let pattern = Pattern::parse("a***?**b", GLOB).unwrap();
        assert_eq!(pattern.pieces.len(), 5);
        for (text, expected) in [("axb", true), ("axyzb", true), ("ab", false), ("axyz", false)] {
            assert_eq!(pattern.matches(text, Case::Matters, &NoVariables), expected, "{text}");
        }
    }

    #[test]
    fn a_glob_has_a_longest_length_and_a_plain_text_has_none() {
        let text = |length: usize| "a".repeat(length - 1);
        assert!(Pattern::parse(&format!("{}*", text(LONGEST_GLOB)), GLOB).is_some());
        assert!(Pattern::parse(&format!("{}*", text(LONGEST_GLOB + 1)), GLOB).is_none());
        assert!(Pattern::parse(&text(LONGEST_GLOB * 2), GLOB).is_some());
    }

    #[test]
    fn a_variable_that_stands_for_more_than_the_text_has_fits_nothing() {
        struct Long(usize);
        impl Variables for Long {
            fn single(&self, _key: &Named) -> Option<String> {
                Some("a".repeat(self.0))
            }
        }
        let pattern = Pattern::parse("*${aws:username}b*${aws:username}", GLOB).unwrap();
        let text = format!("{}b{}", "a".repeat(8), "a".repeat(8));
        assert!(pattern.matches(&text, Case::Matters, &Long(8)));
        assert!(!pattern.matches(&text, Case::Matters, &Long(9)));
        assert!(!has_room(&pattern.resolve(&Long(9)).unwrap(), &text));
    }
}
